"""`up` and `run`: all of MicroStore in the foreground, until a signal ends it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from stack import report
from stack.down import stop_leftovers
from stack.failure import CannotRun
from stack.modes import Mode
from stack.processes.environment import find_ports, make_environment, make_settings, write_environment_files
from stack.processes.interruption import uninterrupted, unwound_by_signals
from stack.processes.pid_file import PidFile
from stack.processes.preparation import prepare_services
from stack.processes.procfile import read_procfile
from stack.processes.readiness import address_of
from stack.processes.stack import Stack
from stack.processes.supervisor import Supervisor
from stack.purchase import buy_one_armchair
from stack.servers.private import ServerSet


def launch(mode: Mode, *, once: bool) -> None:
    """Start everything, buy one thing, then supervise; with `once`, end after the purchase."""
    report.say(mode.warning)
    with unwound_by_signals(), _only_launcher(mode):
        ports = find_ports()
        with _running_servers(mode) as servers:
            settings = make_settings(
                mode.folder, servers=servers.environment(), ports=ports, live=mode.live_of_its_own
            )
            report.say("Preparing the databases ...")
            prepare_services(settings, with_topology=mode.on_rabbitmq)
            with _running_processes(mode, settings) as stack:
                _show(stack, files=write_environment_files(mode.folder, settings), once=once)


def _show(stack: Stack, *, files: list[Path], once: bool) -> None:
    report.print_processes(stack)
    report.print_where_to_look(stack, files)
    try:
        _demonstrate(stack)
    except CannotRun as reason:
        if once:
            raise
        report.say(f"{reason}")
    if not once:
        report.say("Running. Ctrl-C ends it, and `make down` from elsewhere.")
        # A signal is the usual end of this: no failure, and no traceback.
        with suppress(KeyboardInterrupt, SystemExit):
            Supervisor(stack, say=report.say).watch()


def _demonstrate(stack: Stack) -> None:
    listings_url = address_of("listings-api", stack.environment)
    live_url = stack.environment["LIVE_URL"] or listings_url.replace("http", "ws", 1)
    try:
        report.print_purchase(buy_one_armchair(listings_url=listings_url, live_url=live_url))
    except CannotRun as reason:
        raise CannotRun(f"{reason}\nLook into the logs in {stack.logs}") from reason


@contextmanager
def _only_launcher(mode: Mode) -> Iterator[None]:
    # Two launchers would share pid files, and each restart what the other stops.
    pid_file = PidFile(mode.launcher_pid_file)
    if other := pid_file.read():
        raise CannotRun(f"MicroStore runs already (pid {other.pid}); `make down` ends it.")
    stop_leftovers(mode)
    pid_file.write(os.getpid())
    try:
        yield
    finally:
        pid_file.clear()


@contextmanager
def _running_servers(mode: Mode) -> Iterator[ServerSet]:
    report.say("Starting the servers ...")
    servers = mode.find_servers()
    # Noted before the first starts: an interruption may come at any moment of the start.
    ours = servers.find_stopped()
    try:
        servers.start()
        yield servers
    finally:
        with uninterrupted():
            servers.stop(ours)


@contextmanager
def _running_processes(mode: Mode, settings: Mapping[str, str]) -> Iterator[Stack]:
    report.say("Starting the processes ...")
    for left_over in ("logs", "metrics"):
        shutil.rmtree(mode.folder / left_over, ignore_errors=True)
    stack = Stack(read_procfile(mode.procfile), environment=make_environment(settings), folder=mode.folder)
    try:
        stack.start_all()
        stack.wait_all_ready()
        yield stack
    finally:
        with uninterrupted():
            report.say("Stopping the processes ...")
            report.print_killed(stack.stop_all())
