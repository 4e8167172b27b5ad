"""What staff of the listings service can look at, and what they cannot change."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from listings.models import Listing, LiveEvent, Notification, Order, Refund, Report
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from tests.listings.purchases import order_one
from tests.support.admin_models import REGISTERED
from tests.support.rows import count_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_of_each(bob: User, armchair: Listing) -> None:
    """Something on every page."""
    order = order_one(armchair, buyer_id=bob.pk)
    LiveEvent.objects.create(type="item_sold", order_id=order.pk, listing_id=armchair.pk, payload={})
    store.dead_letter(contract="item_sold", payload={"lamp": 1}, error=ValueError("why"), attempts=3)


def url_of(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_staff_see_listings_orders_and_messages() -> None:
    assert {Listing, Order, OutboxMessage, DeadLetter} <= set(REGISTERED)


@pytest.mark.parametrize("model", REGISTERED)
def test_staff_can_open_every_page(admin_client: Client, one_of_each: None, model: type[Model]) -> None:
    assert admin_client.get(reverse("admin:index")).status_code == 200
    assert admin_client.get(url_of(model, "changelist")).status_code == 200
    assert admin_client.get(url_of(model, "changelist"), {"q": "armchair"}).status_code == 200
    for row in model._default_manager.all():
        assert admin_client.get(url_of(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", REGISTERED)
@pytest.mark.parametrize("query", [{"q": "\0"}, {"o": "9.9"}, {"p": "99"}, {"id": "x"}, {"status": "x"}])
def test_a_strange_question_fails_no_page(
    admin_client: Client, one_of_each: None, model: type[Model], query: dict[str, str]
) -> None:
    assert admin_client.get(url_of(model, "changelist"), query).status_code in (200, 302, 400)


@pytest.mark.parametrize("model", [Order, OutboxMessage, DeadLetter])
def test_orders_and_messages_are_not_made_changed_or_deleted_by_hand(
    admin_client: Client, one_of_each: None, model: type[Model]
) -> None:
    row = model._default_manager.get()
    before = (count_rows(), model._default_manager.values().get())
    assert admin_client.post(url_of(model, "add"), {}).status_code == 403
    assert admin_client.post(url_of(model, "change", row.pk), {"status": "completed"}).status_code == 403
    assert admin_client.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    choice = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    admin_client.post(url_of(model, "changelist"), choice)
    assert (count_rows(), model._default_manager.values().get()) == before


@pytest.mark.parametrize(
    ("currency", "shown"), [("EUR", "249.00 EUR"), ("JPY", "24,900 JPY"), ("KWD", "24.900 KWD")]
)
def test_money_is_an_amount_in_its_currency(
    admin_client: Client, armchair: Listing, bob: User, currency: str, shown: str
) -> None:
    Listing.objects.update(currency=currency)
    order = order_one(armchair, buyer_id=bob.pk)
    assert shown in admin_client.get(url_of(Listing, "changelist")).content.decode()
    assert shown in admin_client.get(url_of(Order, "change", order.pk)).content.decode()
    page = admin_client.get(url_of(Listing, "change", armchair.pk))
    form = page.context["adminform"].form
    given = {name: form.initial[name] for name in form.fields}
    assert admin_client.post(url_of(Listing, "change", armchair.pk), given).status_code == 302
    assert Listing.objects.get().price_cents == 24_900


def test_stock_is_not_changed_by_hand(admin_client: Client, armchair: Listing) -> None:
    form = {
        "title": "Crunchy armchair, reduced",
        "price_cents": "199.00",
        "currency": "EUR",
        "category": "furniture",
        "status": "on_sale",
        "seller": armchair.seller_id,
        "available": 100,
        "quantity": 100,
    }
    assert admin_client.post(url_of(Listing, "change", armchair.pk), form).status_code == 302
    armchair.refresh_from_db()
    assert (armchair.price_cents, armchair.available, armchair.quantity) == (19_900, 1, 1)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen after a form has read its row, and before it writes it."""
    save_form = ModelAdmin.save_form

    def have(happen: Callable[[], object]) -> None:
        def save_later(self: Any, request: Any, form: Any, change: Any) -> Any:
            happen()
            return save_form(self, request, form, change)

        monkeypatch.setattr(ModelAdmin, "save_form", save_later)

    return have


def test_what_is_bought_while_staff_save_a_listing_stays_sold(
    admin_client: Client, armchair: Listing, bob: User, meanwhile: Callable[..., None]
) -> None:
    meanwhile(lambda: order_one(armchair, buyer_id=bob.pk))
    form = {
        "title": "Crunchy armchair, reduced",
        "price_cents": "199.00",
        "currency": "EUR",
        "category": "furniture",
        "seller": armchair.seller_id,
    }
    assert admin_client.post(url_of(Listing, "change", armchair.pk), form).status_code == 302
    armchair.refresh_from_db()
    assert (armchair.price_cents, armchair.available, armchair.edition) == (19_900, 0, 2)


def test_who_is_suspended_while_staff_save_the_user_stays_so(
    admin_client: Client, bob: User, meanwhile: Callable[..., None]
) -> None:
    def suspend() -> None:
        User.objects.filter(pk=bob.pk).update(is_active=False, password="another")

    meanwhile(suspend)
    form = {"username": "bob", "email": "bob@shop.example", "is_active": "on"}
    assert admin_client.post(url_of(User, "change", bob.pk), form).status_code == 302
    bob.refresh_from_db()
    assert (bob.email, bob.is_active, bob.password) == ("bob@shop.example", False, "another")


def test_buyers_are_no_staff(client: Client, bob: User, one_of_each: None) -> None:
    client.force_login(bob)
    for model in REGISTERED:
        assert client.get(url_of(model, "changelist")).status_code == 302


def test_nobody_makes_a_listing_another_sellers(admin_client: Client, armchair: Listing, bob: User) -> None:
    form = {"title": "Armchair", "price_cents": "1", "currency": "EUR", "category": "furniture"}
    page = url_of(Listing, "change", armchair.pk)
    assert admin_client.post(page, form | {"seller": bob.pk}).status_code == 302
    seller = armchair.seller_id
    armchair.refresh_from_db()
    assert (armchair.title, armchair.seller_id) == ("Armchair", seller)


@pytest.mark.parametrize("digits", [8, 13, 36])
def test_an_order_and_all_about_it_is_found_by_the_beginning_of_its_id(
    admin_client: Client, one_of_each: None, digits: int
) -> None:
    order = Order.objects.get()
    refund = Refund.objects.create(order=order, requested_by=order.buyer, amount_cents=1, reason="Worn")
    notified = Notification.objects.create(
        recipient=order.buyer,
        event_id=uuid4(),
        kind="order_completed",
        role="buyer",
        order=order,
        text="Bought",
    )
    part = str(order.pk)[:digits]
    rows = {Order: order, Refund: refund, Notification: notified, LiveEvent: LiveEvent.objects.get()}
    for model, row in rows.items():
        page = admin_client.get(url_of(model, "changelist"), {"q": part})
        assert list(page.context["cl"].result_list) == [row]
    if digits < 36:
        # The front page's search leads to the list.
        page = admin_client.get(reverse("admin:trace"), {"q": part}, follow=True)
        assert list(page.context["cl"].result_list) == [order]


# One in forty begins with digits alone.
@pytest.mark.parametrize("start", ["7052979a", "70529798"])
def test_orders_are_found_by_the_beginning_of_their_trace_and_by_a_name_that_looks_like_one(
    start: str, admin_client: Client, armchair: Listing, bob: User
) -> None:
    order = order_one(armchair, buyer_id=bob.pk)
    Order.objects.filter(pk=order.pk).update(trace=f"00-{start}{order.trace[11:]}")
    User.objects.filter(pk=bob.pk).update(username="deadbeef")
    for term in (start, "deadbeef"):
        page = admin_client.get(url_of(Order, "changelist"), {"q": term})
        assert list(page.context["cl"].result_list) == [order], term


@pytest.mark.parametrize("model", [Order, Listing])
def test_a_list_keeps_its_own_order_whatever_is_asked(
    admin_client: Client, one_of_each: None, model: type[Model]
) -> None:
    for order in ("1", "2.-3", "-6"):
        changes = admin_client.get(url_of(model, "changelist"), {"o": order}).context["cl"]
        assert changes.queryset.query.order_by == ("-id",)


def test_what_has_digits_alone_is_found_though_a_row_has_that_number(
    admin_client: Client,
    armchair: Listing,
    bob: User,
    make_user: Callable[..., User],
    put_on_sale: Callable[..., Listing],
) -> None:
    carol, number = make_user(), str(armchair.pk)
    User.objects.filter(pk=bob.pk).update(username=number)
    jeans = put_on_sale(f"Jeans {number}")
    wanted = ((jeans, bob.pk), (armchair, carol.pk))
    orders = [order_one(listing, buyer_id=buyer) for listing, buyer in wanted]
    reports = [
        Report.objects.create(listing=listing, reporter_id=reporter, reason="other")
        for listing, reporter in wanted
    ]
    for model, rows in ((Order, orders), (Report, reports), (Listing, [armchair, jeans])):
        page = admin_client.get(url_of(model, "changelist"), {"q": number})
        assert list(page.context["cl"].result_list) == rows[::-1], model
