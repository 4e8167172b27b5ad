"""A process ends when it is told to, whatever it is doing."""

import signal
import threading
from collections.abc import Iterator

import pytest

from microstore.messaging.shutdown import set_on_signals

TOLD = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    before = {sign: signal.getsignal(sign) for sign in TOLD}
    event = threading.Event()
    set_on_signals(event)
    yield event
    for sign, handler in before.items():
        signal.signal(sign, handler)


@pytest.mark.parametrize("sign", TOLD)
@pytest.mark.timeout(30)
def test_a_signal_is_heard_in_the_middle_of_going_to_sleep(stopping: threading.Event, sign: int) -> None:
    """`wait` holds the event's lock for a moment; a signal may come just then."""
    with stopping._cond:  # type: ignore[attr-defined]  # not in typeshed
        signal.raise_signal(sign)
    assert stopping.wait(30)
