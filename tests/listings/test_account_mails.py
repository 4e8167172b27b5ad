"""An address is verified before anything else is sent to it; a forgotten password is reset by a link."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from listings.accounts.addresses import is_verified
from listings.accounts.models import AccountEvent, AccountMail, BrowserSession, SentMail
from listings.accounts.sessions import open_session
from listings.models import Listing, Profile, Session
from listings.notifications import hourly_bound, tasks
from microstore.contracts.notifications import MAIL_ACCOUNT
from microstore.messaging.models import OutboxMessage
from microstore.messaging.receiving.consumer import Unavailable
from microstore.staff.models import StaffAction
from microstore.telemetry.tracing import new_trace
from tests.listings.account_mails import deliver_account_mails, token_in
from tests.support.pages import address, text
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
PASSWORD, BETTER = "a lighthouse in fog", "another lighthouse in fog"
CAROL = {"username": "carol", "email": "Carol@shop.example", "password": PASSWORD}


class Away(EmailBackend):
    """A mail server that does not answer."""

    def open(self) -> bool:
        raise ConnectionRefusedError


@pytest.fixture
def carol(make_user: Callable[..., User]) -> User:
    """Her address is verified."""
    user = make_user("carol", password=PASSWORD, email="carol@shop.example")
    Profile.objects.create(user=user, verified_email=user.email)
    return user


def post(client: Any, path: str, **body: str) -> Any:
    return client.post(path, body, format="json")


def forgotten(client: Any, email: str) -> list[Any]:
    assert post(client, "/api/auth/password/forgotten/", email=email).status_code == 202
    return deliver_account_mails()


def reset(client: Any, token: str, new: str = BETTER) -> Any:
    return post(client, "/api/auth/password/reset/", token=token, new=new)


@pytest.mark.parametrize("door", ["page", "api"])
def test_who_registers_verifies_the_address_by_the_link(
    anybody: APIClient, client: Client, door: str
) -> None:
    if door == "page":
        assert client.post("/account/sign-up/", CAROL).status_code == 302
        assert "not confirmed yet" in text(client.get("/account/"))
    else:
        assert post(anybody, "/api/auth/register/", **CAROL).status_code == 201
    user = User.objects.get(username="carol")
    [message] = deliver_account_mails()
    assert (message.to, message.subject) == (["Carol@shop.example"], "Confirm your e-mail address")
    assert "carol" not in (message.subject + message.body).lower()
    assert not is_verified(user)
    token = token_in(message)
    text(client.get(f"/account/verify/?token={token}"))
    assert not is_verified(user)
    if door == "page":
        assert "confirmed" in text(client.post("/account/verify/", {"token": token}))
        assert "is confirmed" in text(client.get("/account/"))
    else:
        assert post(anybody, "/api/auth/email/verify/", token=token).status_code == 204
    assert is_verified(user)
    read_problem(post(anybody, "/api/auth/email/verify/", token=token), 410)
    text(client.post("/account/verify/", {"token": token}), 410)


def test_the_page_says_that_the_link_was_sent_again(shopper: Client, bob: User) -> None:
    bob.email = "bob@shop.example"
    bob.save()
    sent = address(shopper.post("/account/send-link/"))
    assert sent == "/account/?sent=1#email"
    assert "The link is on its way." in text(shopper.get(sent))
    assert token_in(deliver_account_mails()[0])


def test_a_link_is_too_old_after_its_time(carol: User, api: APIClient, bob: User, anybody: APIClient) -> None:
    bob.email = "bob@shop.example"
    bob.save()
    api.post("/api/auth/email/send-link/")
    verify = token_in(deliver_account_mails()[0])
    forgot = token_in(forgotten(anybody, carol.email)[0])
    for kind, age in (("verify_address", timedelta(days=3)), ("reset_password", timedelta(hours=1))):
        AccountMail.objects.filter(kind=kind).update(expires_at=F("expires_at") - age)
    read_problem(post(anybody, "/api/auth/email/verify/", token=verify), 410)
    read_problem(reset(anybody, forgot), 410)


def test_a_link_verifies_no_address_that_was_given_later(
    carol: User, client_of: Callable[[User], APIClient], anybody: APIClient
) -> None:
    api = client_of(carol)
    assert api.get("/api/auth/me/").json()["email_verified"] is True
    changed = {"email": "carol@own.example", "password": PASSWORD}
    assert api.patch("/api/auth/me/", changed, format="json").json()["email_verified"] is False
    notice, link = deliver_account_mails()
    assert (notice.to, notice.subject) == (["carol@shop.example"], "Your e-mail address was changed")
    assert link.to == ["carol@own.example"]
    changed["email"] = "carol@victim.example"
    api.patch("/api/auth/me/", changed, format="json")
    [other] = deliver_account_mails()
    read_problem(post(anybody, "/api/auth/email/verify/", token=token_in(link)), 410)
    assert not is_verified(User.objects.get(pk=carol.pk))
    assert post(anybody, "/api/auth/email/verify/", token=token_in(other)).status_code == 204


def test_a_forgotten_password_is_reset_by_the_api_and_all_sessions_end(
    carol: User, anybody: APIClient
) -> None:
    browser = Client()
    browser.force_login(carol)
    refresh = str(open_session(carol))
    [message] = forgotten(anybody, "CAROL@shop.example")
    assert (message.to, message.subject) == (["carol@shop.example"], "Choose a new password")
    assert list(read_problem(reset(anybody, token_in(message), "password1234"), 400)["errors"]) == ["new"]
    assert reset(anybody, token_in(message)).status_code == 204
    carol.refresh_from_db()
    assert carol.check_password(BETTER)
    assert browser.get("/account/").status_code == 302
    read_problem(post(anybody, "/api/auth/token/refresh/", refresh=refresh), 401)
    assert not BrowserSession.objects.filter(user=carol).exists()
    assert not Session.objects.filter(user=carol).exists()
    assert AccountEvent.objects.filter(user=carol, kind="password_reset").count() == 1
    assert [each.subject for each in deliver_account_mails()] == ["Your password was changed"]
    read_problem(reset(anybody, token_in(message), "a third lighthouse"), 410)


def test_a_forgotten_password_is_reset_by_the_pages(carol: User, client: Client) -> None:
    page = client.post("/account/forgotten/", {"email": carol.email})
    unknown = client.post("/account/forgotten/", {"email": "nobody@shop.example"})
    assert CSRF.sub("", text(page)) == CSRF.sub("", text(unknown))
    [message] = deliver_account_mails()
    token = token_in(message)
    assert token in text(client.get(f"/account/reset/?token={token}"))
    assert "too easy to guess" in text(
        client.post("/account/reset/", {"token": token, "new": "password1234"}), 400
    )
    assert "Your password is set" in text(client.post("/account/reset/", {"token": token, "new": BETTER}))
    over = text(client.post("/account/reset/", {"token": token, "new": PASSWORD}), 410)
    assert 'href="/account/forgotten/"' in over
    body = {"username": "carol", "password": BETTER}
    assert client.post("/account/log-in/", body).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_of_a_link_at_once_one_sets_the_password(carol: User, anybody: APIClient) -> None:
    token = token_in(forgotten(anybody, carol.email)[0])
    statuses = run_at_once(
        4, lambda number: reset(APIClient(), token, f"lighthouse number {number}").status_code
    )
    assert sorted(statuses) == [204, 410, 410, 410]


def test_known_and_unknown_addresses_cost_the_same_statements(
    carol: User, anybody: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Whether anybody has the address is found by the worker alone."""
    sql = []
    for email in (carol.email, "nobody@shop.example"):
        with django_assert_num_queries(4) as queries:
            response = post(anybody, "/api/auth/password/forgotten/", email=email)
        assert (response.status_code, response.content) == (202, b"")
        sql.append([re.split("VALUES|\\(", each["sql"])[0].split()[:3] for each in queries])
    assert [each[0] for each in sql[0]] == [each[0] for each in sql[1]]
    assert [message.to for message in deliver_account_mails()] == [["carol@shop.example"]]
    assert AccountMail.objects.exclude(user=None).count() == 1
    assert not AccountMail.objects.filter(user=None).exclude(address="")


def test_an_address_that_is_not_verified_gets_the_link_that_verifies_it_and_no_other(
    make_user: Callable[..., User], anybody: APIClient
) -> None:
    dora = make_user("dora", email="dora@shop.example")
    [message] = forgotten(anybody, dora.email)
    assert message.subject == "Confirm your e-mail address"
    read_problem(reset(anybody, token_in(message)), 410)
    assert post(anybody, "/api/auth/email/verify/", token=token_in(message)).status_code == 204
    assert [each.subject for each in forgotten(anybody, dora.email)] == ["Choose a new password"]


def test_each_account_of_an_address_gets_its_link_and_a_suspended_one_none(
    carol: User, make_user: Callable[..., User], anybody: APIClient
) -> None:
    for name, active in (("dora", True), ("edna", False)):
        user = make_user(name, email=carol.email, is_active=active)
        Profile.objects.create(user=user, verified_email=carol.email)
    messages = forgotten(anybody, carol.email)
    assert sorted(message.body.split()[1] for message in messages) == ["carol,", "dora,"]
    token = next(token_in(message) for message in messages if "dora" in message.body)
    assert reset(anybody, token).status_code == 204
    assert User.objects.get(username="dora").check_password(BETTER)
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


def test_a_link_is_worth_nothing_once_the_address_was_changed(carol: User, anybody: APIClient) -> None:
    token = token_in(forgotten(anybody, carol.email)[0])
    User.objects.filter(pk=carol.pk).update(email="carol@lighthouse.example")
    read_problem(reset(anybody, token), 410)


def test_the_reset_of_a_staff_password_is_a_staff_action(carol: User, anybody: APIClient) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    assert reset(anybody, token_in(forgotten(anybody, carol.email)[0])).status_code == 204
    assert StaffAction.objects.filter(by="carol", action="reset the password").count() == 1


def test_nothing_in_the_database_or_in_a_message_opens_a_link(carol: User, anybody: APIClient) -> None:
    post(anybody, "/api/auth/password/forgotten/", email=carol.email)
    payload = OutboxMessage.objects.get(contract=MAIL_ACCOUNT.name).payload
    assert payload.keys() == {"event_id", "occurred_at", "trace", "mail_id"}
    token = token_in(deliver_account_mails()[0])
    assert token not in str(list(AccountMail.objects.values()))


def test_a_mail_is_sent_once_however_often_its_message_comes_and_not_lost_while_the_server_is_away(
    carol: User, anybody: APIClient, settings: Settings
) -> None:
    post(anybody, "/api/auth/password/forgotten/", email=carol.email)
    row = OutboxMessage.objects.get(contract=MAIL_ACCOUNT.name)
    message = MAIL_ACCOUNT.parse(row.payload)
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    for _ in range(2):
        with pytest.raises(Unavailable):
            tasks.mail_account([message])
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for _ in range(2):
        tasks.mail_account([message, MAIL_ACCOUNT(mail_id=message.event_id, trace=new_trace())])
    assert [each.to for each in mail.outbox] == [[carol.email]]
    assert reset(anybody, token_in(mail.outbox[0])).status_code == 204


def test_an_address_gets_five_links_an_hour_whoever_requests_them(carol: User, anybody: APIClient) -> None:
    assert sum(len(forgotten(anybody, carol.email)) for _ in range(7)) == 5
    assert AccountMail.objects.filter(error__contains="too many").count() == 2
    SentMail.objects.update(created_at=F("created_at") - timedelta(hours=1))
    assert len(forgotten(anybody, carol.email)) == 1


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "victim@shop.example",
            "Victim+1@shop.example",
            "victim+2+3@Shop.example",
            '"vic\\tim"@shop.example',
        ),
        ("vic.tim@gmail.com", "victim@gmail.com", "V.i.c.t.i.m+1@googlemail.com"),
        # As the mail server is told it: IDNA drops some characters, and folds others.
        ("victim@shop.example", "victim@sh\u00adop.example", "victim@s\u200bho\u200bp.example"),
        ("victim@k\u00fcche.example", "victim@ku\u0308che.example", "victim@xn--kche-0ra.example"),
    ],
)
def test_spellings_of_one_mailbox_are_counted_together(spellings: tuple[str, ...]) -> None:
    for number, spelt in enumerate(spellings):
        assert hourly_bound.count_sent(spelt) == number
        hourly_bound.note_sent(spelt)
    for other in ("victims@shop.example", "victim@other.example", "vic.tim@shop.example"):
        assert hourly_bound.count_sent(other) == 0


def test_links_to_tags_of_one_address_share_its_five_an_hour(
    make_user: Callable[..., User], anybody: APIClient
) -> None:
    for number in range(7):
        make_user(f"mallory-{number}", email=f"victim+{number}@shop.example")
    assert sum(len(forgotten(anybody, f"victim+{number}@shop.example")) for number in range(7)) == 5


def test_a_seller_needs_a_verified_address_where_the_setting_wants_one(
    carol: User, make_user: Callable[..., User], client_of: Callable[[User], APIClient], settings: Settings
) -> None:
    lamp = {"title": "Reading lamp", "price_cents": 5_900, "currency": "EUR"}
    dora = client_of(make_user("dora", email="dora@shop.example"))
    assert post(dora, "/api/listings/", **lamp).status_code == 201  # type: ignore[arg-type]  # a number, too
    settings.SELLERS_VERIFY_ADDRESS = True
    read_problem(post(dora, "/api/listings/", **lamp), 403)  # type: ignore[arg-type]  # the same
    browser = Client()
    browser.force_login(User.objects.get(username="dora"))
    form = {"title": "Reading lamp", "price": "59", "currency": "EUR", "quantity": "1", "category": "toys"}
    assert "Verify your e-mail address" in text(browser.post("/sell/", form), 403)
    assert Listing.objects.count() == 1
    assert post(client_of(carol), "/api/listings/", **lamp).status_code == 201  # type: ignore[arg-type]  # the same
