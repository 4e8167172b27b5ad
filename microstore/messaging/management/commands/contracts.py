"""`manage.py contracts check --against REF`: compare the contracts with those of another release."""

import io
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.messaging.compatibility import find_breaks, read_contracts


class Command(BaseCommand):
    """Compares every contract in both directions; exits with 1 where one release cannot take a message."""

    help = "Compare the contracts with those of another release, a Git reference or a folder."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["check"])
        parser.add_argument("--against", required=True, metavar="REF_OR_FOLDER")

    def handle(self, *args: Any, against: str, **options: Any) -> None:
        module = settings.MESSAGING_CONTRACTS
        new = read_contracts(Path.cwd(), module)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(against) if Path(against).is_dir() else export(against, module, into=scratch)
            old = read_contracts(folder, module)
        breaks = find_breaks(old, new)
        if breaks:
            raise CommandError("\n".join(breaks))
        self.stdout.write(f"{len(old)} contracts of {against} and {len(new)} of today understand each other.")


def export(reference: str, module: str, *, into: str) -> Path:
    """Extract the module's package as it was at a Git reference; raises CommandError where there is none."""
    package = "/".join(module.split(".")[:-1])
    archive = ["git", "archive", reference, package]
    try:
        done = subprocess.run(archive, capture_output=True, check=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        raise CommandError(error.stderr.decode()) from None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(into, filter="data")
    return Path(into)
