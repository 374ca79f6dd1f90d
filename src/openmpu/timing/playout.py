"""How long frames are held so that late ones still come in time: one delay for all tracks of a user's source.

Lateness is how much later than its track time a frame arrived. The delay covers all but the worst two percent of the
last frames, plus a margin. It grows at once (what is late is late) and comes down by 5 ms per s, the rate that no
ear hears.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from openmpu.timing.sender_clock import MAX_SPREAD
from openmpu.timing.slewing import STEADY_PER_S, slew
from openmpu.timing.ticks import MILLISECOND, SECOND

LEAST: Final = 40 * MILLISECOND
START: Final = 80 * MILLISECOND
MOST: Final = MAX_SPREAD + 100 * MILLISECOND
"""Whoever is late by what a sender's tracks may differ in is still heard: sound is wanted 65 ms before its time, and
there is the margin."""
MARGIN: Final = 15 * MILLISECOND
COVERED: Final = 0.98
_KEPT: Final = 512
_EACH: Final = 200 * MILLISECOND


class PlayoutDelay:
    """Learns from every frame of every track of the group."""

    def __init__(self, start: int = START) -> None:
        self.value = start
        self._lateness: deque[int] = deque(maxlen=_KEPT)
        self._looked_at: int | None = None

    def hear(self, lateness: int, at: int) -> int:
        """Take one frame's lateness (arrival minus track time); the delay now."""
        self._lateness.append(max(0, lateness))
        if self._looked_at is None:
            self._looked_at = at
        if at - self._looked_at >= _EACH:
            self._adapt(at - self._looked_at)
            self._looked_at = at
        return self.value

    def wanted(self) -> int:
        """What would have covered the frames of late."""
        ordered = sorted(self._lateness)
        covered = ordered[min(len(ordered) - 1, int(len(ordered) * COVERED))] if ordered else 0
        return max(LEAST, min(MOST, covered + MARGIN))

    def _adapt(self, elapsed: int) -> None:
        wanted = self.wanted()
        self.value = wanted if wanted > self.value else slew(self.value, wanted, min(elapsed, SECOND), STEADY_PER_S)
