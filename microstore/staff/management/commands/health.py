"""Command `manage.py health PROCESS`, for probes of processes without an address."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from microstore.telemetry.health import CHECKS, LIVENESS, run_checks


class Command(BaseCommand):
    """Health checks of a process: exits with 0 where it can work, else with 1 and the fault."""

    help = "Check whether a process of this service, in this container, can do its work."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", choices=CHECKS)
        parser.add_argument("--alive", action="store_true", help="only what a restart would mend")

    def handle(self, *args: Any, process: str, alive: bool, **options: Any) -> None:
        found = run_checks(LIVENESS.get(process, {}) if alive else CHECKS[process])
        for name, state in found.items():
            self.stdout.write(f"{name}: {state}")
        if any(state != "ok" for state in found.values()):
            sys.exit(1)
