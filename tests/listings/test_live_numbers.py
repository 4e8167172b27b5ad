"""What is counted of the live feeds is what browsers were really told."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from listings.models import Listing, LiveEvent
from listings.settling.complete import complete_orders
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.browser import Browser, running_loop
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db(transaction=True)


def pushed() -> float:
    return REGISTRY.get_sample_value("microstore_websocket_events_pushed_total") or 0


def test_an_event_is_counted_once_for_each_browser_that_is_told_of_it(
    alice: User, bob: User, make_user: Callable[..., User], armchair: Listing
) -> None:
    carol = make_user("carol")
    own = [f"/ws/orders/?token={sign(claims_of(user.pk))}" for user in (bob, bob, alice, carol)]
    before = pushed()
    with running_loop() as loop:
        browsers = [Browser(loop, path) for path in ("/ws/listings/", *own)]
        for browser in browsers:
            browser.open()
        complete_orders([item_sold(order_one(armchair, buyer_id=bob.pk).pk)])
        for browser in browsers[:4]:  # Carol has nothing to do with it
            assert browser.read()["type"] in ("item_sold", "order")
        assert pushed() - before == 4
        for browser in browsers:
            browser.close()


def test_what_a_browser_has_missed_is_counted_too(bob: User, armchair: Listing) -> None:
    complete_orders([item_sold(order_one(armchair, buyer_id=bob.pk).pk)])
    seq = LiveEvent.objects.get().seq
    before = pushed()
    with running_loop() as loop:
        browser = Browser(loop, f"/ws/listings/?after={seq - 1}")
        browser.open()
        assert browser.read()["type"] == "item_sold"
        browser.close()
    assert pushed() - before == 1
