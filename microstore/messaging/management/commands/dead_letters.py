"""`manage.py dead_letters list|show|replay|discard`: the admin's actions, for a terminal."""

import getpass
import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.messaging.models import DeadLetter
from microstore.messaging.replay import NotReplayable, discard, replay


class Command(BaseCommand):
    """Looks at what could not be handled, and decides about it."""

    help = "List, show, replay or discard this service's dead letters."

    def add_arguments(self, parser: CommandParser) -> None:
        """The action, and for all but `list` the ids; `all` stands for every waiting letter."""
        parser.add_argument("action", choices=["list", "show", "replay", "discard"])
        parser.add_argument("ids", nargs="*", metavar="ID", help="ids, or `all` that wait")

    def handle(self, *args: Any, action: str, ids: list[str], **options: Any) -> None:
        """Do it."""
        if action == "list":
            self._list()
        elif action == "show":
            for letter in DeadLetter.objects.filter(id__in=self._read_ids(ids)):
                self._show(letter)
        else:
            self._decide(replay if action == "replay" else discard, self._read_ids(ids))

    def _list(self) -> None:
        for letter in DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("id"):
            self.stdout.write(
                f"{letter.pk}\t{letter.contract}\t{letter.attempts}\t{letter.error.splitlines()[0]}"
            )

    def _show(self, letter: DeadLetter) -> None:
        fields = {field.name: field.value_from_object(letter) for field in letter._meta.fields}
        self.stdout.write(json.dumps(fields, indent=2, default=_readable))

    def _decide(self, act: Callable[..., object], ids: list[int]) -> None:
        refused = 0
        for letter_id in ids:
            try:
                act(letter_id, by=f"{getpass.getuser()} (command line)")
            except NotReplayable as why_not:
                refused += 1
                self.stderr.write(f"{letter_id}: {why_not}")
        self.stdout.write(f"{len(ids) - refused} done, {refused} refused")
        if refused:
            raise CommandError("Some letters stay as they are.")

    def _read_ids(self, ids: list[str]) -> list[int]:
        if ids == ["all"]:
            waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("id")
            return list(waiting.values_list("id", flat=True))
        if not ids or not all(letter_id.isdecimal() for letter_id in ids):
            raise CommandError("Name letters by their ids (see `dead_letters list`), or say `all`.")
        return [int(letter_id) for letter_id in ids]


def _readable(value: object) -> str:
    return (
        bytes(value).decode(errors="backslashreplace")
        if isinstance(value, bytes | memoryview)
        else str(value)
    )
