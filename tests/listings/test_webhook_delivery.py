"""A sender of webhooks: what an endpoint receives, what the log says of it, and when it is tried again."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from pytest_django import Settings
from standardwebhooks import Webhook

from listings.models import Listing, Order
from listings.webhooks import claim, endpoints, post, store
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from listings.webhooks.post import Outcome
from listings.webhooks.record import record
from listings.webhooks.schedule import BREAKER_FAILURES
from listings.webhooks.secrets import make_secret
from microstore.database.clock import make_future_due
from stack.ports import choose_ports
from tests.listings.hooks import endpoint_of, ensure_as_described, make_due, send_due, store_created
from tests.listings.purchases import order_one
from tests.support.receiver import Handler, Receiver, with_status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def order(bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    return order_one(put_on_sale(quantity=100), buyer_id=bob.pk)


@pytest.fixture
def endpoint(alice: User, receiver: Receiver) -> WebhookEndpoint:
    return endpoint_of(alice, receiver.url("/alice?x=1"))


@pytest.fixture
def delivery(endpoint: WebhookEndpoint, order: Order) -> WebhookDelivery:
    return store_created(order)[0]


def test_an_event_is_verified_by_the_official_library_and_has_ids_alone(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, receiver: Receiver, order: Order
) -> None:
    send_due()
    [got] = receiver.received
    event = Webhook(endpoint.secret).verify(got.body, got.headers)
    ensure_as_described(event["type"], headers=got.headers, payload=event)
    assert event["data"] == {"order_id": str(order.pk), "listing_id": str(order.listing_id)}
    assert (event["type"], set(event)) == ("order.created", {"type", "timestamp", "data"})
    assert (got.path, got.headers["content-type"]) == ("/alice?x=1", "application/json")
    assert got.webhook_id == delivery.webhook_id
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.due_at) == ("delivered", 1, None)


def test_both_secrets_are_good_while_one_is_exchanged_and_the_old_one_no_longer(
    endpoint: WebhookEndpoint, receiver: Receiver, order: Order
) -> None:
    old, new = endpoint.secret, endpoints.rotate_secret(endpoint).secret
    store_created(order)
    send_due()
    WebhookEndpoint.objects.update(previous_secret_until=Now() - timedelta(seconds=1))
    store_created(order)
    send_due()
    first, second = receiver.received
    for secret in (old, new):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(new).verify(second.body, second.headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(old).verify(second.body, second.headers)


def test_every_attempt_has_the_same_id_and_body_and_the_log_has_what_was_answered(
    delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.answer = with_status(500, "broken \0 here")
    for _ in range(2):
        send_due()
        make_due()
    receiver.answer = with_status(200, "thanks")
    send_due()
    endpoints.redeliver(delivery)
    send_due()
    assert {(got.webhook_id, got.body) for got in receiver.received} == {(delivery.webhook_id, delivery.body)}
    log = WebhookAttempt.objects.filter(delivery=delivery).order_by("pk")
    assert [(each.status_code, each.answer, each.error) for each in log] == [
        *[(500, "broken   here", "")] * 2,
        *[(200, "thanks", "")] * 2,
    ]


def test_it_is_tried_again_from_seconds_to_a_day_and_then_given_up(
    delivery: WebhookDelivery, receiver: Receiver, settings: Settings
) -> None:
    receiver.answer = with_status(503)
    waits = []
    for _ in settings.WEBHOOK_RETRY_SECONDS:
        send_due()
        delivery.refresh_from_db()
        last = WebhookAttempt.objects.latest("pk")
        assert delivery.due_at
        waits.append((delivery.due_at - last.made_at).total_seconds())
        make_due()
    for wait, stated in zip(waits, settings.WEBHOOK_RETRY_SECONDS, strict=True):
        assert 0.89 * stated < wait < 1.11 * stated + 20
    assert (settings.WEBHOOK_RETRY_SECONDS[0], settings.WEBHOOK_RETRY_SECONDS[-1]) == (5, 86_400)
    send_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.due_at) == ("failed", len(waits) + 1, None)


def test_who_asks_for_time_gets_it_up_to_a_day(delivery: WebhookDelivery, receiver: Receiver) -> None:
    for asked_for, least, most in (("600", 600, 660), ("99999", 86_400, 86_460), ("soon", 1, 60)):
        receiver.answer = with_status(429, Retry_After=asked_for)
        WebhookDelivery.objects.update(attempts=0)
        make_due()
        send_due()
        delivery.refresh_from_db()
        assert delivery.due_at
        waits = (delivery.due_at - WebhookAttempt.objects.latest("pk").made_at).total_seconds()
        assert least <= waits <= most, asked_for


def test_one_that_fails_is_left_alone_for_longer_and_longer_and_is_well_after_one_success(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, receiver: Receiver, order: Order
) -> None:
    receiver.answer = with_status(500)
    pauses = []
    for _ in range(BREAKER_FAILURES + 2):
        send_due()
        endpoint.refresh_from_db()
        pauses.append(endpoint.paused_until)
        make_due()
    assert [pause is not None for pause in pauses] == [False] * (BREAKER_FAILURES - 1) + [True] * 3
    WebhookEndpoint.objects.update(paused_until=Now() + timedelta(seconds=30))
    count = len(receiver.received)
    send_due()
    assert len(receiver.received) == count
    # Of what has gathered meanwhile it gets one at a time, until it accepts one.
    for _ in range(6):
        store_created(order)
    make_due()
    assert len(claim.claim(50)) == 1
    WebhookDelivery.objects.update(status="waiting", due_at=Now())
    receiver.answer = with_status(200)
    send_due()
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since, endpoint.paused_until) == (0, None, None)
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_one_that_is_gone_is_switched_off_at_once(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint, receiver: Receiver, order: Order
) -> None:
    receiver.answer = with_status(410)
    send_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.off_reason, endpoint.mail_due) == (
        *(False, "It answered 410 Gone.", True),
    )
    make_due()
    send_due()
    assert len(receiver.received) == 1
    assert store_created(order) == []
    # What waited is sent once it is on again.
    receiver.answer = with_status(204)
    endpoints.change_endpoint(endpoint, {"enabled": True})
    make_due()
    send_due()
    delivery.refresh_from_db()
    assert delivery.status == "delivered"


@pytest.mark.parametrize(("failures", "days", "goes_on"), [(50, 4, True), (50, 5, False), (2, 6, True)])
def test_one_that_has_failed_for_days_is_switched_off(
    failures: int, days: int, goes_on: bool, delivery: WebhookDelivery, receiver: Receiver
) -> None:
    receiver.answer = with_status(500)
    since = Now() - timedelta(days=days, minutes=1)
    WebhookEndpoint.objects.update(failures=failures, failing_since=since)
    send_due()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.enabled, endpoint.mail_due) == (goes_on, not goes_on)
    assert bool(endpoint.off_reason) != goes_on


def test_nobody_who_is_suspended_gets_any(delivery: WebhookDelivery, receiver: Receiver, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    send_due()
    assert receiver.received == []


def never(handler: Handler) -> None:
    time.sleep(30)  # longer than the sender waits, whose closing of the connection is what ends this


def drip(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(1_000):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65_536)


def endless_headers(handler: Handler) -> None:
    handler.send_response(200)
    while True:
        handler.wfile.write(b"X-A: " + b"x" * 60_000 + b"\r\n")


def bomb(handler: Handler) -> None:
    handler.reply(200, "\x1f\x8b" + "x" * 5_000, Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        (never, None, "unanswered"),
        (drip, 200, "delivered"),
        (endless, 200, "delivered"),
        (endless_headers, None, "unanswered"),
        (bomb, 200, "delivered"),
    ],
)
def test_an_answer_is_bounded_in_time_and_size(
    behaviour: Callable[[Handler], None],
    status: int | None,
    kind: str,
    delivery: WebhookDelivery,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(post, "ANSWER_SECONDS", 2.0)  # in which a busy machine has the status
    receiver.answer = behaviour
    outcome = post.attempt(claim.claim(1)[0])
    assert (outcome.status_code, outcome.kind) == (status, kind)
    assert len(outcome.answer) <= post.ANSWER_CHARACTERS


def test_a_slow_endpoint_holds_up_no_other_and_has_few_calls_at_a_time(
    alice: User, receiver: Receiver, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "ANSWER_SECONDS", 4.0)  # in which a busy machine sends ten
    receiver.answers["/slow"] = never
    endpoint_of(alice, receiver.url("/slow"))
    endpoint_of(alice, receiver.url("/fast"))
    for _ in range(10):
        store_created(order)
    claimed = claim.claim(50)
    urls = [each.url for each in claimed]
    assert sorted(map(urls.count, set(urls))) == [claim.MOST_OF_ONE_ENDPOINT] * 2
    WebhookDelivery.objects.update(status="waiting", due_at=Now(), attempts=0)
    send_due()
    paths = [got.path for got in receiver.received]
    # All of the fast one's came while the slow one answered none of its first few.
    first_slow = [place for place, path in enumerate(paths) if path == "/slow"][claim.MOST_OF_ONE_ENDPOINT :]
    last_fast = max(place for place, path in enumerate(paths) if path == "/fast")
    assert paths.count("/fast") == 10
    assert all(place > last_fast for place in first_slow)


def test_a_delivery_that_a_clock_that_was_ahead_has_stored_is_due(delivery: WebhookDelivery) -> None:
    ahead = Now() + timedelta(minutes=5)
    WebhookDelivery.objects.update(created_at=ahead, due_at=ahead)
    assert claim.claim(10) == []
    assert make_future_due(store.waiting_deliveries()) == 1
    assert len(claim.claim(10)) == 1
    assert make_future_due(store.waiting_deliveries()) == 0


def test_a_claim_of_a_sender_that_died_ends(delivery: WebhookDelivery) -> None:
    [claimed] = claim.claim(10)
    assert claim.claim(10) == []
    WebhookDelivery.objects.update(due_at=Now() - timedelta(seconds=1))  # as its end has passed
    [again] = claim.claim(10)
    assert (again.delivery_id, again.webhook_id, again.attempt) == (
        claimed.delivery_id,
        claimed.webhook_id,
        2,
    )
    # The first one answers after all: it is in the log, and the second claim goes on.
    record([(claimed, Outcome(1, 500))])
    delivery.refresh_from_db()
    assert (delivery.status, WebhookAttempt.objects.count()) == ("sending", 1)


def test_an_endpoint_that_is_deleted_while_it_is_called_is_no_fault(
    delivery: WebhookDelivery, endpoint: WebhookEndpoint
) -> None:
    [claimed] = claim.claim(10)
    endpoints.delete_endpoint(endpoint)
    record([(claimed, Outcome(1, 204))])
    assert not WebhookAttempt.objects.exists()


def resolve_nothing(*_: object, **__: object) -> None:
    raise socket.gaierror(-2, "Name or service not known")


def test_its_owner_reads_in_plain_words_why_nothing_was_answered(
    endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def error_of(url: str) -> str:
        outcome = post.attempt(post.Claimed(1, 1, endpoint.pk, url, make_secret(), "", "msg_1", "{}"))
        assert outcome.status_code is None
        return outcome.error

    [closed] = choose_ports(1)
    assert error_of(f"http://127.0.0.1:{closed}/") == "The host accepts no connection at this port."
    assert error_of(f"https://127.0.0.1:{receiver.port}/") == "The host does not speak TLS as it should."
    receiver.answer = lambda handler: None
    assert error_of(receiver.url("/")) == "The host ended the connection without a whole answer."
    receiver.answer = endless_headers  # six megabytes of them, for which a busy machine takes its time
    assert error_of(receiver.url("/")) == "The host answered something that cannot be read."
    monkeypatch.setattr(post, "ANSWER_SECONDS", 0.2)
    receiver.answer = never
    assert error_of(receiver.url("/")) == "The host did not answer in time."
    monkeypatch.setattr(socket, "getaddrinfo", resolve_nothing)
    assert error_of("http://nowhere.example/") == "No address is known for the name of the host."
    monkeypatch.setattr(post, "check_url", lambda _: 1 / 0)
    assert error_of(receiver.url("/")) == "It could not be sent."


def test_a_certificate_of_another_name_is_refused(
    delivery: WebhookDelivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address, and the certificate has to be that of the name all the same."""
    certificates = make_certificate(tmp_path, "hooks.example")
    context = ssl.create_default_context(cafile=str(certificates[0]))
    monkeypatch.setattr(post, "tls", lambda: context)
    with Receiver(tls=certificates) as receiver:
        real = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *args, **options: real(
                "127.0.0.1" if "example" in str(host) else host, *args, **options
            ),
        )
        outcomes = [
            post.attempt(post.Claimed(1, 1, delivery.endpoint_id, url, make_secret(), "", "msg_1", "{}"))
            for url in (
                f"https://{name}:{receiver.port}/" for name in ("hooks.example", "other.example", "127.0.0.1")
            )
        ]
    assert outcomes[0].status_code == 204
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"
    assert ["certificate is not valid for" in each.error for each in outcomes] == [False, True, True]
    assert outcomes[1].error.startswith("The certificate of the host is not accepted: ")
    assert "_ssl.c" not in outcomes[1].error


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return files


def test_a_ping_is_an_event_of_its_own(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    delivery = endpoints.ping(endpoint)
    send_due()
    [got] = receiver.received
    ensure_as_described("ping", headers=got.headers, payload=json.loads(got.body))
    assert json.loads(got.body)["data"] == {"endpoint_id": str(endpoint.pk)}
    assert got.webhook_id == delivery.webhook_id


def test_one_event_reaches_each_of_fifty_endpoints_once(
    alice: User, receiver: Receiver, order: Order, settings: Settings
) -> None:
    settings.MAX_WEBHOOKS = 50
    made = [endpoint_of(alice, receiver.url(f"/{number}")) for number in range(50)]
    began = time.monotonic()
    stored = store_created(order)
    stored_at = time.monotonic()
    send_due()
    milliseconds = [round(1_000 * seconds) for seconds in (stored_at - began, time.monotonic() - stored_at)]
    print("one event for 50 endpoints: stored in {} ms, sent in {} ms".format(*milliseconds))
    paths = {endpoint.pk: f"/{number}" for number, endpoint in enumerate(made)}
    expected = {(paths[each.endpoint_id], each.webhook_id) for each in stored}
    assert {(got.path, got.webhook_id) for got in receiver.received} == expected
    assert (len(receiver.received), len(expected)) == (50, 50)
    assert WebhookAttempt.objects.filter(status_code=204).count() == 50
