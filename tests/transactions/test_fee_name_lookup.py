"""No name server answers: a fee call ends within its deadline all the same, and the circuit opens."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pytest_django import Settings

from microstore.http.circuit_breaker import CircuitOpen
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from transactions import fee_client
from transactions.fee_client import FeesUnavailable, fetch_quotes

# Longer than this test may take: glibc alone would wait for two minutes and a half.
PATIENT = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"
CALLS = """
import socket
import django
django.setup()
from django.conf import settings
from tests.support.breakers import lasting_breaker
from tests.support.messages import order_created
from transactions import fee_client
from transactions.fee_client import fetch_quotes
fee_client.breaker = lasting_breaker()
settings.FEES_URL = "http://fees.shop.example:8003/"
settings.FEES_TIMEOUT_SECONDS = (0.3, 0.3)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
for _ in range(4):
    try:
        fetch_quotes([order_created()])
    except Exception as error:
        print(type(error).__name__, error)
print("asked", len(silent.recv(512)) > 0)
"""
NAMESPACE = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root for a namespace")
@pytest.mark.timeout(120)
def test_a_silent_name_server_opens_the_circuit_and_the_process_ends(tmp_path: Path) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(PATIENT)
    program = [sys.executable, "-c", CALLS]
    ended = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", NAMESPACE, "sh", str(resolver), *program],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr
    *calls, refused, asked = ended.stdout.splitlines()
    assert len(calls) == 3
    assert all("No name server has answered for fees.shop.example" in call for call in calls), calls
    assert refused.endswith("its circuit is open.")
    assert asked == "asked True"


def test_a_lookup_that_never_ends_counts_for_the_breaker(
    fee_post: FeePost, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FEES_TIMEOUT_SECONDS = (0.1, 0.1)
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait() and [])
    try:
        for _ in range(3):
            with pytest.raises(FeesUnavailable, match="No name server"):
                fetch_quotes([order_created()])
        with pytest.raises(CircuitOpen), fee_client.breaker.guard():
            pass
    finally:
        answered.set()


def test_a_name_that_is_unknown_is_an_outage(fee_post: FeePost, settings: Settings) -> None:
    settings.FEES_URL = "http://fees.invalid/"  # RFC 6761: no such name exists
    with pytest.raises(FeesUnavailable):
        fetch_quotes([order_created()])
    assert fee_post.questions == []


def test_the_next_address_is_tried_where_the_first_refuses(
    fee_post: FeePost, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = fee_post.url.rstrip("/").rpartition(":")[2]
    settings.FEES_URL = f"http://fees.shop.example:{port}/"
    real = socket.getaddrinfo
    entries = [real(host, int(port), type=socket.SOCK_STREAM)[0] for host in ("127.0.0.2", "127.0.0.1")]
    named = {"fees.shop.example": entries}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **b: named.get(host) or real(host, *a, **b))
    assert len(fetch_quotes([order_created()])) == 1
    assert len(fee_post.questions) == 1
