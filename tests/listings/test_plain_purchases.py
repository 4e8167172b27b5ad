"""A plain purchase goes past Django REST Framework, and nobody can tell it by the answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from rest_framework.test import APIClient

from listings import services
from listings.api.buying import BuyView
from listings.models import Listing
from microstore import limits
from tests.support.problem import Answer

pytestmark = pytest.mark.django_db
Buy = Callable[..., Answer]
OF_ONE_REQUEST = {"X-Trace-Id", "Location", "RateLimit"}
NOT_PLAIN = {"Accept": "application/json;q=0.9"}


@pytest.fixture
def plainly(bob: User, client_of: Callable[[User], APIClient]) -> Buy:
    """Buy as somebody whose token has been seen before."""
    client = client_of(bob)
    client.get("/api/orders/")

    def buy(listing_id: int, body: Any = None, **headers: str) -> Answer:
        return client.post(f"/api/listings/{listing_id}/buy/", body or {}, format="json", headers=headers)

    return buy


@pytest.fixture
def without_drf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes as far as DRF is told so."""
    monkeypatch.setattr(BuyView, "initialize_request", None)


def looks(answer: Answer) -> tuple[Any, ...]:
    """What does not differ from one request to the next."""
    headers = {name: value for name, value in answer.headers.items() if name not in OF_ONE_REQUEST}
    body = {
        name: value for name, value in answer.json().items() if name not in ("id", "status_url", "trace_id")
    }
    return answer.status_code, headers, body


@pytest.mark.usefixtures("without_drf")
def test_a_plain_purchase_does_not_come_as_far_as_drf(plainly: Buy, armchair: Listing) -> None:
    assert plainly(armchair.pk).status_code == 202
    assert plainly(armchair.pk).status_code == 409


@pytest.mark.parametrize(
    "body", [{"quantity": 0}, {"quantity": "1"}, {"quantity": True}, {"colour": "red"}, [1]]
)
def test_what_is_not_plain_is_read_by_drf(plainly: Buy, armchair: Listing, body: Any) -> None:
    assert plainly(armchair.pk, body).status_code == 400


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({}, {}),
        ({"quantity": 3}, {}),
        ({"quantity": 2}, {"Idempotency-Key": "click"}),
        ({"quantity": 99}, {}),
        ({}, {"Idempotency-Key": ""}),
    ],
)
def test_both_ways_look_the_same(
    plainly: Buy, put_on_sale: Callable[..., Listing], body: Any, headers: dict[str, str]
) -> None:
    lamp, other_lamp = put_on_sale("Reading lamp", quantity=10), put_on_sale("Reading lamp", quantity=10)
    first = looks(plainly(lamp.pk, body, **headers))
    headers = {name: f"{value} again"[: len(value) * 9] for name, value in headers.items()}
    assert looks(plainly(other_lamp.pk, body, **headers, **NOT_PLAIN)) == first


def test_refusals_look_the_same(plainly: Buy, bob: User, put_on_sale: Callable[..., Listing]) -> None:
    own = put_on_sale("Bob's own lamp")
    Listing.objects.filter(pk=own.pk).update(seller=bob)
    for listing_id in (own.pk, 10**9):
        assert looks(plainly(listing_id)) == looks(plainly(listing_id, **NOT_PLAIN))


def test_a_replay_is_found_on_either_way(plainly: Buy, armchair: Listing) -> None:
    key = {"Idempotency-Key": "click"}
    first = plainly(armchair.pk, **key)
    for headers in ({}, NOT_PLAIN):
        again = plainly(armchair.pk, **key, **headers)
        assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


def test_an_outage_looks_the_same(plainly: Buy, armchair: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    def be_away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(services, "buy_listing", be_away)
    monkeypatch.setattr("microstore.outage.connection.close", lambda: None)
    answer = looks(plainly(armchair.pk))
    assert answer[0] == 503
    assert answer[1]["Retry-After"] == "1"
    assert answer == looks(plainly(armchair.pk, **NOT_PLAIN))


def test_plain_purchases_are_counted_too(
    plainly: Buy, put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = iter(range(1, 9))
    monkeypatch.setattr(BuyView, "throttle_classes", [limits.Limits])
    monkeypatch.setattr(limits, "quotas", lambda: {"buy": limits.Quota(2, 60)})
    monkeypatch.setattr(limits.Counter, "count", lambda *_: (next(counted), 42))
    lamp = put_on_sale("Reading lamp", quantity=10)
    first = plainly(lamp.pk)
    assert (first.status_code, first.headers["RateLimit"]) == (202, '"buy";r=1;t=42')
    assert plainly(lamp.pk).status_code == 202
    refused = plainly(lamp.pk)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "42")
