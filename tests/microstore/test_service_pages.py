"""Pages of either service for engineers and probes, and what its process has installed."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from pytest_django import Settings

from microstore.contracts.registry import SERVICES
from microstore.staff.messages import figures
from microstore.telemetry import health
from stack.waiting import wait_until
from tests.support.ports import closed_port

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/api/docs/", "/api/redoc/"])
def test_the_documentation_opens_and_asks_nobody_else(client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200
    assert "://" not in answer.content.decode()


def test_the_process_lives_and_is_ready(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "database": "ok"})


@pytest.mark.django_db(transaction=True)
def test_without_its_database_the_process_lives_and_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closed_port() as port, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", port)
        connection.close()
        assert client.get("/health/live").status_code == 200
        assert wait_until(lambda: client.get("/health/ready").status_code == 503, timeout_seconds=30)
    assert wait_until(lambda: client.get("/health/ready").status_code == 200, timeout_seconds=30)


def test_many_who_ask_whether_it_is_ready_cost_one_look(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []

    def check() -> str:
        looks.append(None)
        return "ok"

    monkeypatch.setitem(health.CHECKS, "api", {"database": check})
    monkeypatch.setattr(health, "_last", None)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: client.get("/health/ready").status_code, range(50)))
    assert statuses == [200] * 50
    assert len(looks) <= 2


def test_the_admins_own_files_are_served(client: Client, settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    response = client.get("/static/admin/css/base.css")
    assert response.status_code == 200
    response.close()


def test_only_one_service_is_in_this_process() -> None:
    installed = [service for service in SERVICES if service in django_settings.INSTALLED_APPS]
    assert installed == [django_settings.SERVICE]


@pytest.mark.parametrize(("debug", "shown"), [(False, True), (True, False)])
def test_staff_miss_no_relay_where_development_may_have_no_rabbitmq(
    settings: Settings, debug: bool, shown: bool
) -> None:
    settings.DEBUG = debug
    assert ("relay last seen" in {figure.label for figure in figures()}) == shown
