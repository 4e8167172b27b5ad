"""A person replays or discards a dead letter, once."""

import itertools
import json
import math
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from kombu.utils import json as kombu_json

from microstore.contracts.contract import to_wire
from microstore.contracts.transactions import ORDER_CREATED
from microstore.database.texts import ReasonMissing
from microstore.messaging.dead_letters import replay, store
from microstore.messaging.dead_letters.groups import cause_of, find_groups
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.staff.models import StaffAction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payload(armchair: dict[str, Any]) -> dict[str, Any]:
    """An order on the wire."""
    return to_wire(ORDER_CREATED(**armchair))


@pytest.fixture
def letter(payload: dict[str, Any]) -> DeadLetter:
    """An order that failed three times."""
    return store.dead_letter(
        contract="order_created", payload=payload, error=ValueError("no till"), attempts=3
    )


def raw_letter(body: bytes, task: str = "transactions.order_created") -> DeadLetter:
    """A message as the broker gave it up."""
    return DeadLetter.objects.create(fingerprint="raw", contract=task, raw_body=body, error="rejected")


def test_a_replayed_event_is_sent_again_as_it_was(letter: DeadLetter, payload: dict[str, Any]) -> None:
    assert replay.replay(letter.pk, by="carol", reason="mended") == 1
    assert [row.payload for row in OutboxMessage.objects.all()] == [payload]
    letter.refresh_from_db()
    assert (letter.state, letter.decided_by) == ("replayed", "carol")
    assert letter.decided_at is not None


def test_the_events_of_a_whole_celery_message_are_sent_again(payload: dict[str, Any]) -> None:
    body = json.dumps([[[payload, payload]], {"attempts": 1}, {"chain": []}]).encode()
    assert replay.replay(raw_letter(body).pk, by="carol", reason="mended") == 2
    assert {row.contract for row in OutboxMessage.objects.all()} == {ORDER_CREATED.task_name}


def test_a_message_with_a_stock_clients_ids_and_times_is_sent_again(payload: dict[str, Any]) -> None:
    typed = {name: UUID(payload[name]) for name in ("order_id", "event_id")}
    body = kombu_json.dumps([[[payload | typed]], {}, {}]).encode()
    assert replay.replay(raw_letter(body).pk, by="carol", reason="mended") == 1
    assert OutboxMessage.objects.get().payload == payload


@pytest.mark.parametrize(
    ("body", "task", "why"),
    [
        (
            b'[[[{"__type__": "uuid", "__value__": 5}]], {}, {}]',
            "transactions.order_created",
            "cannot be read",
        ),
        (b"\xff", "transactions.order_created", "cannot be read"),
        (b"[" * 100_000, "transactions.order_created", "cannot be read"),
        (b"5", "transactions.order_created", "not a list of events"),
        (
            b'[[["armchair"]], {}, {}]',
            "transactions.order_created",
            "order_created: message: Input should be",
        ),
        (b"[[[]], {}, {}]", "transactions.unheard_of", "no contract"),
    ],
)
def test_what_cannot_be_read_says_why_and_stays(body: bytes, task: str, why: str) -> None:
    letter = raw_letter(body, task)
    with pytest.raises(replay.NotReplayable, match=why):
        replay.replay(letter.pk, by="carol", reason="mended")
    letter.refresh_from_db()
    assert letter.state == "waiting"
    assert not OutboxMessage.objects.exists()


def test_two_people_at_once_replay_it_once(letter: DeadLetter) -> None:
    start, outcomes = threading.Barrier(8), []

    def click(by: str) -> None:
        start.wait()
        try:
            outcomes.append(replay.replay(letter.pk, by=by, reason="mended"))
        except replay.NotReplayable:
            outcomes.append(0)
        connections.close_all()

    threads = [threading.Thread(target=click, args=[f"person {n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [0] * 7 + [1]
    assert OutboxMessage.objects.count() == 1


def test_what_dies_again_after_its_replay_waits_again(letter: DeadLetter, payload: dict[str, Any]) -> None:
    replay.replay(letter.pk, by="carol", reason="mended")
    store.dead_letter(contract="order_created", payload=payload, error=ValueError("still"), attempts=3)
    letter.refresh_from_db()
    assert letter.state == "waiting"
    assert "still" in letter.error


def test_a_discarded_letter_is_kept_and_cannot_be_replayed(letter: DeadLetter) -> None:
    replay.discard(letter.pk, by="carol", reason="mended\0")
    with pytest.raises(replay.NotReplayable, match="discarded by carol"):
        replay.replay(letter.pk, by="dave", reason="mended")
    assert DeadLetter.objects.filter(state="discarded").count() == 1


def test_a_list_without_dead_letters_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dead_letters", "list")
    assert capsys.readouterr().err == "No dead letter waits.\n"


def test_the_command_line_lists_shows_replays_and_discards(
    letter: DeadLetter, capsys: pytest.CaptureFixture[str]
) -> None:
    other = raw_letter(b"\xff")
    call_command("dead_letters", "list")
    headings, *rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    listed = [dict(zip(headings, row, strict=True)) for row in rows]
    assert {row["IDS"] for row in listed} == {str(letter.pk), str(other.pk)}
    assert "ValueError: no till" in {row["CAUSE"] for row in listed}
    with pytest.raises(CommandError, match=r"No dead letter has the id 999999\."):
        call_command("dead_letters", "show", "999999", str(letter.pk))
    shown = capsys.readouterr().out
    assert "no till" in shown
    assert letter.traceback in shown  # in its lines
    with pytest.raises(CommandError, match=r"No dead letter has the id 999999\."):
        call_command("dead_letters", "replay", "999999", str(letter.pk), preview=True)
    assert "will run" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Give a reason"):
        call_command("dead_letters", "replay", "all")
    call_command("dead_letters", "show", str(other.pk))
    assert "\\\\xff" in capsys.readouterr().out
    with pytest.raises(CommandError, match="stay as they are"):
        call_command("dead_letters", "replay", "all", reason="mended")
    assert "1 done, 1 refused" in capsys.readouterr().out
    call_command("dead_letters", "discard", str(other.pk), reason="rubbish")
    assert not DeadLetter.objects.filter(state="waiting").exists()
    for no_ids in ([], ["9" * 5_000], ["\u0665"]):
        with pytest.raises(CommandError, match="ids"):
            call_command("dead_letters", "replay", *no_ids, reason="mended")
    for rate in (math.nan, math.inf, 0, 1e-300, 1e300):
        with pytest.raises(CommandError, match="above 0"):
            call_command("dead_letters", "replay", str(other.pk), reason="mended", rate=rate)


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_the_admin_replays_and_discards_what_is_selected(
    letter: DeadLetter, client: Client, action: str
) -> None:
    User.objects.create_superuser("carol", password="crunchy")
    client.login(username="carol", password="crunchy")
    selection = {"action": "decide", "_selected_action": [letter.pk]}
    asked = client.post("/admin/messaging/deadletter/", selection).content.decode()
    assert "will run" in asked
    decision = {"letters": str(letter.pk), "decision": action, "reason": "mended", "rate": "50"}
    for blank in ("\0", "\u200b", " "):
        unreasoned = client.post("/admin/messaging/deadletter/decide/", decision | {"reason": blank})
        assert "Give a reason" in unreasoned.content.decode()
    letter.refresh_from_db()
    assert letter.state == "waiting"
    response = client.post("/admin/messaging/deadletter/decide/", decision, follow=True)
    assert "1 " + {"replay": "replayed.", "discard": "discarded."}[action] in response.content.decode()
    letter.refresh_from_db()
    assert letter.decided_by == "carol"
    assert OutboxMessage.objects.count() == (action == "replay")
    recorded = StaffAction.objects.filter(target=f"dead letter {letter.pk}").values_list("by", "reason").get()
    assert recorded == ("carol", "mended")


def test_a_letter_is_decided_from_its_own_page(letter: DeadLetter, client: Client) -> None:
    User.objects.create_superuser("carol", password="crunchy")
    client.login(username="carol", password="crunchy")
    own, decide = f"/admin/messaging/deadletter/{letter.pk}/change/", "/admin/messaging/deadletter/decide/"
    assert f'href="{decide}?letter={letter.pk}"' in client.get(own).content.decode()
    assert f'name="letters" value="{letter.pk}"' in client.get(decide, {"letter": letter.pk}).content.decode()
    client.post(decide, {"letters": letter.pk, "decision": "discard", "reason": "rubbish", "rate": "50"})
    assert f"{decide}?letter" not in client.get(own).content.decode()


def test_staff_without_the_permission_may_look_but_not_decide(letter: DeadLetter, client: Client) -> None:
    from django.contrib.auth.models import Permission

    dave = User.objects.create_user("dave", password="crunchy", is_staff=True)
    dave.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    client.login(username="dave", password="crunchy")
    assert client.get("/admin/messaging/deadletter/groups/").status_code == 200
    own = client.get(f"/admin/messaging/deadletter/{letter.pk}/change/")
    assert "decide/?letter" not in own.content.decode()
    decision = {"letters": str(letter.pk), "decision": "replay", "reason": "because"}
    assert client.post("/admin/messaging/deadletter/decide/", decision).status_code == 403
    assert not OutboxMessage.objects.exists()


def dead_letter_some(payload: dict[str, Any], *errors: str) -> list[DeadLetter]:
    """Different orders that died of these."""
    return [
        store.dead_letter(
            contract="order_created",
            payload=payload | {"order_id": f"01a20420-1996-72f3-8f75-b9740bad4{number:03}"},
            error=ValueError(error),
            attempts=3,
        )
        for number, error in enumerate(errors)
    ]


def test_letters_that_differ_only_in_numbers_and_names_are_one_group(payload: dict[str, Any]) -> None:
    dead_letter_some(payload, "till 7 is 'shut'", "till 12 is 'away'", "no receipt", 'till 3 is "burning"')
    assert [(group.cause, group.letters) for group in find_groups()] == [
        ("ValueError: till … is …", 3),
        ("ValueError: no receipt", 1),
    ]
    assert cause_of("KeyError: 01a20420-1996-72f3-8f75-b9740bad4dc8\nmore") == "KeyError: …"


def test_a_group_is_replayed_as_it_was_when_it_was_chosen(
    payload: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    tills = dead_letter_some(payload, "till 7", "till 8", "no receipt")[:2]
    [till_group, _] = find_groups()
    call_command("dead_letters", "replay", group=till_group.id, preview=True)
    assert capsys.readouterr().out.count("will run") == 2
    call_command("dead_letters", "replay", group=till_group.id, reason="till mended")
    replayed = DeadLetter.objects.filter(state="replayed")
    assert {letter.pk for letter in replayed} == {till.pk for till in tills}
    with pytest.raises(CommandError, match="waits"):
        call_command("dead_letters", "replay", group=till_group.id, reason="again")


def test_a_replay_keeps_to_its_rate(payload: dict[str, Any]) -> None:
    letters = dead_letter_some(payload, *["no till"] * 5)
    replay.replay_all([letter.pk for letter in letters], by="carol", reason="mended", rate=0.5)
    due = list(OutboxMessage.objects.order_by("id").values_list("due_at", flat=True))
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(due)]
    assert all(gap >= 2 for gap in gaps)


def test_a_replay_is_due_by_the_databases_clock(
    payload: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the process is 400 days ahead."""
    letters = dead_letter_some(payload, *["no till"] * 2)
    ahead = timezone.now() + timedelta(days=400)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    replay.replay_all([letter.pk for letter in letters], by="carol", reason="mended", rate=0.5)
    soon = Now() + timedelta(minutes=1)
    assert OutboxMessage.objects.filter(due_at__lt=soon, created_at__lt=soon).count() == 2


def test_nothing_is_decided_without_a_reason(letter: DeadLetter) -> None:
    for act in (replay.replay, replay.discard):
        with pytest.raises(ReasonMissing):
            act(letter.pk, by="carol", reason="  ")
    letter.refresh_from_db()
    assert letter.state == "waiting"
    assert not OutboxMessage.objects.exists()


def test_a_preview_changes_nothing_and_says_what_would_happen(letter: DeadLetter) -> None:
    assert replay.preview(letter).outcome == "will run"
    invalid = raw_letter(b'[[["armchair"]], {}, {}]')
    assert replay.preview(invalid).outcome == "cannot be replayed"
    assert DeadLetter.objects.filter(state="waiting").count() == 2
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast", "1e9"])
def test_a_rate_that_is_none_is_asked_for_again(letter: DeadLetter, admin_client: Client, rate: str) -> None:
    decision = {"letters": str(letter.pk), "decision": "replay", "reason": "mended", "rate": rate}
    response = admin_client.post("/admin/messaging/deadletter/decide/", decision)
    assert "a rate above 0" in response.content.decode()
    assert not OutboxMessage.objects.exists()
