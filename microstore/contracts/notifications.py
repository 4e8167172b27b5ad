"""Facts that the notifications worker handles."""

from microstore.contracts.contract import AnyContract
from microstore.contracts.listings import ORDER_COMPLETED, ORDER_REJECTED
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED

NOTIFICATIONS = "notifications"
SUBSCRIBED_FACTS: tuple[AnyContract, ...] = (ORDER_CREATED, ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED)
