"""All contracts, by name; all services and all queues."""

from typing import NamedTuple

from microstore.contracts.contract import AnyContract
from microstore.contracts.listings import ITEM_SOLD, ORDER_COMPLETED, ORDER_REJECTED, ORDER_VOIDED
from microstore.contracts.notifications import NOTIFICATIONS, SUBSCRIBED_FACTS
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED, ORDER_EXPIRED


class Listener(NamedTuple):
    """A queue beside a service's own, for facts."""

    service: str  # whose code and database its worker has, and whose dead letters it makes
    facts: str  # which ones, as a routing key


ALL: list[AnyContract] = [
    *(ORDER_CREATED, ORDER_EXPIRED, ITEM_SOLD, ORDER_REJECTED, ORDER_COMPLETED),
    *(ORDER_CANCELLED, ORDER_VOIDED),
    *(fact.for_listener(NOTIFICATIONS) for fact in SUBSCRIBED_FACTS),
]
CONTRACTS = {contract.name: contract for contract in ALL}
LISTENERS = {NOTIFICATIONS: Listener("listings", "order.*")}
QUEUES = sorted({contract.to for contract in CONTRACTS.values() if contract.to})
SERVICES = [queue for queue in QUEUES if queue not in LISTENERS]
