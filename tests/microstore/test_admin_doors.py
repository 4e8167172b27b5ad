"""Every page of the admin that asks for a password or a code has its rules, in both services."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django_otp.plugins.otp_totp.models import TOTPDevice

from microstore.staff import login_guard
from microstore.staff.models import FailedLogin, StaffAction
from tests.support.password_doors import (
    ADMIN_DOORS,
    ADMIN_RULES,
    CODES,
    GUARDED,
    admin_doors,
    browser_of,
    of_form,
)
from tests.support.second_factor import App

pytestmark = pytest.mark.django_db

CODE_DOORS = [door for door, rules in ADMIN_RULES.items() if rules >= CODES]


@pytest.fixture
def device() -> TOTPDevice:
    """Carol's."""
    return TOTPDevice.objects.create(user=User.objects.create_superuser("carol"))


def knock(door: str, code: str, *, device: TOTPDevice, **meta: Any) -> int:
    browser = browser_of("carol")
    if door.endswith("change/"):  # for those who have passed before
        session = browser.session
        session["otp_device_id"] = device.persistent_id
        session.save()
    response: Any = browser.post(door, {"code": code}, **meta)
    return 401 if response.status_code == 400 else of_form(response)


def right_code(device: TOTPDevice) -> str:
    app = App("")
    app.key = device.bin_key
    return app.next_code()


def test_every_door_of_the_admin_has_its_rules() -> None:
    """A new one needs a row, and what is in it is tried here and by the test_doors.py of each service."""
    assert admin_doors() == ADMIN_RULES.keys()
    assert {door for door, rules in ADMIN_RULES.items() if rules >= GUARDED} == ADMIN_DOORS.keys()


@pytest.mark.parametrize("door", CODE_DOORS)
def test_a_door_of_codes_counts_and_records_wrong_ones(device: TOTPDevice, door: str) -> None:
    statuses = [knock(door, "000000", device=device) for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert knock(door, right_code(device), device=device) == 429
    assert knock(door, right_code(device), device=device, REMOTE_ADDR="192.0.2.7") == 200
    assert StaffAction.objects.filter(by="carol", action="failed the second factor").count() == 5


@pytest.mark.parametrize("door", CODE_DOORS)
def test_a_door_of_codes_that_are_guessed_from_many_networks_waits(device: TOTPDevice, door: str) -> None:
    FailedLogin.objects.bulk_create(
        FailedLogin(
            name=login_guard.hash_name("second factor of carol"), network=f"198.51.100.{number}", at=Now()
        )
        for number in range(login_guard.FAILURES_OF_NAME + login_guard.MOST_DOUBLINGS)
    )
    assert knock(door, right_code(device), device=device) == 429


@pytest.mark.parametrize("door", CODE_DOORS)
def test_no_door_of_codes_opens_to_a_suspended_account(device: TOTPDevice, door: str) -> None:
    User.objects.update(is_active=False)
    assert knock(door, right_code(device), device=device) == 401
