"""The least value seen of late: how network delay is told from clock difference.

A packet may be late but never early, so the least transit time over some seconds is the one to trust. The span is
bounded so that the minimum follows a clock that drifts either way. Memory is one number per bucket.
"""

from __future__ import annotations

from collections import deque

from openmpu.timing.ticks import SECOND

SPAN = 10 * SECOND
BUCKET = SECOND // 2


class SlidingMinimum:
    """The least value put in during the last `span` nanoseconds, in steps of `bucket`."""

    def __init__(self, span: int = SPAN, bucket: int = BUCKET) -> None:
        self._span, self._bucket = span, bucket
        self._least: deque[tuple[int, int]] = deque()

    def put(self, at: int, value: int) -> int:
        """Take a value seen `at`; the minimum now."""
        slot = at // self._bucket
        while self._least and self._least[-1][1] >= value:
            self._least.pop()
        if not self._least or self._least[-1][0] < slot:
            self._least.append((slot, value))
        while self._least and self._least[0][0] <= slot - self._span // self._bucket:
            self._least.popleft()
        return self._least[0][1]

    @property
    def value(self) -> int | None:
        """The minimum as of the last `put`; None before the first."""
        return self._least[0][1] if self._least else None

    def clear(self) -> None:
        """Forget everything: what is measured has changed by itself."""
        self._least.clear()
