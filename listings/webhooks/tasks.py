"""Handlers of the webhooks worker, one for each fact of its queue."""

from collections.abc import Callable, Sequence

from listings.webhooks.store import store_deliveries
from microstore.contracts.contract import AnyContract, Message
from microstore.contracts.webhooks import SUBSCRIBED_FACTS, WEBHOOKS
from microstore.messaging.receiving.consumer import handles_fact


def store_deliveries_of(fact: AnyContract) -> Callable[[list[Message]], Sequence[Message]]:
    """Return the handler of a fact: it stores deliveries for another process, and calls no endpoint."""

    def handle(events: list[Message]) -> Sequence[Message]:
        store_deliveries(str(fact.fact), events)
        return []

    return handle


for each in SUBSCRIBED_FACTS:
    handles_fact(each, listener=WEBHOOKS)(store_deliveries_of(each))
