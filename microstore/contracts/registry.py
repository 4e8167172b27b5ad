"""All contracts of the marketplace, by name; its services and its queues."""

from microstore.contracts.accounts import (
    ACCOUNT_DELETED,
    ACCOUNT_EXPORTED,
    ACCOUNT_FORGOTTEN,
    BANK_ACCOUNT_CHANGED,
    BANK_ACCOUNT_RECORDED,
    EXPORT_REQUESTED,
)
from microstore.contracts.listings import (
    CHECKOUT_SETTLED,
    ITEM_SOLD,
    ORDER_COMPLETED,
    ORDER_REFUND_REFUSED,
    ORDER_REFUNDED,
    ORDER_REJECTED,
    ORDER_VOIDED,
    REFUND_COMPLETED,
    REFUND_REFUSED,
)
from microstore.contracts.notifications import MAIL_ACCOUNT, NOTIFICATIONS, SUBSCRIBED_FACTS
from microstore.contracts.payouts import PAYOUTS
from microstore.contracts.registration import Listener, Registry
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    ORDER_EXPIRED,
    REFUND_REQUESTED,
)
from microstore.contracts.webhooks import SUBSCRIBED_FACTS as WEBHOOK_FACTS
from microstore.contracts.webhooks import WEBHOOKS

REGISTRY = Registry(
    [
        *(ORDER_CREATED, ORDER_EXPIRED, ITEM_SOLD, ORDER_REJECTED, ORDER_COMPLETED),
        *(ORDER_CANCELLED, ORDER_VOIDED, CHECKOUT_SETTLED, MAIL_ACCOUNT),
        *(REFUND_REQUESTED, ORDER_REFUNDED, REFUND_REFUSED, REFUND_COMPLETED),
        ORDER_REFUND_REFUSED,
        *(ACCOUNT_DELETED, ACCOUNT_FORGOTTEN, EXPORT_REQUESTED, ACCOUNT_EXPORTED),
        *(BANK_ACCOUNT_CHANGED, BANK_ACCOUNT_RECORDED),
        *PAYOUTS,
    ],
    listeners={
        NOTIFICATIONS: Listener("listings", bindings=("order.*",), facts=SUBSCRIBED_FACTS),
        WEBHOOKS: Listener("listings", bindings=("order.*", "payout.*"), facts=WEBHOOK_FACTS),
    },
)
CONTRACTS, LISTENERS = REGISTRY.contracts, REGISTRY.listeners
QUEUES, SERVICES = REGISTRY.queues, REGISTRY.services
