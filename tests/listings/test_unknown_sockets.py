"""A WebSocket at an address that is none is closed with a code, and no traceback is logged."""

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.granian import serving

pytestmark = pytest.mark.django_db(transaction=True)


PATHS = ("/ws/", "/ws/nothing/", "/ws/listings", "/ws/%00/", "/", f"/ws/{'x' * 5_000}/")


def test_an_unknown_address_is_closed_and_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with serving("asginl") as server:
        for path in PATHS:
            with (
                connect(f"ws://127.0.0.1:{server.port}{path}") as connection,
                pytest.raises(ConnectionClosed) as closed,
            ):
                connection.recv(timeout=20)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4404, path
    assert "Traceback" not in capfd.readouterr().err
