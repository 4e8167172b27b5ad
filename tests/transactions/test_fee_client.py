"""A fee function that does not answer, or not well: nothing is recorded, and the messages wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any
from unittest.mock import Mock

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from pytest_django import Settings

from fees import handler as fee_handler
from fees.server import FunctionUrlServer
from microstore.contracts.transactions import OrderCreated
from microstore.fee_function import calls
from microstore.fee_function.quotes import Quote
from microstore.http.circuit_breaker import CircuitBreaker
from microstore.messaging.receiving.consumer import Unavailable
from tests.support.breakers import lasting_breaker
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from tests.support.ports import closed_port
from transactions import fee_client, tasks
from transactions.fee_client import FeesUnavailable, NotPriced, fetch_quotes
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> OrderCreated:
    return order_created()


def quote_of(order: OrderCreated, **changed: object) -> dict[str, Any]:
    quote = {"order_id": str(order.order_id), "fee_cents": 100, "total_cents": 25_000, "rule": "v1/EUR"}
    return {name: value for name, value in (quote | changed).items() if value is not None}


def refuse(fee_post: FeePost, order: OrderCreated, status: int) -> None:
    """From now on questions with this order are refused, and all others answered."""
    fee_post.answer_with(status, {"error": "an armchair is no mug"})
    fee_post.refuses = lambda orders: str(order.order_id) in [each["order_id"] for each in orders]


def assert_waits(order: OrderCreated, *others: OrderCreated) -> None:
    with pytest.raises(FeesUnavailable):
        tasks.order_created([order, *others])
    assert not Transaction.objects.exists()


def test_an_unavailable_fee_function_is_an_outage() -> None:
    assert issubclass(FeesUnavailable, Unavailable)
    assert not issubclass(NotPriced, Unavailable)


def test_a_refused_connection_is_waited_out(
    fee_post: FeePost, settings: Settings, order: OrderCreated
) -> None:
    with closed_port() as port:
        settings.FEES_URL = f"http://127.0.0.1:{port}/"
        assert_waits(order)


def test_a_name_that_is_nobodys_is_waited_out(
    fee_post: FeePost, settings: Settings, order: OrderCreated
) -> None:
    settings.FEES_URL = "http://fees.invalid/"
    assert_waits(order)


def test_silence_is_waited_out(fee_post: FeePost, settings: Settings, order: OrderCreated) -> None:
    settings.FEES_TIMEOUT_SECONDS = (2.0, 0.05)
    fee_post.silent.set()
    assert_waits(order)
    assert fee_post.hung_up.wait(10)  # it has read the question by then
    assert len(fee_post.questions) == 1  # the broker waits better than a worker does


@pytest.mark.parametrize("status", [401, 408, 425, 429, 500, 502, 503, 504])
def test_an_overloaded_fee_function_is_waited_out(
    fee_post: FeePost, order: OrderCreated, status: int
) -> None:
    fee_post.answer_with(status, {"fees": [quote_of(order)]})
    assert_waits(order)
    assert len(fee_post.questions) == 1


def test_an_answer_that_leaves_out_an_order_is_waited_out(fee_post: FeePost, order: OrderCreated) -> None:
    fee_post.answer_with(200, {"fees": [quote_of(order)]})
    assert_waits(order, order_created())


def test_half_an_answer_is_waited_out(fee_post: FeePost, order: OrderCreated) -> None:
    fee_post.answer_with(200, {"fees": [quote_of(order)]})
    fee_post.claimed_length = 10_000
    assert_waits(order)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 403, 404, 405, 411, 413, 415, 422])
def test_a_status_that_all_orders_meet_is_an_outage(
    fee_post: FeePost, order: OrderCreated, status: int
) -> None:
    fee_post.answer_with(status, {"error": "no such path"})
    assert_waits(order, order_created())
    assert len(fee_post.questions) <= 2  # the orders, and one that all fee functions price


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_status_that_one_order_meets_alone_is_its_own_fault(
    fee_post: FeePost, order: OrderCreated, status: int
) -> None:
    refuse(fee_post, order, status)
    with pytest.raises(NotPriced, match="an armchair is no mug"):
        tasks.order_created([order])
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("status", [500, 502])
def test_a_fee_function_that_fails_for_one_order_does_not_hold_up_its_batch(
    fee_post: FeePost, order: OrderCreated, status: int
) -> None:
    refuse(fee_post, order, status)
    with pytest.raises(NotPriced):
        tasks.order_created([order, order_created()])
    assert len(tasks.order_created([order_created()])) == 1
    with pytest.raises(FeesUnavailable):  # alone it waits: it may as well be an outage
        tasks.order_created([order])


def test_a_bad_quote_of_one_order_is_the_order_s_fault(fee_post: FeePost, order: OrderCreated) -> None:
    refuse(fee_post, order, 200)
    fee_post.answer_with(200, {"fees": [quote_of(order, fee_cents=10**30)]})
    with pytest.raises(NotPriced):
        tasks.order_created([order])
    assert len(tasks.order_created([order_created()])) == 1


def test_a_time_limit_met_in_the_call_is_a_failure_of_the_fee_function(
    order: OrderCreated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fee_client, "breaker", lasting_breaker(failures=1))
    monkeypatch.setattr(calls, "post", Mock(side_effect=SoftTimeLimitExceeded))
    with pytest.raises(SoftTimeLimitExceeded):
        fetch_quotes([order])
    with pytest.raises(FeesUnavailable, match="circuit is open"):
        fetch_quotes([order])


def test_quotes_that_nobody_asked_for_are_ignored(fee_post: FeePost, order: OrderCreated) -> None:
    fee_post.answer_with(200, {"fees": [quote_of(order_created()), quote_of(order, discount=1)]})
    assert len(tasks.order_created([order])) == 1
    assert Transaction.objects.get().fee_cents == 100


def test_an_order_without_a_category_is_priced(fee_post: FeePost, order: OrderCreated) -> None:
    quotes = fetch_quotes([order.model_copy(update={"category": ""})])
    assert isinstance(quotes[order.order_id], Quote)


def test_two_questions_share_one_connection(fee_post: FeePost, order: OrderCreated) -> None:
    fetch_quotes([order])
    fetch_quotes([order_created()])
    assert (len(fee_post.questions), fee_post.connections) == (2, 1)


def test_when_the_fee_function_is_back_the_order_is_recorded(fee_post: FeePost, order: OrderCreated) -> None:
    fee_post.answer_with(503, b"")
    assert_waits(order)
    fee_post.answer = None
    assert len(tasks.order_created([order])) == 1


def test_a_fee_function_that_hung_up_between_two_questions_is_asked_again(
    fee_post: FeePost, order: OrderCreated
) -> None:
    """The pool holds a connection that is dead by now."""
    fee_post.hangs_up = True
    fetch_quotes([order])
    assert fee_post.hung_up.wait(10)
    fetch_quotes([order_created()])
    assert fee_post.connections == 2


def test_after_three_failures_the_fee_function_is_left_alone(fee_post: FeePost, order: OrderCreated) -> None:
    fee_post.answer_with(503, b"")
    for _ in range(5):
        assert_waits(order)
    assert len(fee_post.questions) == 3


def test_a_refusal_shows_that_the_fee_function_is_back(
    fee_post: FeePost, order: OrderCreated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fee_client, "breaker", CircuitBreaker(failures=1, clock=count(step=60).__next__))
    fee_post.answer_with(503, b"")
    assert_waits(order)
    refuse(fee_post, order, 400)
    with pytest.raises(NotPriced):
        fetch_quotes([order])
    assert fee_client.breaker._failures == 0


def test_questions_that_are_refused_do_not_keep_others_from_asking(
    fee_post: FeePost, order: OrderCreated
) -> None:
    refuse(fee_post, order, 400)
    for _ in range(5):
        with pytest.raises(NotPriced):
            fetch_quotes([order])
    assert len(fetch_quotes([order_created()])) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "retry_after", ["50", format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)]
)
def test_a_fee_function_that_asks_to_be_left_alone_is_not_asked_again_soon(
    fee_post: FeePost, order: OrderCreated, status: int, retry_after: str
) -> None:
    fee_post.answer_with(status, {})
    fee_post.retry_after = retry_after
    for _ in range(3):
        assert_waits(order)
    assert len(fee_post.questions) == 1


@pytest.mark.parametrize(
    "retry_after",
    [
        *("", "0", "-5", "soon", "²", "1e9", "9" * 5000, "Mon, 01 Jan 2001 00:00:00 GMT"),
        *("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2999 00:00:00 -0000"),
    ],
)
def test_a_wish_that_makes_no_sense_changes_nothing(
    fee_post: FeePost, order: OrderCreated, retry_after: str
) -> None:
    fee_post.answer_with(429, {})
    fee_post.retry_after = retry_after
    for _ in range(2):
        assert_waits(order)
    assert len(fee_post.questions) == 2


def test_a_signed_question_is_answered_by_a_function_that_wants_it_signed(
    fee_function: FunctionUrlServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, order: OrderCreated
) -> None:
    monkeypatch.setattr(fee_handler, "SIGNING_KEYS", [b"the new one", b"crunchy-key"])
    settings.FEES_URL = f"http://127.0.0.1:{fee_function.port}/"
    monkeypatch.setattr(fee_client, "breaker", CircuitBreaker())
    settings.FEES_SIGNING_KEY = ""
    with pytest.raises(FeesUnavailable, match="401"):
        fee_client.fetch_quotes([order])
    settings.FEES_SIGNING_KEY = "crunchy-key"
    assert set(fee_client.fetch_quotes([order])) == {order.order_id}


@pytest.mark.parametrize(("left_out", "proxies"), [("", {"http": "http://proxy.example:3128"}), ("*", {})])
def test_the_environment_names_proxy_and_certificates(
    fee_post: FeePost, monkeypatch: pytest.MonkeyPatch, left_out: str, proxies: dict[str, str]
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", left_out)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/own-ca.pem")
    calls.session.cache_clear()
    session = calls.session()
    assert (dict(session.proxies), session.verify) == (proxies, "/etc/own-ca.pem")
