"""The fee function, real and broken, and the API as users of the listings service see it."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from fees.server import FunctionUrlServer
from microstore.fee_function.calls import session
from tests.support.breakers import lasting_breaker
from tests.support.broker import Mailbox, commands_to
from tests.support.fee_post import FeePost, fee_function
from tests.support.sequences import django_db_setup
from tests.support.speed import empty_folder, nothing_slow
from tests.support.tokens import claims_of, sign
from transactions import fee_client

__all__ = ["django_db_setup", "empty_folder", "fee_function", "nothing_slow"]


@pytest.fixture
def fee_post(
    fee_function: FunctionUrlServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FeePost]:
    """What FEES_URL names: passes requests on to the fee function and counts them, unless told otherwise."""
    session.cache_clear()
    monkeypatch.setattr(fee_client, "breaker", lasting_breaker())
    with FeePost(fee_function.port) as post:
        settings.FEES_URL = post.url
        yield post
        session().close()
        session.cache_clear()


@pytest.fixture
def listings_queue() -> Iterator[Mailbox]:
    """What the listings service is told."""
    with commands_to("listings") as mailbox:
        yield mailbox


@pytest.fixture
def client_of() -> Callable[[int], APIClient]:
    """The API as the user of this id sees it."""

    def make(user_id: int) -> APIClient:
        token = sign(claims_of(user_id))
        return APIClient(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
def anybody() -> APIClient:
    """The API as a stranger sees it."""
    return APIClient(raise_request_exception=False)
