"""A cable that takes its time, each way another one: two network interfaces, and this program between them.

Linux delays packets by netem, which is not in every kernel.
"""

import contextlib
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
TAP_WITHOUT_HEADER = 0x1002
LARGEST_FRAME_BYTES = 65_536


class End:
    """One interface, and the frames that are on their way to it with the time at which each arrives."""

    def __init__(self, name: str, *, delay_seconds: float) -> None:
        self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.file, TUNSETIFF, struct.pack("16sH", name.encode(), TAP_WITHOUT_HEADER))
        self.delay_seconds = delay_seconds
        self.coming: deque[tuple[float, bytes]] = deque()

    def carry_to(self, other: "End") -> None:
        """Take a frame, which arrives at the other end after that end's delay."""
        frame = os.read(self.file, LARGEST_FRAME_BYTES)
        other.coming.append((time.monotonic() + other.delay_seconds, frame))

    def deliver(self) -> float | None:
        """Hand over what has arrived; return the seconds until the next frame does, None if none comes."""
        while self.coming:
            waiting_seconds = self.coming[0][0] - time.monotonic()
            if waiting_seconds > 0:
                return waiting_seconds
            frame = self.coming.popleft()[1]
            # An interface that is not up yet takes none; what it loses is sent again.
            with contextlib.suppress(OSError):
                os.write(self.file, frame)
        return None


def carry(near: End, far: End) -> None:
    """Carry frames between both ends until the program is killed."""
    others = {near.file: (near, far), far.file: (far, near)}
    while True:
        waits = [wait for end in (near, far) if (wait := end.deliver()) is not None]
        readable, _, _ = select.select(list(others), [], [], min(waits, default=None))
        for file in readable:
            here, there = others[file]
            here.carry_to(there)


if __name__ == "__main__":
    near_name, far_name, to_seconds, from_seconds = sys.argv[1:]
    carry(End(near_name, delay_seconds=float(to_seconds)), End(far_name, delay_seconds=float(from_seconds)))
