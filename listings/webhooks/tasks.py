"""Handlers of the webhooks worker, one for each fact of its queue."""

from collections.abc import Callable, Sequence
from typing import Any

from listings.webhooks.other_facts import store_checkouts, store_payouts
from listings.webhooks.store import is_none_enabled, store_deliveries
from microstore.contracts.contract import AnyContract, Message
from microstore.contracts.listings import CHECKOUT_SETTLED
from microstore.contracts.payouts import PAYOUTS
from microstore.contracts.webhooks import SUBSCRIBED_FACTS, WEBHOOKS
from microstore.messaging.receiving.consumer import handles_fact

Store = Callable[[str, Any], int]
STORES: dict[AnyContract, Store] = {
    CHECKOUT_SETTLED: store_checkouts,
    **dict.fromkeys(PAYOUTS, store_payouts),
}


def store_deliveries_of(fact: AnyContract) -> Callable[[list[Message]], Sequence[Message]]:
    """Return the handler of a fact: it stores deliveries for another process, and calls no endpoint."""
    store = STORES.get(fact, store_deliveries)

    def handle(events: list[Message]) -> Sequence[Message]:
        store(str(fact.fact), events)
        return []

    return handle


for each in SUBSCRIBED_FACTS:
    handles_fact(each, listener=WEBHOOKS, unless=is_none_enabled)(store_deliveries_of(each))
