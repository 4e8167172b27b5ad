"""Keys rotate: whoever verifies knows several, by their names."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import InvalidToken

from microstore.auth.authentication import TokenAuthentication
from microstore.auth.keys import FetchedKeys, KeyRing, PublicKeys, UnknownKey, as_jwks
from tests.support.environment import make_key_pair
from tests.support.tokens import claims_of

OLD, NEW = make_key_pair(), make_key_pair()


def ring(private: str, *public: str) -> KeyRing:
    return KeyRing("RS256", private, "\n".join(public), issuer="microstore")


def test_while_keys_change_tokens_of_both_are_believed() -> None:
    signed_before = ring(OLD[0], OLD[1]).encode(claims_of(1))
    signed_after = ring(NEW[0], NEW[1]).encode(claims_of(2))
    verifier = ring("", OLD[1], NEW[1])
    assert verifier.read(signed_before)["user_id"] == "1"
    assert verifier.read(signed_after)["user_id"] == "2"


def test_once_a_key_is_taken_away_its_tokens_are_worth_nothing() -> None:
    token = ring(OLD[0], OLD[1]).encode(claims_of(1))
    with pytest.raises(Exception, match="Token is invalid"):
        ring("", NEW[1]).read(token)


def test_another_keys_name_does_not_help_a_forger() -> None:
    name = ring(OLD[0], OLD[1]).signing_kid
    forged = jwt.encode(claims_of(1), NEW[0], "RS256", headers={"kid": name})
    with pytest.raises(Exception, match="Token is invalid"):
        ring("", OLD[1], NEW[1]).read(forged)


def test_no_key_is_parsed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ring(OLD[0], OLD[1])
    token = keys.encode(claims_of(1))
    keys.read(token)
    monkeypatch.setattr("microstore.auth.keys.load_pem_public_key", None)
    monkeypatch.setattr("jwt.algorithms.load_pem_private_key", None)
    keys.read(keys.encode(claims_of(1)))


class Published(http.server.BaseHTTPRequestHandler):
    """The address at which somebody publishes keys."""

    body = b""
    asked = 0
    trick = ""
    hung_up = threading.Event()

    def do_GET(self) -> None:
        type(self).asked += 1
        if self.trick == "redirects" and self.path != "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.hung_up.set()
            return
        self.send_response(200 if self.body else 500)
        self.end_headers()
        self._write()

    def _write(self) -> None:
        try:
            match self.trick:
                case "drips":
                    while True:
                        self.wfile.write(b" ")
                        self.hung_up.wait(0.05)
                case "never ends":
                    while True:
                        self.wfile.write(b" " * 65_536)
                case "is nested deep":
                    self.wfile.write(b"[" * 100_000)
                case _:
                    self.wfile.write(self.body)
        except OSError:
            pass
        self.hung_up.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publisher(settings: Settings) -> Iterator[tuple[type[Published], str]]:
    handler = type("Publisher", (Published,), {"body": b"", "asked": 0})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
        server.shutdown()
        thread.join()


def publish(handler: type[Published], *public: str) -> None:
    handler.body = json.dumps(as_jwks(PublicKeys("\n".join(public)).keys)).encode()


def test_keys_are_fetched_once_and_again_when_one_is_missing(
    publisher: tuple[type[Published], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = publisher
    publish(handler, OLD[1])
    old, new = (ring(*pair).signing_kid for pair in (OLD, NEW))
    keys = FetchedKeys(url)
    for _ in range(3):
        assert keys.find(old) == keys.find(None)
    publish(handler, OLD[1], NEW[1])
    for made_up in (new, "made up", "made up again"):
        with pytest.raises(UnknownKey):
            keys.find(made_up)
    assert handler.asked == 1
    monkeypatch.setattr("microstore.auth.keys.FETCH_AT_MOST_EVERY_SECONDS", 0)
    assert keys.find(new)
    assert handler.asked == 2


def test_what_is_known_stays_known_while_the_publisher_is_away(
    publisher: tuple[type[Published], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = publisher
    publish(handler, OLD[1])
    keys = FetchedKeys(url)
    known = keys.find(None)
    monkeypatch.setattr("microstore.auth.keys.FETCH_EVERY_SECONDS", 0)
    for handler.body in (b"", b'{"keys": []}'):
        assert keys.find(None) == known
    assert handler.asked == 3


@pytest.mark.parametrize("trick", ["redirects", "drips", "never ends", "is nested deep"])
def test_a_publisher_that_misbehaves_changes_nothing_and_holds_nobody_up(
    publisher: tuple[type[Published], str], monkeypatch: pytest.MonkeyPatch, trick: str
) -> None:
    handler, url = publisher
    publish(handler, OLD[1])
    keys = FetchedKeys(url)
    known = keys.find(None)
    handler.trick, handler.hung_up = trick, threading.Event()
    publish(handler, NEW[1])
    monkeypatch.setattr("microstore.auth.keys.FETCH_EVERY_SECONDS", 0)
    monkeypatch.setattr("microstore.auth.keys.FETCH_TIMEOUT_SECONDS", (2.0, 0.3))
    assert keys.find(None) == known
    assert handler.hung_up.wait(20)


def test_a_token_is_not_remembered_longer_than_its_key(
    publisher: tuple[type[Published], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = publisher
    publish(handler, OLD[1], NEW[1])
    verifier = ring("")
    verifier.public_keys = FetchedKeys(url)
    for user in ("microstore.auth.authentication.key_ring", "microstore.auth.tokens.key_ring"):
        monkeypatch.setattr(user, lambda: verifier)
    withdrawn, kept = (ring(*pair).encode(claims_of(1)) for pair in (OLD, NEW))
    remembered = {token: who_is(token) for token in (withdrawn, kept)}
    assert who_is(withdrawn) is remembered[withdrawn]

    publish(handler, NEW[1])
    assert who_is(withdrawn) is remembered[withdrawn]
    monkeypatch.setattr("microstore.auth.keys.FETCH_EVERY_SECONDS", 0)
    with pytest.raises(InvalidToken):
        who_is(withdrawn)
    assert who_is(kept) is not remembered[kept]
    assert who_is(kept) is who_is(kept)


def who_is(token: str) -> Any:
    bearer = TokenAuthentication().authenticate(
        Request(RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"}))
    )
    assert bearer
    return bearer[0]
