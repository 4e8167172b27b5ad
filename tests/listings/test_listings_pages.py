"""Pages for engineers and probes."""

import pytest
import yaml
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.support.ports import closed_port

pytestmark = pytest.mark.django_db


def test_the_schema_names_every_address(anybody: APIClient) -> None:
    response = anybody.get("/api/schema/")
    assert response.status_code == 200
    paths = yaml.safe_load(response.content)["paths"]
    assert set(paths) >= {
        "/api/auth/register/",
        "/api/auth/token/",
        "/api/auth/token/refresh/",
        "/api/listings/",
        "/api/listings/{id}/",
        "/api/listings/{id}/buy/",
        "/api/orders/",
        "/api/orders/{id}/",
    }
    buy = paths["/api/listings/{id}/buy/"]["post"]
    assert "202" in buy["responses"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in buy["parameters"]}


@pytest.mark.parametrize("url", ["/api/docs/", "/api/redoc/"])
def test_the_documentation_opens_and_asks_nobody_else(anybody: APIClient, url: str) -> None:
    answer = anybody.get(url)
    assert answer.status_code == 200
    assert "://" not in answer.content.decode()


def test_the_process_lives_and_is_ready(anybody: APIClient) -> None:
    assert anybody.get("/health/live").json() == {"status": "ok"}
    ready = anybody.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "database": "ok"})


@pytest.mark.django_db(transaction=True)
def test_without_its_database_the_process_lives_and_is_not_ready(
    anybody: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closed_port() as port, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", port)
        connection.close()
        assert anybody.get("/health/live").status_code == 200
        assert anybody.get("/health/ready").status_code == 503
    assert anybody.get("/health/ready").status_code == 200


def test_the_admins_own_files_are_served(settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    response = Client().get("/static/admin/css/base.css")
    assert response.status_code == 200
    response.close()


def test_only_the_listings_service_is_in_this_process() -> None:
    assert "listings" in django_settings.INSTALLED_APPS
    assert "transactions" not in django_settings.INSTALLED_APPS
