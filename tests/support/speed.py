"""What would only make tests slow; a service's conftest imports the fixture."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def nothing_slow(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No search for hundreds of static files by each client, and no password hash that takes a second."""
    settings.STATIC_ROOT = tmp_path_factory.getbasetemp()
    settings.WHITENOISE_USE_FINDERS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
