"""The archive of an account: a ZIP of JSON files, of rows of both services."""

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from listings.accounts.models import (
    AccountEvent,
    AccountExport,
    AccountMail,
    BankAccount,
    BrowserSession,
    Profile,
    Session,
)
from listings.models import (
    Listing,
    ListingEdition,
    ListingImage,
    Notification,
    Order,
    Refund,
    Report,
    WebhookEndpoint,
)

README = """\
What MicroStore has stored of your account, as JSON: each file is a list.

Amounts are in the currency's minor unit (cents); times are in UTC. Orders are yours as the listings service
has them, purchases and sales as they were recorded with their fees. The file docs/reference/archive.md of
MicroStore describes each file. It holds nothing of the people whom you bought from or sold to.
"""
CHUNK_ROWS = 2_000
CLIENT = ("created_at", "address", "device")
ORDER = (
    *("id", "listing_id", "checkout_id", "quantity", "unit_price_cents", "currency", "status"),
    *("transaction_id", "fee_cents", "total_cents", "refunded_cents", "returned_quantity", "fee_rule"),
    *("reason", "idempotency_key", "created_at", "settled_at"),
)
# The key is the buyer's.
SALE = tuple(column for column in ORDER if column != "idempotency_key")
LISTING = (
    *("id", "title", "description", "category", "price_cents", "currency", "quantity", "available"),
    *("status", "withdrawn_reason", "created_at", "updated_at"),
)
REFUND = (
    *("id", "order_id", "amount_cents", "return_quantity", "status", "reason", "refusal", "created_at"),
)


def make_archive(export: AccountExport) -> bytes:
    """Return the ZIP file."""
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", README)
        user_id = export.user_id
        for name, rows in (*_account_files(user_id), *_shop_files(user_id), *_sent_files(export)):
            with archive.open(f"{name}.json", "w") as entry:
                entry.writelines(text.encode() for text in _as_json(rows))
    return file.getvalue()


def _account_files(user_id: int) -> Iterator[tuple[str, Iterable[Any]]]:
    own = {"user_id": user_id}
    account = ("id", "username", "email", "first_name", "last_name", "date_joined", "last_login")
    yield "account", _rows(User.objects.filter(pk=user_id), *account)
    yield (
        "settings",
        _rows(Profile.objects.filter(**own), "email_notifications", "verified_email", "language"),
    )
    yield "bank_accounts", _rows(BankAccount.objects.filter(**own), "id", "masked", "created_at")
    yield "e_mails", _rows(AccountMail.objects.filter(**own), "kind", "address", "created_at", "sent_at")
    yield "activity", _rows(AccountEvent.objects.filter(**own), "kind", *CLIENT)
    yield "api_sessions", _rows(Session.objects.filter(**own), *CLIENT, "expires_at")
    yield "browser_sessions", _rows(BrowserSession.objects.filter(**own), *CLIENT, "expire_date")


def _shop_files(user_id: int) -> Iterator[tuple[str, Iterable[Any]]]:
    yield "listings", _rows(Listing.objects.filter(seller_id=user_id), *LISTING)
    editions = ListingEdition.objects.filter(listing__seller_id=user_id)
    yield "former_listings", _rows(editions, "listing_id", "edition", "title", "description", "category")
    pictures = ListingImage.objects.filter(listing__seller_id=user_id)
    yield "pictures", _rows(pictures, "id", "listing_id", "large", "width", "height", "created_at")
    yield "orders_bought", _rows(Order.objects.filter(buyer_id=user_id), *ORDER)
    yield "orders_sold", _rows(Order.objects.filter(listing__seller_id=user_id), *SALE)
    yield "requested_refunds", _rows(Refund.objects.filter(requested_by_id=user_id), *REFUND)
    reports = Report.objects.filter(reporter_id=user_id)
    yield "reports", _rows(reports, "id", "listing_id", "reason", "text", "state", "created_at", "decided_at")
    notifications = Notification.objects.filter(recipient_id=user_id)
    notification = ("id", "order_id", "kind", "role", "text", "created_at", "read_at")
    yield "notifications", _rows(notifications, *notification)
    endpoints = WebhookEndpoint.objects.filter(owner_id=user_id)
    yield "webhooks", _rows(endpoints, "id", "url", "description", "events", "enabled", "created_at")


def _rows(rows: QuerySet[Any], *columns: str) -> Iterable[Any]:
    return rows.order_by("pk").values(*columns).iterator(chunk_size=CHUNK_ROWS)


def _sent_files(export: AccountExport) -> Iterator[tuple[str, Iterable[Any]]]:
    pages = export.pages.order_by("page")
    for file in dict.fromkeys(pages.values_list("file", flat=True)):
        read = pages.filter(file=file).values_list("private_rows", flat=True).iterator(chunk_size=10)
        yield file, (row for rows in read for row in rows)


def _as_json(rows: Iterable[Any]) -> Iterator[str]:
    separator = "[\n"
    for row in rows:
        yield separator + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"
