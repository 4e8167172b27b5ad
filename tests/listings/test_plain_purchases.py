"""A plain purchase is answered before Django, and its answer is the one that Django would have given."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError
from django.http.response import ResponseHeaders
from django.test import Client, RequestFactory
from django.urls import re_path
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission

from listings.buying import api, fast_path
from listings.buying.api import BuyView
from listings.buying.serializers import BuySerializer
from listings.models import Listing, Order
from microstore.http import limits
from tests.support.samples import read_samples
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db(transaction=True)  # both ways may close the connection
OF_ONE_REQUEST = {"X-Trace-Id", "Location", "RateLimit"}
NOT_PLAIN = {"Accept": "application/json;q=0.9"}


@dataclass
class Answer:
    """What a WSGI server gets."""

    status_code: int
    headers: ResponseHeaders
    content: bytes

    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)

    @property
    def looks(self) -> tuple[Any, ...]:
        """What does not differ from one request to the next."""
        headers = {name: value for name, value in self.headers.items() if name not in OF_ONE_REQUEST}
        told = self.json()
        body = {name: told[name] for name in told if name not in ("id", "status_url", "trace_id")}
        return self.status_code, headers, body


class Counter:
    """Bob before the fast path, and whether he was sent on to Django."""

    def __init__(self, bob: User) -> None:
        self.token = sign(claims_of(bob.pk))
        self.sent_on = 0
        self.fast_path = fast_path.FastPath(self._django)
        self._behind = get_wsgi_application()

    def _django(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.sent_on += 1
        return self._behind(environ, start_response)

    def buy(self, listing_id: int, body: Any = None, **headers: str) -> Answer:
        """One click."""
        request = RequestFactory().post(
            f"/api/listings/{listing_id}/buy/",
            body if isinstance(body, str) else json.dumps(body or {}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        started: list[Any] = []
        chunks = self.fast_path(request.environ, lambda *start: started.extend(start))
        status, named = started
        return Answer(int(status.split()[0]), ResponseHeaders(dict(named)), b"".join(chunks))


@pytest.fixture
def counter(bob: User, put_on_sale: Callable[..., Listing]) -> Counter:
    """Whose token has been seen before, and which has been called by its name."""
    counter = Counter(bob)
    first = put_on_sale("The first lamp", quantity=2)
    for _ in range(2):
        assert counter.buy(first.pk).status_code == 202
    counter.sent_on = 0
    return counter


def test_a_plain_purchase_does_not_come_as_far_as_django(counter: Counter, armchair: Listing) -> None:
    assert counter.buy(armchair.pk).status_code == 202
    assert counter.buy(armchair.pk).status_code == 409
    assert counter.sent_on == 0


@pytest.mark.parametrize(
    "body",
    [{"quantity": 0}, {"quantity": "1"}, {"quantity": True}, {"colour": "red"}, [1], {"quantity": "1" * 999}],
)
def test_what_is_not_plain_is_read_by_django(counter: Counter, armchair: Listing, body: Any) -> None:
    assert counter.buy(armchair.pk, body).status_code == 400
    assert counter.sent_on == 1


@pytest.mark.parametrize(
    "body", ["[" * 999, '{"quantity":' * 70, '{"quantity": ' + "[" * 400 + "]" * 400 + "}", "", "nonsense{{{"]
)
def test_a_body_that_no_parser_expects_is_a_problem_and_is_counted(
    counter: Counter, armchair: Listing, body: str
) -> None:
    before = refused_purchases()
    answer = counter.buy(armchair.pk, body or " ")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert refused_purchases() == before + 1


def refused_purchases() -> float:
    """Purchases that were counted with the status 400."""
    samples = read_samples(Client().get("/metrics").content.decode())
    return samples.get(("microstore_request_seconds_count", "POST", "buy", "400"), 0)


def test_a_name_is_judged_by_django(counter: Counter, armchair: Listing) -> None:
    assert counter.buy(armchair.pk, Host="evil.example").status_code == 400
    assert counter.buy(armchair.pk, Host="evil.example").status_code == 400
    assert counter.sent_on == 2


def test_a_scheme_is_judged_by_django(counter: Counter, armchair: Listing, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert "Location" in counter.buy(armchair.pk, **{"X-Forwarded-Proto": "https"}).headers
    assert counter.sent_on == 1


def test_a_stranger_is_sent_away_by_django(counter: Counter, armchair: Listing) -> None:
    counter.token = "of nobody"
    assert counter.buy(armchair.pk).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {}),
        ({"quantity": 3}, {}),
        ({"quantity": 2}, {"Idempotency-Key": "click"}),
        ({"quantity": 99}, {}),
        ({}, {"Idempotency-Key": "too long" * 99}),
    ],
)
def test_both_ways_look_the_same(
    counter: Counter, put_on_sale: Callable[..., Listing], body: Any, headers: dict[str, str]
) -> None:
    lamp, other_lamp = put_on_sale("Reading lamp", quantity=10), put_on_sale("Reading lamp", quantity=10)
    first = counter.buy(lamp.pk, body, **headers).looks
    assert counter.sent_on == 0
    headers = {name: f"{value} again" for name, value in headers.items()}
    assert counter.buy(other_lamp.pk, body, **headers, **NOT_PLAIN).looks == first
    assert counter.sent_on == 1


def test_refusals_look_the_same(counter: Counter, bob: User, put_on_sale: Callable[..., Listing]) -> None:
    own = put_on_sale("Bob's own lamp")
    Listing.objects.filter(pk=own.pk).update(seller=bob)
    for listing_id in (own.pk, 10**9):
        assert counter.buy(listing_id).looks == counter.buy(listing_id, **NOT_PLAIN).looks
    assert counter.sent_on == 2


def test_a_replay_is_found_on_either_way(counter: Counter, armchair: Listing) -> None:
    key = {"Idempotency-Key": "click"}
    first = counter.buy(armchair.pk, **key)
    for headers in ({}, NOT_PLAIN):
        again = counter.buy(armchair.pk, **key, **headers)
        assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


def test_the_callers_trace_id_is_kept_beside_ours_on_either_way(
    counter: Counter, put_on_sale: Callable[..., Listing]
) -> None:
    armchair = put_on_sale(quantity=3)
    for headers in ({}, NOT_PLAIN):
        answer = counter.buy(armchair.pk, **{"X-Trace-Id": "my/order 12"}, **headers)
        assert answer.headers["X-Trace-Id"] == "my/order 12"
        order = Order.objects.get(id=answer.json()["id"])
        assert (order.trace, order.trace_id) == (answer.headers["traceresponse"], answer.json()["trace_id"])
    assert "traceresponse" not in counter.buy(armchair.pk).headers


def test_an_outage_looks_the_same(
    counter: Counter, armchair: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(api, "buy_listing", be_away)
    monkeypatch.setattr("microstore.database.outage.connection.close", lambda: None)
    answer = counter.buy(armchair.pk).looks
    assert answer[0] == 503
    assert answer[1]["Retry-After"] == "1"
    assert answer == counter.buy(armchair.pk, **NOT_PLAIN).looks


def test_a_fault_of_ours_is_told_without_its_cause(
    counter: Counter, armchair: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(api, "buy_listing", fail)
    answer = counter.buy(armchair.pk)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.content.decode()
    assert answer.json() == counter.buy(armchair.pk, **NOT_PLAIN).json()


def test_plain_purchases_are_counted_too(
    counter: Counter, put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = iter(range(1, 9))
    monkeypatch.setattr(limits, "quotas", lambda: {"buy": limits.Quota(2, 60)})
    monkeypatch.setattr(limits.Counter, "count", lambda *_: (next(counted), 42))
    lamp = put_on_sale("Reading lamp", quantity=10)
    first = counter.buy(lamp.pk)
    assert (first.status_code, first.headers["RateLimit"]) == (202, '"buy";r=1;t=42')
    assert counter.buy(lamp.pk).status_code == 202
    refused = counter.buy(lamp.pk)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "42")
    assert refused.headers["RateLimit"] == '"buy";r=0;t=42'
    assert counter.sent_on == 0


class Nobody(BasePermission):
    """Permits no request."""

    def has_permission(self, *_: Any) -> bool:
        return False


@pytest.mark.parametrize("name", ["permission_classes", "throttle_classes", "authentication_classes"])
def test_a_class_that_is_added_to_the_view_turns_the_fast_path_off(
    bob: User, put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(BuyView, name, [*getattr(BuyView, name), Nobody])
    assert f"BuyView.{name}" in found()
    if name == "permission_classes":
        counter, lamp = Counter(bob), put_on_sale("Reading lamp", quantity=9)
        assert [counter.buy(lamp.pk).status_code for _ in range(3)] == [403] * 3
        assert counter.sent_on == 3


def found() -> list[str]:
    """Names of what differs."""
    return [each.partition(" is ")[0] for each in fast_path.find_differences()]


class Guarded(BuyView):
    """Sells nothing to anybody."""

    permission_classes = (Nobody,)


def namesake() -> type[BuyView]:
    """Another class of this name."""
    return type("BuyView", (Guarded,), {})


def and_count(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as people write them."""

    @wraps(view)
    def counted(*arguments: Any, **named: Any) -> Any:
        return view(*arguments, **named)

    return counted


SERVED_INSTEAD = {
    "a subclass": Guarded.as_view(),
    "one of the same name": namesake().as_view(),
    "other arguments": BuyView.as_view(permission_classes=[Nobody]),
    "a decorator": and_count(BuyView.as_view()),
}


@pytest.mark.parametrize("view", SERVED_INSTEAD.values(), ids=list(SERVED_INSTEAD))
def test_another_view_at_the_address_turns_the_fast_path_off(
    settings: Any, view: Callable[..., Any], armchair: Listing, bob: User
) -> None:
    settings.ROOT_URLCONF = (re_path(r"^api/listings/(?P<pk>[1-9][0-9]*)/buy/$", view),)
    assert found() == list(fast_path.SHORTEST_AND_LONGEST)
    counter = Counter(bob)
    counter.buy(armchair.pk)
    counter.buy(armchair.pk)
    assert counter.sent_on == 2


def test_an_address_that_is_gone_turns_the_fast_path_off(settings: Any) -> None:
    settings.ROOT_URLCONF = ()
    assert found() == list(fast_path.SHORTEST_AND_LONGEST)


def test_other_code_of_the_view_turns_the_fast_path_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "read_body", lambda request: {"quantity": request.data["quantity"]})
    assert found() == ["source of BuyView and read_body"]


@pytest.mark.parametrize("where", ["validate_quantity", "validate", "fields"])
def test_what_the_serializer_refuses_is_not_sold(
    counter: Counter, put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def refuse(_: Any, value: Any) -> Any:
        if value == 6 or (isinstance(value, dict) and value["quantity"] == 6):
            raise ValidationError("Five at most.")
        return value

    if where == "fields":
        field = type(BuySerializer().fields["quantity"])
        monkeypatch.setattr(field, "to_internal_value", refuse)
    else:
        monkeypatch.setattr(BuySerializer, where, refuse, raising=False)
    lamp = put_on_sale("Reading lamp", quantity=12)
    assert counter.buy(lamp.pk, {"quantity": 6}).status_code == 400
    assert counter.sent_on == 1
    assert counter.buy(lamp.pk, {"quantity": 5}).status_code == 202
    assert counter.sent_on == 1


def test_a_middleware_that_is_added_turns_the_fast_path_off(
    bob: User, armchair: Listing, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"]
    counter = Counter(bob)
    for _ in range(3):
        counter.buy(armchair.pk)
    assert counter.sent_on == 3


def test_the_fast_path_is_on_with_the_middleware_and_the_view_of_this_release() -> None:
    assert fast_path.find_differences() == []
