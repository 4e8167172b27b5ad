"""`manage.py contracts check`: can this release take the messages of another one, and those that wait?

`manage.py contracts keep` writes what this release promises into the folder of kept releases.
"""

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amqp.exceptions import AccessRefused
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.messaging.asyncapi import schemas_of_clients
from microstore.messaging.compatibility import Contracts, find_breaks, read_contracts
from microstore.messaging.in_flight import Waiting, find_dead_letters, find_in_broker, find_in_outbox
from microstore.messaging.kept_releases import DIGESTS, find_client_breaks, find_rewritten, keep_release
from microstore.messaging.project import celery_app
from microstore.messaging.sending.publisher import open_connection
from microstore.messaging.topology import is_amqp


class Command(BaseCommand):
    """Exits with 1 where this release and another one, or messages that wait, do not fit together."""

    help = "Compare the contracts with those of another release, or with the messages that wait."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["check", "keep"])
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--against", metavar="RELEASE", help="a Git reference, a folder or a JSON file")
        what.add_argument(
            "--in-flight", action="store_true", help="messages of this service that wait to be handled"
        )
        what.add_argument("--into", metavar="FOLDER", help="keep: that of the release, named by its version")

    def handle(
        self, *args: Any, action: str, against: str | None, in_flight: bool, into: str | None, **options: Any
    ) -> None:
        if (action == "keep") != bool(into):
            raise CommandError("`keep` goes with --into, `check` with --against or --in-flight.")
        if into:
            self._keep(Path(into))
        elif in_flight:
            self._check_in_flight()
        else:
            self._compare(against or "")

    def _keep(self, release: Path) -> None:
        contracts = read_contracts(Path.cwd(), settings.MESSAGING_CONTRACTS)
        if breaks := keep_release(release, contracts, schemas_of_clients()):
            raise CommandError("\n".join([f"Not kept as {release.name}, since it breaks:", *breaks]))
        self.stdout.write(f"{len(contracts)} contracts are kept in {release}.")

    def _compare(self, against: str) -> None:
        module = settings.MESSAGING_CONTRACTS
        new = read_contracts(Path.cwd(), module)
        with tempfile.TemporaryDirectory() as scratch:
            old = read_release(against, module, scratch)
        breaks = find_breaks(old, new)
        if Path(against).is_file():
            release = Path(against).parent
            breaks += find_client_breaks(release, schemas_of_clients())
            breaks += find_rewritten(release.parent) if (release.parent / DIGESTS).exists() else []
        if breaks:
            raise CommandError("\n".join(breaks))
        self.stdout.write(f"{len(old)} contracts of {against} and {len(new)} of today understand each other.")

    def _check_in_flight(self) -> None:
        try:
            messages = list(read_waiting())
        except AccessRefused as error:
            raise CommandError(
                f"Not all of it could be read: {error}. Set BROKER_URL to that of RabbitMQ's administrator."
            ) from error
        faults = []
        for waiting in messages:
            if waiting.fault and waiting.was_refused:
                self.stdout.write(f"{waiting.place}: was refused on its arrival, too: {waiting.fault}")
            elif waiting.fault:
                faults.append(f"{waiting.place}: {waiting.fault}")
        if faults:
            raise CommandError("\n".join(["This release cannot take these messages:", *faults]))
        self.stdout.write(f"{len(messages)} messages wait, and this release can take them.")


def read_waiting() -> Iterator[Waiting]:
    """Return all messages of this service that wait, in the order in which they move from place to place."""
    yield from find_in_outbox()
    if is_amqp():  # what waits in Redis, the broker of development, is not looked at
        app = celery_app()
        app.loader.import_default_modules()
        connection = open_connection(app)
        try:
            yield from find_in_broker(connection)
        finally:
            connection.collect(socket_timeout=1)
    yield from find_dead_letters()


def read_release(release: str, module: str, scratch: str) -> Contracts:
    """Return the contracts of a JSON file, a folder with the module, or a Git reference."""
    path = Path(release)
    try:
        if path.is_file():
            kept: Contracts = json.loads(path.read_text(encoding="utf-8"))
            return kept
        folder = path if release and path.is_dir() else export(release, module, into=scratch)
        return read_contracts(folder, module)
    except ValueError as error:
        raise CommandError(f"{release} holds no contracts: {error}") from error
    except subprocess.CalledProcessError as error:
        last = (str(error.stderr).strip().splitlines() or [str(error)])[-1]
        raise CommandError(f"{release}: the contracts of {module} cannot be read there: {last}") from error


def export(reference: str, module: str, *, into: str) -> Path:
    """Extract the module's package as it was at a Git reference; raises CommandError where there is none."""
    package = "/".join(module.split(".")[:-1])
    archive = ["git", "archive", "--end-of-options", reference, package]
    try:
        done = subprocess.run(archive, capture_output=True, check=True)  # noqa: S603
    except FileNotFoundError:
        raise CommandError(
            f"There is no folder or file {reference!r}, and no Git here to find it in."
        ) from None
    except subprocess.CalledProcessError as error:
        raise CommandError(error.stderr.decode()) from None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        tar.extractall(into, filter="data")
    return Path(into)
