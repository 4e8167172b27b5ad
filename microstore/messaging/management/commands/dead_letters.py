"""`manage.py dead_letters list|show|replay|discard`: the admin's actions, for a terminal."""

import getpass
import json
import re
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.database.texts import ReasonMissing, read_reason
from microstore.messaging.dead_letters.groups import Group, find_group, find_groups
from microstore.messaging.dead_letters.replay import (
    EVENTS_PER_SECOND,
    FASTEST,
    SLOWEST,
    discard_all,
    preview,
    replay_all,
)
from microstore.messaging.models import DeadLetter

NAMED_IDS = 5  # of a group in the list; `list --group` has all of them
ID = re.compile("[0-9]{1,18}")  # no bigint of PostgreSQL has more than 19 digits


class Command(BaseCommand):
    """Lists messages that could not be handled, and replays or discards them."""

    help = "List, show, replay or discard this service's dead letters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["list", "show", "replay", "discard"])
        parser.add_argument("ids", nargs="*", metavar="ID", help="ids, or `all` that wait")
        parser.add_argument("--group", help="the waiting letters of a group, as `list` names it")
        parser.add_argument("--reason", help="why you replay or discard them; it is recorded")
        parser.add_argument(
            "--rate", type=float, default=EVENTS_PER_SECOND, help="events a second (default %(default)s)"
        )
        parser.add_argument("--preview", action="store_true", help="only say what a replay would do")

    def handle(self, *args: Any, action: str, ids: list[str], **options: Any) -> None:
        if action == "list":
            self._list(options["group"])
            return
        selection = self._read_selection(ids, options["group"])
        if action == "show":
            self._show_all(selection)
        elif options["preview"]:
            self._preview(selection)
        else:
            self._decide(action, selection, reason=options["reason"], rate=options["rate"])

    def _list(self, group_id: str | None) -> None:
        groups = [group for group in find_groups() if group_id in (None, group.id)]
        if groups:
            self.stdout.write("GROUP\tLETTERS\tCONTRACT\tCAUSE\tFIRST TO LAST (UTC)\tIDS")
        elif not group_id:
            self.stderr.write("No dead letter waits.")
        for group in groups:
            self.stdout.write(
                f"{group.id}\t{group.letters}\t{group.contract}\t{group.cause}\t"
                f"{group.first_at:%Y-%m-%d %H:%M} to {group.last_at:%Y-%m-%d %H:%M}\t"
                f"{_name_ids(group)}"
            )
        if group_id:
            selection = self._read_selection([], group_id)
            self.stdout.write("  ID\tATTEMPTS\tERROR")
            for letter in DeadLetter.objects.filter(id__in=selection).order_by("id"):
                first_line = letter.error.partition("\n")[0]
                self.stdout.write(f"  {letter.pk}\t{letter.attempts}\t{first_line}")

    def _show_all(self, selection: list[int]) -> None:
        for letter in _find(selection):
            self._show(letter)

    def _show(self, letter: DeadLetter) -> None:
        fields = {field.name: field.value_from_object(letter) for field in letter._meta.fields}
        traceback = fields.pop("traceback")  # as text: in JSON all its lines are one
        self.stdout.write(json.dumps(fields, indent=2, default=_readable))
        self.stdout.write(traceback)

    def _preview(self, selection: list[int]) -> None:
        for letter in _find(selection):
            said = preview(letter)
            self.stdout.write(f"{letter.pk}\t{said.outcome}\t{said.detail}")

    def _decide(self, action: str, selection: list[int], *, reason: str | None, rate: float) -> None:
        if not SLOWEST <= rate <= FASTEST:
            raise CommandError("--rate must be above 0: from one event an hour to ten thousand a second.")
        by = f"{getpass.getuser()} (command line)"
        try:
            why = read_reason(reason)
        except ReasonMissing as missing:
            raise CommandError(f"--reason: {missing}") from None
        if action == "replay":
            decisions = replay_all(selection, by=by, reason=why, rate=rate)
        else:
            decisions = discard_all(selection, by=by, reason=why)
        for refused in decisions.refused:
            self.stderr.write(refused)
        self.stdout.write(f"{decisions.done} done, {len(decisions.refused)} refused")
        if decisions.refused:
            raise CommandError("Some letters stay as they are.")

    def _read_selection(self, ids: list[str], group_id: str | None) -> list[int]:
        # Fixed before anything is done: letters that die meanwhile were not seen by whoever decides.
        if group_id:
            group = find_group(group_id)
            if group is None or ids:
                raise CommandError(
                    f"No letter of a group {group_id!r} waits (see `dead_letters list`)."
                    if group is None
                    else "Name ids or a group, not both."
                )
            return list(group.waiting().values_list("id", flat=True))
        if ids == ["all"]:
            waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("id")
            return list(waiting.values_list("id", flat=True))
        if not ids or not all(ID.fullmatch(each) for each in ids):
            raise CommandError(
                "Name letters by their ids or --group (see `dead_letters list`), or say `all`."
            )
        return [int(letter_id) for letter_id in ids]


def _find(selection: list[int]) -> Iterator[DeadLetter]:
    """Return the letters of these ids; raise CommandError after the last, where some have none."""
    missing = set(selection)
    for letter in DeadLetter.objects.filter(id__in=selection).order_by("id"):
        missing.remove(letter.pk)
        yield letter
    if missing:
        raise CommandError(f"No dead letter has the id {', '.join(map(str, sorted(missing)))}.")


def _name_ids(group: Group) -> str:
    ids = group.waiting().order_by("id").values_list("id", flat=True)[:NAMED_IDS]
    return ",".join(map(str, ids)) + (",…" if group.letters > NAMED_IDS else "")


def _readable(value: object) -> str:
    return (
        bytes(value).decode(errors="backslashreplace")
        if isinstance(value, bytes | memoryview)
        else str(value)
    )
