"""The servers start whatever the checkout's folder is called."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import places
from stack.places import make_throw_away_folder
from stack.servers.private import RealServers


@pytest.fixture
def open_to_servers() -> Iterator[Path]:
    folder = make_throw_away_folder()
    yield folder
    shutil.rmtree(folder)


NASTY = ("my #1 chairs", "it's mine", 'a"b', "$HOME `id`", "a;b&c", "back\\slash", "50 %", "two\nlines")


@pytest.mark.parametrize("name", NASTY)
def test_no_server_is_put_under_a_name_that_a_configuration_cannot_bear(
    name: str, monkeypatch: pytest.MonkeyPatch, open_to_servers: Path
) -> None:
    monkeypatch.setattr(places, "RUN", open_to_servers / name)
    monkeypatch.setattr(places, "TEMPORARY", open_to_servers / name)
    kept, thrown_away = places.make_servers_folder("services"), places.make_throw_away_folder()
    assert kept in places.servers_folders("services")
    assert name not in f"{kept} {thrown_away}"
    for folder in (places.open_folder(), thrown_away):
        shutil.rmtree(folder)


def test_the_servers_of_a_checkout_with_a_nasty_name_start(
    monkeypatch: pytest.MonkeyPatch, open_to_servers: Path
) -> None:
    monkeypatch.setattr(places, "RUN", open_to_servers / 'it\'s my #1 "chairs"')
    servers = RealServers.at(places.make_servers_folder("services"))
    try:
        servers.start()
        assert [server.answers() for server in servers.all] == [True] * 4
    finally:
        servers.kill()
        shutil.rmtree(places.open_folder(), ignore_errors=True)
