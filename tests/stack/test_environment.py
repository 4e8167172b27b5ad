"""The environment of the processes: ports, keys, files for use by hand."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from stack.failure import CannotRun
from stack.places import ROOT, RUN_VARIABLE
from stack.processes import environment
from stack.processes.environment import (
    PORTS,
    choose_all_ports,
    find_ports,
    make_settings,
    write_environment_files,
)
from stack.processes.keys import keep_keys

SERVERS = {
    "BROKER_URL": "amqp://microstore:secret@127.0.0.1:5672//",
    "LISTINGS_DATABASE_URL": "postgres://127.0.0.1/shop",
    "TRANSACTIONS_DATABASE_URL": "postgres://127.0.0.1/till",
}


@pytest.fixture
def free_ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    ports = choose_all_ports()
    for name, port in ports.items():
        monkeypatch.setenv(name, str(port))
    return ports


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:  # above the range of which ports are chosen
        yield server


def test_every_port_can_be_chosen(free_ports: dict[str, int]) -> None:
    assert find_ports() == free_ports
    assert set(free_ports) == set(PORTS)


def test_one_variable_moves_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "is_free", lambda port: True)
    monkeypatch.setenv("PORT_BASE", "18000")
    monkeypatch.setenv("FLOWER_PORT", "5556")
    ports = find_ports()
    assert ports.pop("FLOWER_PORT") == 5556
    assert ports["LISTINGS_PORT"] == 18000
    assert set(ports.values()) <= {*range(18000, 18000 + len(PORTS))}
    assert len(set(ports.values())) == len(PORTS) - 1


def test_a_base_that_leaves_no_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT_BASE", "65530")
    with pytest.raises(CannotRun, match=r"\A\w+_PORT is not .*: 65536\Z"):
        find_ports()


def test_a_taken_port_is_reported_with_how_to_choose_another(
    free_ports: dict[str, int], listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = listener.getsockname()[1]
    monkeypatch.setenv("FEES_PORT", str(taken))
    with pytest.raises(CannotRun, match=rf"{taken} \(FEES_PORT\).*PORT_BASE=18000 make"):
        find_ports()


def test_one_port_for_two_processes_is_refused(
    free_ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_PORT", str(free_ports["FEES_PORT"]))
    with pytest.raises(CannotRun, match="LIVE_PORT, FEES_PORT"):
        find_ports()


@pytest.mark.parametrize(
    "given", ["0000080000", "000008000", "abc", "0", "65536", "-1", "8000.0", "٨٠٠٠", "9" * 5000]
)
def test_a_port_that_is_none_is_refused_in_one_line(
    free_ports: dict[str, int], monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("LISTINGS_PORT", given)
    with pytest.raises(CannotRun, match=r"\ALISTINGS_PORT is not .*\Z"):
        find_ports()


def test_keys_are_made_once_and_ours_alone_to_read(tmp_path: Path) -> None:
    keys = keep_keys(tmp_path)
    assert keep_keys(tmp_path) == keys
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
    load_pem_private_key(keys["JWT_PRIVATE_KEY"].replace("\\n", "\n").encode(), password=None)


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_a_shell_reads_the_environment_file_as_it_was_meant(tmp_path: Path, service: str) -> None:
    settings = make_settings(tmp_path, servers=SERVERS, ports=PORTS)
    write_environment_files(tmp_path, settings)
    names = "MICROSTORE_SERVICE DATABASE_URL JWT_PUBLIC_KEY LIVE_URL"
    script = f"set -a; . {tmp_path}/{service}.env; printenv {names}"
    said = subprocess.check_output(["sh", "-c", script], text=True).splitlines()
    database = SERVERS[f"{service.upper()}_DATABASE_URL"]
    assert said == [service, database, settings["JWT_PUBLIC_KEY"], "ws://127.0.0.1:8001"]


def test_only_the_listings_service_can_sign_tokens(tmp_path: Path) -> None:
    listings, transactions = write_environment_files(
        tmp_path, make_settings(tmp_path, servers=SERVERS, ports=PORTS)
    )
    assert "PRIVATE KEY" in listings.read_text()
    assert "PRIVATE KEY" not in transactions.read_text()


def test_a_file_that_does_not_fit_stays_as_it_was(tmp_path: Path) -> None:
    (file := tmp_path / "keys.json").write_text("kept")
    write = (
        f"import pathlib, stack.places; stack.places.write_private(pathlib.Path({str(file)!r}), 'x' * 9999)"
    )
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 1; exec "$0" -c "$1"', sys.executable, write],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large" in done.stderr
    assert file.read_text() == "kept"


def test_a_folder_that_takes_no_files_is_named_in_one_line(tmp_path: Path) -> None:
    (file := tmp_path / "taken").touch()
    done = subprocess.run(
        [sys.executable, "-m", "stack", "down"],
        env={**os.environ, RUN_VARIABLE: str(file / "run")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    [line] = done.stderr.split("\n", 1)[1].splitlines()
    assert line.startswith(f"{file}/run")
    assert f"{RUN_VARIABLE}=/another/folder" in line
