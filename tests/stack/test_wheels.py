"""PostgreSQL and Valkey of the wheels, where the system has none and where they are asked for."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.failure import CannotRun
from stack.places import make_throw_away_folder
from stack.ports import choose_ports
from stack.servers import debian, wheels
from stack.servers.postgresql import PostgreSQL
from stack.servers.redis import Redis
from stack.servers.wheels import find_postgresql_version, find_postgresql_wheel
from tests.stack.test_servers import run_sql


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_throw_away_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def database(folder: Path) -> Iterator[PostgreSQL]:
    # Named by a word of SQL, as a service may be.
    server = PostgreSQL("order", folder=folder / "shop", port=choose_ports(1)[0], password="crunchy")
    yield server
    server.kill()


def major_version(database: PostgreSQL) -> int:
    [(version,)] = run_sql(database.url, "SHOW server_version_num")
    return int(str(version)) // 10_000


def test_the_wheels_postgresql_serves_where_none_is_installed(
    database: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.servers.postgresql.find_postgresql_folders", dict)
    database.start()
    assert major_version(database) == find_postgresql_version()
    assert run_sql(database.url, "SELECT lower('ÉTAGÈRE'), 'B' < 'a'") == [("étagère", True)]


def test_a_cluster_is_served_by_the_version_that_made_it(
    database: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.from_wheel = True
    database.start()
    database.stop()
    database.from_wheel = False
    monkeypatch.setattr("stack.servers.postgresql.find_postgresql_folders", lambda: {15: Path("/nowhere")})
    database.start()
    assert major_version(database) == find_postgresql_version()


def test_a_cluster_of_a_version_that_is_gone_says_what_to_do(
    database: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.data.mkdir(parents=True)
    (database.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotRun, match="was made by PostgreSQL 9: install it, or `make clean`"):
        database.start()


def test_valkey_serves_where_no_redis_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.servers.redis.find_redis_program", lambda: None)
    server = Redis("cache", folder=folder / "cache", port=choose_ports(1)[0], password="crunchy")
    try:
        server.start()
        assert "valkey-server" in server.command()[0]
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("root", "asked", "missing"),
    [
        (False, "", ["rabbitmq-server"]),
        (True, "wheels", ["rabbitmq-server"]),
        (True, "", ["rabbitmq-server", "postgresql", "redis-server"]),
    ],
)
def test_who_may_not_install_needs_rabbitmq_alone(
    monkeypatch: pytest.MonkeyPatch, root: bool, asked: str, missing: list[str]
) -> None:
    for finder in ("find_rabbitmq_folder", "find_postgresql_folders", "find_redis_program"):
        monkeypatch.setattr(debian, finder, lambda: None)
    monkeypatch.setattr(debian, "_may_install", lambda: root)
    monkeypatch.setenv(wheels.WANTED, asked)
    if root:
        installed: list[list[str]] = []
        monkeypatch.setattr(debian, "_install", installed.append)
        debian.install_missing_packages()
        assert installed == [missing]
    else:
        with pytest.raises(CannotRun, match=f"{missing[0]}$"):
            debian.install_missing_packages()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_a_wheel_that_the_servers_user_cannot_reach_is_copied(
    tmp_path: Path, folder: Path, database: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    installed = find_postgresql_wheel().parents[1]
    for package in (installed, installed.with_suffix(".libs")):
        (tmp_path / package.name).symlink_to(package)
    monkeypatch.setattr(wheels, "_find_package", lambda name: tmp_path / name)
    monkeypatch.setattr(wheels, "make_open_folder", lambda: folder)
    database.from_wheel = True
    database.start()
    assert Path(database.program("postgres")).is_relative_to(folder)
    assert database.answers()
