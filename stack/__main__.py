"""`python -m stack`: the launcher's command line."""

import errno
import faulthandler
import os
import resource
import shutil
import signal
import subprocess
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Mapping, Sequence

from stack.down import delete_all_data, stop_everything
from stack.failure import CannotRun
from stack.launch import launch
from stack.modes import EMBEDDED, REAL, find_servers
from stack.places import RUN, RUN_VARIABLE, make_run_folder
from stack.servers.private import FOLDER, RealServers, ServerSet
from stack.servers.throw_away import private_servers

COMMAND_ENDS_WITHIN_SECONDS = 20
TIMED_OUT = 124  # as with timeout(1)
SERVERS_START_WITHIN_SECONDS, SERVERS_END_WITHIN_SECONDS = 900, 120  # the first time they are installed
NO_PLACE = (errno.EACCES, errno.ENOTDIR, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
ENOUGH_FILES = 65_536  # not all that are allowed: Erlang sets aside memory for each


def main() -> int:
    """Run the command that was asked for; return its exit code."""
    options = _parser().parse_args()
    _allow_many_connections()
    # A shell has its background jobs ignore SIGINT; who sends it to this process means this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return int(options.run(options))
    except CannotRun as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in NO_PLACE:
            raise
        print(f"\n{describe_no_place(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def describe_no_place(error: OSError) -> str:
    """Return in words that a file cannot be written, and where else files may be."""
    where = error.filename or RUN
    return f"{where}: {error.strerror}. {RUN_VARIABLE}=/another/folder make ... keeps all files there."


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m stack", description="Run MicroStore on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    services = commands.add_parser("services", help="start PostgreSQL (two), RabbitMQ and Redis, print URLs")
    services.set_defaults(run=_run_services)
    execute = commands.add_parser("exec", help="run a command with throw-away servers")
    execute.add_argument("--minutes", type=float, help="the longest that it may take, for ever by default")
    execute.add_argument("--no-fsync", dest="fsync", action="store_false", help="faster, for small tests")
    execute.add_argument("command", nargs=REMAINDER, metavar="-- COMMAND")
    execute.set_defaults(run=_run_exec)
    for mode, name, what in ((REAL, "up", "on real servers"), (EMBEDDED, "run", "on what the wheels bring")):
        launching = commands.add_parser(name, help=f"run all of MicroStore {what}, in the foreground")
        launching.add_argument("--once", action="store_true", help="end after the demonstration purchase")
        launching.set_defaults(run=_run_launch, mode=mode)
    down = commands.add_parser("down", help="stop whatever the other commands left running")
    down.add_argument("--delete-data", action="store_true", help="delete all its data, logs and keys too")
    down.set_defaults(run=_run_down)
    return parser


def _run_services(_options: Namespace) -> int:
    servers = find_servers()
    servers.start()
    for name, value in servers.environment().items():
        print(f"{name}={value}")
    return 0


def _run_exec(options: Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    # Whoever waits for the servers is signalled in vain while they are stopped: this thread is not.
    faulthandler.dump_traceback_later(SERVERS_START_WITHIN_SECONDS, exit=True)
    with private_servers(fsync=options.fsync) as servers:
        faulthandler.cancel_dump_traceback_later()
        try:
            environment = {**os.environ, **servers.environment()}
            code = _run_to_the_end(command, environment=environment, minutes=options.minutes)
            if code:
                _keep_logs(servers)
            return code
        finally:
            faulthandler.dump_traceback_later(SERVERS_END_WITHIN_SECONDS, exit=True)


def _run_launch(options: Namespace) -> int:
    launch(options.mode, once=options.once)
    return 0


def _run_down(options: Namespace) -> int:
    stop_everything()
    if options.delete_data:
        delete_all_data()
    return 0


def _keep_logs(servers: ServerSet) -> None:
    if FOLDER in os.environ or not isinstance(servers, RealServers):
        return  # they outlive the command
    folder = make_run_folder(f"failed/{os.getpid()}")
    for server in servers.all:
        shutil.copy(server.daemon.log_file, folder / f"{server.name}.log")
    print(f"The servers' logs are kept in {folder}", file=sys.stderr)


def _run_to_the_end(
    command: Sequence[str], *, environment: Mapping[str, str], minutes: float | None = None
) -> int:
    if not command or not shutil.which(command[0]):
        raise CannotRun(f"No such command: {' '.join(command) or '(none given)'}")
    with subprocess.Popen(command, env=environment) as child:
        try:
            code = child.wait(minutes and minutes * 60)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGABRT)  # pytest prints its stacks then
            child.send_signal(signal.SIGCONT)  # if it is stopped
            _wait_or_kill(child)
            print(f"\nNot ended within {minutes:g} minutes: {' '.join(command)}", file=sys.stderr)
            return TIMED_OUT
        except KeyboardInterrupt:
            # The terminal has signalled the child too, and a second signal would interrupt its cleaning up.
            _wait_or_kill(child)
            raise
        except SystemExit:
            child.terminate()
            _wait_or_kill(child)
            raise
    return 128 - code if code < 0 else code


def _wait_or_kill(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(COMMAND_ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def _allow_many_connections() -> None:
    # A shell's usual 1,024 files are too few for a thousand browsers. Children inherit the limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(ENOUGH_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
