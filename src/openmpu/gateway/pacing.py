"""Packets of one player in small bursts, so that a key frame does not overrun what lies on its way. Bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

BURST: Final = 16
"""Packets at once: a picture between key frames of some 4 Mbit/s."""
EVERY_S: Final = 0.004
"""... and as many again after so long: 4,000 packets a second, 38 Mbit/s."""
MOST: Final = 1_024
"""Packets that may wait: 1.2 MB, two large key frames."""


class Pacer:
    """A queue before a socket.

    Args:
        send: Takes a packet; must not wait.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._waiting: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """Whether another picture may come."""
        return len(self._waiting) < MOST

    def put(self, packets: Iterable[bytes]) -> None:
        """Send, as soon as it is their turn."""
        self._waiting.extend(packets)
        if self._timer is None:
            self._burst()

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        if self._timer:
            self._timer.cancel()

    def _burst(self) -> None:
        self._timer = None
        for _ in range(min(BURST, len(self._waiting))):
            self._send(self._waiting.popleft())
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._burst)
