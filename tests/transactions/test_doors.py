"""Doors of the transactions service: the admin's, and the API's, which takes access tokens alone."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from microstore.staff import login_guard
from microstore.staff.models import FailedLogin, StaffAction
from tests.support.password_doors import ADMIN_DOORS, RIGHT, WRONG, admin_change, browser_of
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

DOORS = list(ADMIN_DOORS.values())
BETTER = "a lighthouse in fog"
Door = Callable[..., int]


@pytest.fixture
def carol() -> User:
    return User.objects.create_superuser("carol", password=RIGHT)


def test_the_api_takes_no_password_and_no_token_in_a_body() -> None:
    """Whoever adds an operation that does adds its rules here, as tests/listings/test_doors.py has them."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]  # drf-spectacular's
    assert not [path for path, operations in paths.items() if operations.keys() - {"get"}]


@pytest.mark.parametrize("door", DOORS)
def test_after_five_failures_a_right_password_is_refused_and_elsewhere_it_is_not(
    carol: User, door: Door
) -> None:
    assert [door("carol", WRONG) for _ in range(6)] == [401] * 5 + [429]
    assert {each("carol", RIGHT) for each in DOORS} == {429}
    assert door("carol", RIGHT, REMOTE_ADDR="192.0.2.7") == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_is_guessed_from_many_networks_waits(carol: User, door: Door) -> None:
    FailedLogin.objects.bulk_create(
        FailedLogin(name=login_guard.hash_name("carol"), network=f"198.51.100.{number}", at=Now())
        for number in range(login_guard.FAILURES_OF_NAME + login_guard.MOST_DOUBLINGS)
    )
    assert door("carol", RIGHT) == 429


@pytest.mark.parametrize("door", DOORS)
def test_an_attempt_is_a_staff_action(carol: User, door: Door) -> None:
    door("carol", WRONG)
    door("carol", RIGHT)
    tried = StaffAction.objects.filter(action__in=("failed to log in", "logged in"), by="carol")
    assert list(tried.order_by("id").values_list("action", flat=True)) == ["failed to log in", "logged in"]


@pytest.mark.parametrize("door", DOORS)
def test_no_door_opens_to_a_suspended_account(carol: User, door: Door) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert door("carol", RIGHT) == 401


def test_whoever_sets_a_password_ends_the_sessions_of_the_one_before(carol: User) -> None:
    browser = browser_of("carol")
    assert browser.get("/admin/").status_code == 200
    admin_change("carol", RIGHT)
    assert browser.get("/admin/").status_code == 302
    other = User.objects.create_superuser("dora")
    before = browser_of("carol")
    body = {"usable_password": "true", "password1": BETTER, "password2": BETTER}
    assert browser_of(other.username).post(f"/admin/auth/user/{carol.pk}/password/", body).status_code == 302
    assert before.get("/admin/").status_code == 302


@pytest.mark.parametrize("kind", ["refresh", "live"])
def test_a_token_of_another_kind_opens_nothing(kind: str) -> None:
    def ask(token_type: str) -> int:
        text = sign(claims_of(7, token_type=token_type))
        return APIClient(headers={"Authorization": f"Bearer {text}"}).get("/api/transactions/").status_code

    assert ask("access") == 200
    assert ask(kind) == 401
