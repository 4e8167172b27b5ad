"""`make check` names what the files of a deployment lack of a service that is in the registry."""

from pathlib import Path

from microstore.contracts.listings import ORDER_COMPLETED
from microstore.contracts.registration import Listener, Registry
from microstore.contracts.registry import REGISTRY
from tests.support.copied_code import copy_code
from tools.deployment import OF_QUEUE, OF_SERVICE, find_missing

BAKERY = Listener("bakery", bindings=("order.completed",), facts=(ORDER_COMPLETED,))


def test_every_service_and_queue_is_in_every_file() -> None:
    assert list(find_missing(REGISTRY)) == []


def test_of_a_new_service_everything_is_named() -> None:
    new = Registry([ORDER_COMPLETED], listeners={"bakery": BAKERY})
    missing = list(find_missing(new))
    assert len(missing) == len(OF_SERVICE) + len(OF_QUEUE)
    assert "Procfile has no worker of the queue bakery" in missing
    assert "docker-compose.yml has no database of the service bakery" in missing


def test_what_one_file_has_no_more_is_named_alone(tmp_path: Path) -> None:
    for file in (".dockerignore", "Makefile", "Procfile", "docker-compose.yml", "deploy"):
        copy_code(file, tmp_path)
    procfile = tmp_path / "Procfile"
    procfile.write_text(procfile.read_text().replace("worker notifications ", "worker listings "))
    assert list(find_missing(REGISTRY, tmp_path)) == ["Procfile has no worker of the queue notifications"]
