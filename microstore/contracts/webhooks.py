"""Facts that the webhooks worker handles."""

from microstore.contracts.contract import AnyContract
from microstore.contracts.listings import (
    CHECKOUT_SETTLED,
    ORDER_COMPLETED,
    ORDER_REFUND_REFUSED,
    ORDER_REJECTED,
    REFUND_COMPLETED,
)
from microstore.contracts.payouts import PAYOUTS
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED

WEBHOOKS = "webhooks"
SUBSCRIBED_FACTS: tuple[AnyContract, ...] = (
    *(ORDER_CREATED, ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED, REFUND_COMPLETED),
    *(ORDER_REFUND_REFUSED, CHECKOUT_SETTLED, *PAYOUTS),
)
