"""Pages, mails and notifications in the language of the visitor; the API and the admin in English."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from listings.accounts import mails
from listings.models import Category, Listing, Notification, Order, Profile
from listings.money import UnreadableAmount, format_amount, format_plain, read_amount
from listings.notifications import tasks
from listings.settling.complete import complete_orders
from tests.listings.account_mails import deliver_account_mails
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.pages import address, text
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db
GERMAN = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.8"}
# The same in both languages: names, figures of the shop, and what people wrote.
ALIKE = {
    *("MicroStore", "Micro", "Store", "API", "Name", "Status", "Browser", "Webhooks", "English", "Deutsch"),
    *("Shop", "Details"),
    *("alice", "bob", "Crunchy armchair", "Atlas", "IBAN", "EUR", "JPY", "KWD", "XTS", "UTC"),
    *("unicorn · MicroStore", "Atlas · MicroStore", "Crunchy armchair · MicroStore"),
}
SHORT = {"username": "carol", "email": "carol@shop.example", "password": "x"}
PUBLIC = ("/", "/?search=unicorn", "/?max_price=1", "/cart/", "/account/sign-up/", "/account/log-in/")
LINKS = tuple(f"/account/{name}/?token=x" for name in ("forgotten", "reset", "verify", "unsubscribe"))


@pytest.fixture(autouse=True)
def no_language_is_left() -> Iterator[None]:
    """Whatever a test asks for, the thread speaks English afterwards."""
    yield
    assert translation.get_language() == "en"


class Texts(HTMLParser):
    """What people read on a page, scripts left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag == "script"
        self.found |= {v for name, v in attrs if v and name in ("aria-label", "title", "placeholder", "alt")}

    def handle_data(self, data: str) -> None:
        if not self.hidden and re.search(r"[^\W\d_]{2}", data) and not data.endswith(" UTC"):
            self.found.add(data.strip())


def texts_of(response: Any) -> set[str]:
    page = Texts()
    page.feed(response.content.decode())
    return {re.sub(r"^·\s*|\s*·$", "", found) for found in page.found}


@pytest.fixture
def order(put_on_sale: Callable[..., Listing], bob: User) -> Order:
    for category in Category:
        put_on_sale("Atlas", category=category, quantity=3)
    made = order_one(put_on_sale(), buyer_id=bob.pk)
    complete_orders([item_sold(made.pk)])
    return made


def test_times_are_written_as_the_language_writes_them(shopper: Client, order: Order) -> None:
    Order.objects.update(created_at=datetime(2026, 11, 9, 8, 5, tzinfo=UTC))
    for language, written in (("en", "9 Nov 2026, 08:05 UTC"), ("de", "9. Nov. 2026, 08:05 UTC")):
        assert f">{written}</time>" in text(shopper.get("/orders/", headers={"Accept-Language": language}))


def test_nothing_is_left_in_english(client: Client, seller: Client, shopper: Client, order: Order) -> None:
    atlas = f"/listings/{Listing.objects.filter(title='Atlas').latest('id').pk}/"
    own = (atlas, f"{atlas}edit/", "/sales/", "/sales/listings/", "/sell/", f"/orders/{order.pk}/refund/")
    account = ("/account/", "/account/security/", "/account/payouts/", "/account/data/")
    bought = (*account, f"{atlas}report/", "/orders/", f"/orders/{order.pk}/", atlas, "/notifications/")
    for visitor, paths in ((client, (*PUBLIC, *LINKS)), (seller, own), (shopper, bought)):
        for path in paths:
            english, german = visitor.get(path), visitor.get(path, headers=GERMAN)
            assert german.status_code == english.status_code
            assert german.headers["Content-Language"] == "de"
            assert "Accept-Language" in german.headers["Vary"]
            assert '<html lang="de">' in german.content.decode()
            assert (texts_of(english) & texts_of(german)) - ALIKE - {str(order.pk)} == set(), path


def test_a_refusal_is_in_the_language_of_the_page(
    client: Client, shopper: Client, seller: Client, armchair: Listing
) -> None:
    for refused, said in (
        (
            shopper.post(f"/listings/{armchair.pk}/buy/", {"quantity": "9", "shown": "9"}, headers=GERMAN),
            "Nur noch 1 vorrätig.",
        ),
        (
            client.get("/nothing/", headers=GERMAN | {"Accept": "text/html"}),
            "Unter /nothing/ gibt es nichts.",
        ),
        (client.post("/account/log-in/", {"username": "bob"}, headers=GERMAN), "Kein aktives Konto"),
        (client.post("/account/sign-up/", SHORT, headers=GERMAN), "Es muss mindestens 8 Zeichen haben."),
        (client.post("/account/sign-up/", {"username": ""}, headers=GERMAN), "darf nicht leer sein"),
        (
            client.post("/account/sign-up/", {"email": "carol@x"}, headers=GERMAN),
            "geben Sie eine gültige E-Mail",
        ),
        (seller.post("/sell/", {"quantity": "0"}, headers=GERMAN), "Mindestens 1"),
        (shopper.post("/account/bank-account/", {"iban": "DE1"}, headers=GERMAN), "Das ist keine IBAN."),
        (shopper.post("/account/webhooks/", {"url": "shop"}, headers=GERMAN), "muss mit https:// und einem"),
    ):
        assert refused.status_code >= 400
        assert said in refused.content.decode(), said


def test_codes_for_programs_are_the_same_in_every_language(shopper: Client, order: Order) -> None:
    page = text(shopper.get("/orders/", headers=GERMAN))
    assert f'class="order completed" id="order-{order.pk}"' in page
    assert f"{order.pk}:completed" in page
    assert "Abgeschlossen" in page
    assert 'value="furniture"' in text(shopper.get("/", headers=GERMAN))


def test_the_api_and_the_admin_are_english(
    shopper: Client, anybody: APIClient, api: APIClient, armchair: Listing
) -> None:
    text(shopper.get("/", headers=GERMAN))
    Listing.objects.update(available=0)
    problem = api.post(f"/api/listings/{armchair.pk}/buy/", {}, format="json", headers=GERMAN).json()
    assert (problem["title"], problem["detail"]) == ("Sold out", "It is sold out.")
    assert anybody.get("/api/categories/", headers=GERMAN).json()[0] == {"id": "art", "name": "Art"}
    assert "Welcome" in text(client_as("admin").get("/admin/", headers=GERMAN))


def test_the_shop_has_its_own_words_where_the_admin_has_others() -> None:
    with translation.override("de"):
        assert [translation.gettext(text) for text in ("Save", "Breadcrumbs")] == ["Speichern", "Pfad"]


def test_a_language_that_is_chosen_is_kept(client: Client, shopper: Client, bob: User) -> None:
    for visitor in (client, shopper):
        chosen = {"language": "de", "next": "/cart/"}
        assert address(visitor.post("/language/", chosen)) == "/cart/"
        assert "Ihr Warenkorb ist leer" in text(visitor.get("/cart/"))
        assert "Your cart is empty" in text(Client().get("/cart/"))
    assert Profile.objects.get().language == "de"
    assert address(shopper.post("/language/", {"language": "tlh\0", "next": "https://evil.example/"})) == "/"
    assert Profile.objects.get().language == "de"
    shopper.post("/language/", {"language": "en", "next": "/"}, headers=GERMAN)
    assert "Your cart is empty" in text(shopper.get("/cart/", headers=GERMAN))
    assert Profile.objects.get().language == "en"


def test_who_signs_up_in_german_gets_german_mails(client: Client) -> None:
    carol = {"username": "carol", "email": "carol@shop.example", "password": "a lighthouse in fog"}
    client.post("/account/sign-up/", carol, headers=GERMAN)
    [message] = deliver_account_mails()
    assert message.subject == "Bestätigen Sie Ihre E-Mail-Adresse"
    assert "Der Link gilt drei Tage" in message.body
    mails.request_verification(User.objects.create_user("dave", "dave@shop.example"))
    [message] = deliver_account_mails()
    assert message.subject == "Confirm your e-mail address"


def test_a_notification_is_in_its_recipients_language(alice: User, bob: User, order: Order) -> None:
    for user, language in ((alice, ""), (bob, "de")):
        User.objects.filter(pk=user.pk).update(email=f"{user.username}@shop.example")
        Profile.objects.create(user=user, language=language, verified_email=f"{user.username}@shop.example")
    tasks.order_completed(complete_orders([item_sold(order.pk)]))  # again, as after a redelivery
    written = dict(Notification.objects.values_list("recipient__username", "text"))
    assert written["alice"] == "You sold 1 × Crunchy armchair."
    assert written["bob"].replace("\N{NO-BREAK SPACE}", " ") == (
        "Sie haben 1 × Crunchy armchair für 250,00 € gekauft."
    )
    subjects = {message.to[0]: message.subject for message in mail.outbox}
    assert subjects == {"alice@shop.example": "A sale", "bob@shop.example": "Ihr Kauf"}


@pytest.mark.parametrize(
    ("cents", "currency", "english", "german"),
    [
        (124_950, "EUR", "€1,249.50", "1.249,50 €"),
        (5_900, "JPY", "¥5,900", "5.900 ¥"),
        (1_250_125, "KWD", "KWD 1,250.125", "1.250,125 KWD"),
    ],
)
def test_amounts_are_written_and_read_as_in_the_language_of_the_page(
    cents: int, currency: str, english: str, german: str
) -> None:
    for language, shown in (("en", english), ("de", german)):
        with translation.override(language):
            assert format_amount(cents, currency).replace("\N{NO-BREAK SPACE}", " ") == shown
            assert read_amount(shown, currency) == cents
            assert read_amount(format_plain(cents, currency), currency) == cents


def test_what_has_two_readings_is_asked_about_in_both_languages() -> None:
    assert read_amount("1,234", "EUR") == 123_400
    with pytest.raises(UnreadableAmount):
        read_amount("1.234", "EUR")
    with translation.override("de"):
        assert read_amount("1.234", "EUR") == 123_400
        with pytest.raises(UnreadableAmount, match=r"könnte 1\.234,00"):
            read_amount("1,234", "EUR")
