"""Frames of a WebSocket that arrive in pieces."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.feed import TEXT, split_frames
from benchmarks.load import is_whole


def frame(payload: bytes) -> bytes:
    """Return a frame as a server sends it: RFC 6455, section 5.2."""
    length = len(payload)
    if length < 126:
        return bytes([0x81, length]) + payload
    if length < 1 << 16:
        return bytes([0x81, 126]) + struct.pack(">H", length) + payload
    return bytes([0x81, 127]) + struct.pack(">Q", length) + payload


@given(
    sizes=st.lists(st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536]), max_size=4),
    cuts=st.lists(st.integers(0, 300_000), max_size=6),
)
def test_frames_are_the_same_however_they_are_cut(sizes: list[int], cuts: list[int]) -> None:
    payloads = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    stream = b"".join(map(frame, payloads))
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    found, rest, position = [], b"", 0
    for end in ends:
        frames, rest = split_frames(rest + stream[position:end])
        found += frames
        position = end
    assert found == [(TEXT, payload) for payload in payloads]
    assert rest == b""


def test_an_answer_is_whole_with_the_last_byte_of_its_body() -> None:
    answer = b'HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\nX-Trace-Id: 1\r\n\r\n{"id": 1}'
    assert [end for end in range(len(answer) + 1) if is_whole(answer[:end])] == [len(answer)]
