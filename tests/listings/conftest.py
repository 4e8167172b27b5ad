"""Alice sells, Bob buys."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from fees.server import FunctionUrlServer
from listings.buying import quotes
from listings.buying.place import Purchase
from listings.models import Listing
from microstore.fee_function.calls import session
from microstore.telemetry.tracing import new_trace
from tests.support.breakers import lasting_breaker
from tests.support.fee_post import FeePost, fee_function
from tests.support.ports import closed_port
from tests.support.sequences import django_db_setup
from tests.support.speed import empty_folder, nothing_slow
from tests.support.tokens import claims_of, sign

__all__ = ["django_db_setup", "empty_folder", "fee_function", "nothing_slow"]

names = count(1)


@pytest.fixture(autouse=True)
def a_crowd_in_few_people(settings: Settings) -> None:
    """Bob alone buys like a crowd; test_open_orders.py has the bounds of one person."""
    settings.MAX_OPEN_ORDERS = settings.MAX_OPEN_ORDERS_OF_LISTING = 0
    settings.MAX_PIECES_PER_ORDER = settings.MAX_CANCELLATIONS_PER_HOUR = 0


@pytest.fixture(autouse=True)
def nobody_quotes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No fee function answers, and no quote is kept from another test."""
    monkeypatch.setattr(quotes, "breaker", lasting_breaker())
    cache.clear()
    with closed_port() as port:
        settings.FEES_URL = f"http://127.0.0.1:{port}/"
        yield


@pytest.fixture
def fee_post(fee_function: FunctionUrlServer, nobody_quotes: None, settings: Settings) -> Iterator[FeePost]:
    """What FEES_URL names: passes requests on to the fee function and counts them, unless told otherwise."""
    session.cache_clear()
    with FeePost(fee_function.port) as post:
        settings.FEES_URL = post.url
        yield post
        session().close()
        session.cache_clear()


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    """A folder of the test's own for pictures and archives."""
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def make_user() -> Callable[..., User]:
    """A user who cannot log in; tokens are made without a password."""

    def make(name: str | None = None, **fields: Any) -> User:
        return User.objects.create_user(name or f"somebody-{next(names)}", **fields)

    return make


@pytest.fixture
def alice(make_user: Callable[..., User], db: None) -> User:
    """She sells."""
    return make_user("alice")


@pytest.fixture
def bob(make_user: Callable[..., User], db: None) -> User:
    """He buys."""
    return make_user("bob")


@pytest.fixture
def shopper(bob: User) -> Client:
    """Bob's browser."""
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def seller(alice: User) -> Client:
    """Alice's browser."""
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def put_on_sale(alice: User) -> Callable[..., Listing]:
    """Alice's listing, a crunchy armchair unless told otherwise."""

    def put(title: str = "Crunchy armchair", *, quantity: int = 1, **fields: Any) -> Listing:
        given = {"price_cents": 24_900, "currency": "EUR", "category": "furniture", "available": quantity}
        return Listing.objects.create(seller=alice, title=title, quantity=quantity, **(given | fields))

    return put


@pytest.fixture
def armchair(put_on_sale: Callable[..., Listing]) -> Listing:
    """There is one."""
    return put_on_sale()


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """The API as a user sees it; a failure in the service is an answer, not an exception."""

    def make(user: User) -> APIClient:
        token = sign(claims_of(user.pk))
        return APIClient(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
def anybody() -> APIClient:
    """The API as a stranger sees it."""
    return APIClient(raise_request_exception=False)


@pytest.fixture
def api(bob: User, client_of: Callable[[User], APIClient]) -> APIClient:
    """The API as Bob sees it."""
    return client_of(bob)


@pytest.fixture
def purchase(bob: User, armchair: Listing) -> Callable[..., Purchase]:
    """Bob wants the armchair, unless told otherwise."""

    def make(**fields: Any) -> Purchase:
        given: dict[str, Any] = {
            "listing_id": armchair.pk,
            "buyer_id": bob.pk,
            "quantity": 1,
            "trace": new_trace(),
        }
        return Purchase(**(given | fields))

    return make
