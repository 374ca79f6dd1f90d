"""The tracks of one user's source share a clock and a delay: picture and sound of it stay together (layouts.md 7).

Also the measure of it: for what is on screen and what is in the ear at the same output time, how far apart were they
captured? Written by the network thread (arrivals) and the two output threads (what they show), under one lock.
"""

from __future__ import annotations

import threading
from typing import Final

from openmpu.timing.playout import PlayoutDelay
from openmpu.timing.sender_clock import SenderClock
from openmpu.timing.ticks import MILLISECOND, SECOND

_WEIGHT: Final = 0.05
_FORGOTTEN: Final = 3 * SECOND
_SENSELESS_MS: Final = 10_000
"""One of the two has NTP times and the other has none yet: they cannot be compared."""


class Presented:
    """Mean of (time of presentation minus time of capture) of late, for one kind of track."""

    def __init__(self) -> None:
        self.mean: float | None = None
        self.at = 0

    def note(self, distance: int, pts: int) -> None:
        """One presentation at `pts`."""
        fresh = self.mean is None or pts - self.at > _FORGOTTEN or abs(distance - self.mean) > SECOND
        self.mean = float(distance) if fresh or self.mean is None else self.mean + _WEIGHT * (distance - self.mean)
        self.at = pts


class SyncGroup:
    """What the camera's picture and sound (or the screen's) of one user have in common."""

    def __init__(self) -> None:
        self.sender = SenderClock()
        self.playout = PlayoutDelay()
        self._lock = threading.Lock()
        self._seen, self._heard = Presented(), Presented()

    @property
    def delay(self) -> int:
        """How long its frames are held, in nanoseconds."""
        return self.playout.value

    def note_seen(self, distance: int, pts: int) -> None:
        """A picture was first shown at `pts`, so long after its capture."""
        with self._lock:
            self._seen.note(distance, pts)

    def note_heard(self, distance: int, pts: int) -> None:
        """Sound was mixed for `pts`, so long after its capture."""
        with self._lock:
            self._heard.note(distance, pts)

    def av_offset_ms(self, pts: int) -> float | None:
        """How much later than the picture the sound comes; None unless both are presented now."""
        with self._lock:
            seen, heard = self._seen, self._heard
            if seen.mean is None or heard.mean is None or pts - min(seen.at, heard.at) > _FORGOTTEN:
                return None
            offset = (heard.mean - seen.mean) / MILLISECOND
            return offset if abs(offset) < _SENSELESS_MS else None
