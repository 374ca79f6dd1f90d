"""Another machine's wall clock in ours: the gateway stamps arrivals, the worker lives by its own clock.

The least difference between a stamp and the moment it was read is the bridge; both clocks may be set by hand, so only
the last seconds count.
"""

from __future__ import annotations

from openmpu.timing.minimum import SlidingMinimum
from openmpu.timing.ticks import SECOND

_SPAN = 4 * SECOND
_MAX_LATE = 10 * SECOND


class ClockBridge:
    """From stamps of one gateway to our time."""

    def __init__(self) -> None:
        self._difference = SlidingMinimum(_SPAN)

    def local(self, stamp: int, now: int) -> int:
        """When `stamp` was, in our time; never after `now`, when it was read."""
        least = self._difference.value
        if least is not None and now - stamp - least > _MAX_LATE:
            self._difference.clear()
        return min(now, stamp + self._difference.put(now, now - stamp))
