"""How a player's path feels, from what it reports: whether pictures should be held back for a while. Pure.

What is played is encoded once for everybody, so it cannot be made smaller for one. A player that keeps losing much is
given no pictures up to a key frame after a pause, which lets its path drain; sound goes on.
"""

from __future__ import annotations

SECOND = 1_000_000_000
MUCH = 64
"""Of 256 lost in one report (RFC 3550 6.4.1): a quarter, more than retransmission mends."""
REPORTS = 2
"""In a row."""
PAUSE = 2 * SECOND


class Feeling:
    """Of one player's pictures.

    Attributes:
        pauses: How often pictures were held back.
    """

    def __init__(self) -> None:
        self.pauses = 0
        self._bad = 0
        self._until = 0

    def reported(self, fraction_lost: int, now: int) -> None:
        """A report block about the pictures came; reports about a pause say nothing."""
        if now < self._until:
            return
        self._bad = self._bad + 1 if fraction_lost >= MUCH else 0
        if self._bad >= REPORTS:
            self._bad, self._until = 0, now + PAUSE
            self.pauses += 1

    def pauses_now(self, now: int) -> bool:
        """Whether pictures are held back."""
        return now < self._until
