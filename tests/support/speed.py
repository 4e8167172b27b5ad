"""What would only make tests slow; a service's conftest imports the fixture."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder without files: each client of Django reads the whole folder of static files."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def nothing_slow(settings: Settings, empty_folder: Path) -> None:
    """No search for hundreds of static files by each client, and no password hash that takes a second."""
    settings.STATIC_ROOT = empty_folder
    settings.WHITENOISE_USE_FINDERS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
