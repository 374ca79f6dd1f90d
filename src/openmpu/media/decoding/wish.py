"""When to ask a publisher for a key frame: soon enough to be seen, seldom enough not to drown them."""

from __future__ import annotations

from typing import Final

from openmpu.timing.ticks import MILLISECOND, SECOND

ASK_EVERY: Final = 500 * MILLISECOND
"""At most one request for a key frame in this time at first ..."""
ASK_AT_LEAST_EVERY: Final = 2 * SECOND
"""... doubling up to this."""


class KeyFrameWish:
    """After 0.5 s (one was asked for with the subscription), then after 1 s, then every 2 s."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._pause = ASK_EVERY

    def ask(self, pts: int) -> bool:
        """Whether to ask now."""
        if self._next is None:
            self._next = pts + ASK_EVERY
        if pts < self._next:
            return False
        self._next = pts + self._pause
        self._pause = min(2 * self._pause, ASK_AT_LEAST_EVERY)
        return True

    def fulfilled(self) -> None:
        """A picture came; the pace of asking begins anew, but not the time of the next one."""
        self._pause = ASK_EVERY
