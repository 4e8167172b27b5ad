"""Production refuses to start on what everybody knows, unless it is told that nobody comes."""

import pytest

from tests.support.compose_file import environment_of, given_keys, read_settings

KEYS = given_keys()
DEFAULTS = {
    "BROKER_URL": "amqp://guest:guest@rabbitmq:5672//",
    "DATABASE_URL": "postgres://microstore_app:password@listings-db/listings",
    "SECRET_KEY": "secret",
    "ALLOWED_HOSTS": "*",
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_keeps_the_service_from_starting_and_is_named(name: str) -> None:
    read = read_settings(environment_of("listings-api", **KEYS) | {name: DEFAULTS[name]})
    assert read.returncode != 0
    assert f"This is production (DEBUG is off), but {name}" in read.stderr


@pytest.mark.parametrize("switch", ["ALLOW_DEFAULTS", "DEBUG"])
def test_throw_away_servers_may_have_them_all(switch: str) -> None:
    read = read_settings(environment_of("listings-api", **KEYS) | DEFAULTS | {switch: "1"})
    assert read.returncode == 0, read.stderr


def test_a_switch_that_is_off_allows_nothing() -> None:
    read = read_settings(environment_of("listings-api", **KEYS) | DEFAULTS | {"ALLOW_DEFAULTS": "0"})
    assert all(name in read.stderr for name in DEFAULTS)


def test_a_database_that_is_not_postgresql_is_refused_by_name() -> None:
    read = read_settings(environment_of("listings-api", **KEYS) | {"DATABASE_URL": "sqlite:///shop"})
    assert "DATABASE_URL is no postgres://" in read.stderr
