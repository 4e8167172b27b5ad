"""`python -m stack`: the launcher's command line."""

import os
import signal
import sys
from argparse import REMAINDER, ArgumentParser, Namespace

from stack.command import run_to_the_end
from stack.down import delete_all_data, stop_everything
from stack.failure import CannotRun
from stack.find import find_servers
from stack.launch import launch
from stack.modes import EMBEDDED, REAL
from stack.open_files import allow_many_connections
from stack.private import private_services


def main() -> int:
    """Run the command that was asked for; return its exit code."""
    options = _parser().parse_args()
    allow_many_connections()
    # A shell has its background jobs ignore SIGINT; who sends it to this process means this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return int(options.run(options))
    except CannotRun as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m stack", description="Run MicroStore on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    services = commands.add_parser("services", help="start PostgreSQL (two), RabbitMQ and Redis, print URLs")
    services.set_defaults(run=_run_services)
    execute = commands.add_parser("exec", help="run a command with throw-away servers")
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
    with private_services() as servers:
        return run_to_the_end(command, environment={**os.environ, **servers.environment()})


def _run_launch(options: Namespace) -> int:
    launch(options.mode, once=options.once)
    return 0


def _run_down(options: Namespace) -> int:
    stop_everything()
    if options.delete_data:
        delete_all_data()
    return 0


if __name__ == "__main__":
    sys.exit(main())
