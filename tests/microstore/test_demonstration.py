"""`manage.py seed` makes users with a known password, and only where somebody has asked for that."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def test_production_makes_no_user_with_a_known_password(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="--known-passwords"):
        call_command("seed")
    assert not User.objects.exists()


def test_a_flag_makes_them_in_production(settings: Settings) -> None:
    settings.DEBUG = False
    call_command("seed", "--known-passwords")
    assert User.objects.get(username="admin").check_password("microstore")


def test_development_needs_no_flag(settings: Settings) -> None:
    settings.DEBUG = True
    call_command("seed")
    assert User.objects.filter(username="admin").exists()
