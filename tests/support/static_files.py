"""Fixtures about the files that WhiteNoise serves; a service's conftest imports them."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def no_static_files(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test client would search all apps for hundreds of files; a test that wants them says so."""
    settings.STATIC_ROOT = tmp_path_factory.getbasetemp()
    settings.WHITENOISE_USE_FINDERS = False
