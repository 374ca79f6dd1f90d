"""How much CPU the decoding of one track may take: a stranger chooses how hard their pictures are (security.md S14).

What is decoded lazily, in the thread that paints, is taken from everybody else in the task. So a track that takes more
than its share for some seconds is set aside for a while, each time for longer; its pane shows the placeholder then.
Reads no clock.
"""

from __future__ import annotations

from typing import Final

from openmpu.timing.ticks import SECOND

SHARE: Final = 0.9
"""Of one core. Measured, at 30 a second: 0.09 (H.264) and 0.15 (VP8) for 1920x1080, 0.3 and 0.6 for 3840x2160."""
CREDIT: Final = SECOND
"""Nanoseconds of CPU beyond the share that a moment may take: a list of pictures that had waited, a large key frame."""
FIRST_ASIDE: Final = 5 * SECOND
MOST_ASIDE: Final = 60 * SECOND


class DecodingBudget:
    """One track's. Times are the task's, in nanoseconds.

    Attributes:
        times: How often the track was set aside.
    """

    def __init__(self) -> None:
        self.times = 0
        self._owed = 0
        self._at: int | None = None
        self._until: int | None = None
        self._aside = FIRST_ASIDE

    def spend(self, cost: int, pts: int) -> None:
        """A frame took `cost` nanoseconds of CPU to decode."""
        elapsed = 0 if self._at is None else max(0, pts - self._at)
        self._at = pts
        self._owed = max(0, self._owed - int(elapsed * SHARE)) + cost
        if self._owed > CREDIT:
            self._set_aside(pts)

    def allows(self, pts: int) -> bool:
        """Whether the track may be decoded now."""
        return self._until is None or pts >= self._until

    def _set_aside(self, pts: int) -> None:
        """For twice as long each time, unless the last time is long past."""
        if self._until is not None:
            again = pts - self._until < MOST_ASIDE
            self._aside = min(2 * self._aside, MOST_ASIDE) if again else FIRST_ASIDE
        self._until = pts + self._aside
        self._owed = 0
        self.times += 1
