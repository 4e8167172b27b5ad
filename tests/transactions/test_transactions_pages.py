"""Pages of the transactions service for staff, engineers and probes."""

import pytest
from django.db import DataError, IntegrityError, connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from tests.support.admin_models import REGISTERED
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from tests.support.problem import read_problem
from tests.support.rows import count_rows
from transactions import tasks
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_of_each(fee_post: FeePost, listings_queue: Mailbox) -> None:
    """Something on every page."""
    tasks.order_created([order_created(), order_created(currency="XTS")])
    OutboxMessage.objects.create(contract="item_sold", payload={"lamp": 1})
    store.dead_letter(contract="order_created", payload={"lamp": 1}, error=ValueError("why"), attempts=3)


def url_of(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_staff_see_transactions_and_messages() -> None:
    assert {Transaction, OutboxMessage, DeadLetter} <= set(REGISTERED)


@pytest.mark.parametrize("model", REGISTERED)
def test_staff_can_open_every_page(admin_client: Client, one_of_each: None, model: type[Model]) -> None:
    assert admin_client.get(reverse("admin:index")).status_code == 200
    assert admin_client.get(url_of(model, "changelist")).status_code == 200
    assert admin_client.get(url_of(model, "changelist"), {"q": "armchair"}).status_code == 200
    for row in model._default_manager.all():
        assert admin_client.get(url_of(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", [Transaction, OutboxMessage, DeadLetter])
def test_a_record_is_not_made_changed_or_deleted_by_hand(
    admin_client: Client, one_of_each: None, model: type[Model]
) -> None:
    row = model._default_manager.first()
    assert row is not None
    before = (count_rows(), list(model._default_manager.order_by("pk").values()))
    assert admin_client.post(url_of(model, "add"), {}).status_code == 403
    assert admin_client.post(url_of(model, "change", row.pk), {"status": "refused"}).status_code == 403
    assert admin_client.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    choice = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    admin_client.post(url_of(model, "changelist"), choice)
    assert (count_rows(), list(model._default_manager.order_by("pk").values())) == before


@pytest.mark.parametrize(
    "change",
    [
        "total_cents = total_cents + 1",
        "fee_cents = NULL",
        "status = 'refused'",
        "price_cents = 0",
        "fee_cents = -1",
    ],
)
def test_no_statement_makes_a_total_that_is_not_price_and_fee(one_of_each: None, change: str) -> None:
    with pytest.raises((IntegrityError, DataError), match="check"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE transactions_transaction SET {change} WHERE status = 'recorded'")


@pytest.mark.parametrize("url", ["/", "/api/listings/", "/api/auth/token/", "/nothing"])
def test_where_nothing_is_nothing_is_found(anybody: APIClient, url: str) -> None:
    read_problem(anybody.get(url), 404)
