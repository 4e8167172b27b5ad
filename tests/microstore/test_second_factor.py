"""Staff pass a second factor before any page of the admin opens, in both services."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from microstore.staff import login_guard
from microstore.staff.models import FailedLogin, StaffAction
from tests.support.addresses import addresses
from tests.support.pages import address, text
from tests.support.second_factor import App, enrol, key_on
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

PASSWORD = "crunchy armchair"
FACTOR, ENROL = "/admin/second-factor/", "/admin/second-factor/enrol/"
BEFORE_IT = {"/admin/login/", "/admin/logout/", FACTOR, ENROL}


@pytest.fixture(autouse=True)
def enforced(settings: Settings) -> None:
    """As in production, but for hashes that take long."""
    settings.STAFF_SECOND_FACTOR = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def carol() -> User:
    return User.objects.create_superuser("carol", password=PASSWORD)


@pytest.fixture
def browser(carol: User) -> Client:
    """Carol's, who has passed her password."""
    client = Client()
    form = {"username": "carol", "password": PASSWORD, "next": "/admin/"}
    assert address(client.post("/admin/login/", form)) == "/admin/"
    return client


@pytest.fixture
def app(browser: Client) -> App:
    """Carol's; her browser has passed, and other ones may."""
    return enrol(browser, password=PASSWORD)[0]


def new_browser(carol: User) -> Client:
    client = Client()
    client.force_login(carol)
    return client


def actions() -> list[str]:
    return list(StaffAction.objects.order_by("id").values_list("action", flat=True))


def opens(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize("has_enrolled", [False, True])
def test_a_session_without_the_second_factor_opens_no_page_of_the_admin(
    carol: User, has_enrolled: bool
) -> None:
    if has_enrolled:
        TOTPDevice.objects.create(user=carol)
    client = new_browser(carol)
    pages = {each for each in addresses() if each.startswith("/admin/")} - BEFORE_IT
    assert len(pages) > 20
    for page in sorted(pages):
        for method in (client.get, client.post):
            assert address(method(page)).startswith("/admin/login/"), page
    assert address(client.get("/admin/login/?next=/admin/trace/")).startswith(FACTOR)


def test_staff_enrol_and_log_in_with_a_code(carol: User, browser: Client) -> None:
    assert address(browser.get("/admin/login/")) == f"{FACTOR}?next="
    assert address(browser.get(f"{FACTOR}?next=/admin/trace/")) == f"{ENROL}?next=%2Fadmin%2Ftrace%2F"
    app, codes = enrol(browser, password=PASSWORD)
    assert (opens(browser), len(set(codes))) == (True, 10)

    other = new_browser(carol)
    assert not opens(other)
    assert address(other.post(FACTOR, {"code": app.next_code(), "next": "/admin/trace/"})) == "/admin/trace/"
    assert opens(other)
    assert actions() == ["logged in", "logged in", "enrolled a second factor", "passed the second factor"]


def test_the_qr_code_holds_the_key_and_stands_in_the_page(browser: Client) -> None:
    page = browser.get(ENROL)
    assert "<svg" in text(page)
    assert key_on(page) == key_on(browser.get(ENROL))  # another picture would be another app


def test_nobody_else_sees_the_key_that_somebody_enrols(carol: User, browser: Client) -> None:
    """Also not whoever knows the password."""
    assert key_on(browser.get(ENROL)) != key_on(new_browser(carol).get(ENROL))


def test_a_session_of_somebody_who_does_not_know_the_password_enrols_nothing(carol: User) -> None:
    client = new_browser(carol)
    code = App(key_on(client.get(ENROL))).next_code()
    text(client.post(ENROL, {"password": "a guess", "code": code}), 400)
    assert (opens(client), TOTPDevice.objects.count()) == (False, 0)


def test_nobody_enrols_a_second_app_with_the_password_alone(carol: User, app: App) -> None:
    thief = new_browser(carol)
    assert address(thief.get(ENROL)).startswith(FACTOR)
    assert address(thief.post(ENROL, {"password": PASSWORD, "code": "1"})).startswith(FACTOR)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_enrol_at_the_same_moment_one_does(carol: User) -> None:
    clients = [new_browser(carol) for _ in range(4)]
    codes = [App(key_on(client.get(ENROL))).next_code() for client in clients]

    def try_to_enrol(number: int) -> int:
        return clients[number].post(ENROL, {"password": PASSWORD, "code": codes[number]}).status_code

    run_at_once(4, try_to_enrol)
    assert (TOTPDevice.objects.count(), sum(map(opens, clients))) == (1, 1)


def test_the_page_after_a_code_is_an_address_and_no_name(carol: User, app: App) -> None:
    assert address(new_browser(carol).post(FACTOR, {"code": app.next_code(), "next": "x"})) == "x"


def test_a_code_is_good_once(carol: User, app: App) -> None:
    code = app.next_code()
    assert address(new_browser(carol).post(FACTOR, {"code": code})) == "/admin/"
    text(new_browser(carol).post(FACTOR, {"code": code}), 400)


def test_a_recovery_code_is_good_once(carol: User, browser: Client) -> None:
    code = enrol(browser, password=PASSWORD)[1][3]
    assert address(new_browser(carol).post(FACTOR, {"code": f" {code.upper()} "})) == "/admin/"
    text(new_browser(carol).post(FACTOR, {"code": code}), 400)
    assert actions()[-2:] == ["used a recovery code", "failed the second factor"]


def test_recovery_codes_are_shown_once(browser: Client) -> None:
    codes = enrol(browser, password=PASSWORD)[1]
    for page in (ENROL, FACTOR, "/admin/second-factor/change/"):
        answer = browser.get(page, follow=True)
        assert not [code for code in codes if code in answer.content.decode()]


def test_codes_are_guessed_five_times_and_a_password_in_between_helps_nothing(carol: User, app: App) -> None:
    statuses = []
    for _ in range(6):
        client = Client()
        client.post("/admin/login/", {"username": "carol", "password": PASSWORD})
        statuses.append(client.post(FACTOR, {"code": "000000"}).status_code)
    assert statuses == [400] * 5 + [429]
    assert actions().count("failed the second factor") == 5
    right = {"code": app.next_code()}
    assert new_browser(carol).post(FACTOR, right).status_code == 429
    elsewhere = new_browser(carol).post(FACTOR, right, REMOTE_ADDR="192.0.2.7")
    assert address(elsewhere) == "/admin/"


def test_codes_that_are_guessed_from_many_networks_wait_longer_and_longer(carol: User, app: App) -> None:
    name = login_guard.hash_name("second factor of carol")
    for number in range(login_guard.FAILURES_OF_NAME + login_guard.MOST_DOUBLINGS):
        FailedLogin.objects.create(name=name, network=f"198.51.100.{number}", at=Now())
    assert new_browser(carol).post(FACTOR, {"code": app.next_code()}).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_sent_twice_at_the_same_moment_is_good_once(carol: User, app: App) -> None:
    clients, code = [new_browser(carol) for _ in range(4)], app.next_code()
    run_at_once(4, lambda number: clients[number].post(FACTOR, {"code": code}))
    assert sum(map(opens, clients)) == 1


def test_a_lost_phone_is_reset_by_a_superuser_and_its_sessions_open_nothing(
    browser: Client, app: App, carol: User
) -> None:
    dora = User.objects.create_superuser("dora", password=PASSWORD)
    phone = new_browser(dora)
    enrol(phone, password=PASSWORD)
    assert opens(phone)
    choice = {"action": "reset_second_factor", "_selected_action": dora.pk}
    assert "Why" in text(browser.post("/admin/auth/user/", choice))
    assert (
        address(browser.post("/admin/auth/user/", choice | {"reason": "phone lost"})) == "/admin/auth/user/"
    )
    assert not opens(phone)
    assert not StaticToken.objects.filter(device__user=dora).exists()
    reset = StaffAction.objects.get(action="reset a second factor")
    assert (reset.by, reset.target, reset.reason) == ("carol", f"user {dora.pk}", "phone lost")


def test_staff_who_are_no_superusers_reset_nobody(browser: Client, app: App, carol: User) -> None:
    carol.is_superuser = False
    carol.save()
    carol.user_permissions.set(all_permissions_of_users())
    choice = {"action": "reset_second_factor", "_selected_action": carol.pk, "reason": "because"}
    browser.post("/admin/auth/user/", choice)
    assert TOTPDevice.objects.filter(user=carol).exists()


def all_permissions_of_users() -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(content_type__app_label="auth")


def test_a_lost_phone_is_reset_by_a_command_with_a_reason(browser: Client, app: App, carol: User) -> None:
    call_command("reset_second_factor", "carol", "--reason", "phone lost")
    assert not opens(browser)
    assert StaffAction.objects.filter(action="reset a second factor", by__endswith="(command line)").exists()
    for name, reason in (("nobody", "phone lost"), ("carol", " ")):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", name, "--reason", reason)


def test_whoever_has_passed_replaces_the_app_with_a_code_alone(browser: Client, app: App) -> None:
    text(browser.post("/admin/second-factor/change/", {"code": "000000"}), 400)
    assert address(browser.post("/admin/second-factor/change/", {"code": app.next_code()})) == ENROL
    assert not opens(browser)
    assert enrol(browser, password=PASSWORD)[0].key != app.key
    assert opens(browser)


def test_keys_and_recovery_codes_are_on_no_page(browser: Client, app: App) -> None:
    for page in ("/admin/otp_totp/totpdevice/", "/admin/otp_static/staticdevice/"):
        assert browser.get(page).status_code == 404


def test_whoever_has_not_passed_can_log_out(carol: User) -> None:
    client = new_browser(carol)
    client.post("/admin/logout/")
    assert "_auth_user_id" not in client.session


def test_a_shopper_and_a_stranger_find_no_form_for_a_code() -> None:
    for client in (Client(), new_browser(User.objects.create_user("bob"))):
        for page in (FACTOR, ENROL):
            assert address(client.get(page)).startswith("/admin/login/")


def test_without_the_setting_those_who_have_enrolled_need_their_code(carol: User, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = False
    client = new_browser(carol)
    assert opens(client)
    TOTPDevice.objects.create(user=carol)
    assert not opens(client)
