"""What is let in of a track: a stranger sends it, so rate and size have bounds whatever they send."""

from __future__ import annotations

from typing import Final

from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import SECOND

MOST_PER_S: Final = 130
"""Frames: a camera of 60 a second with bursts, Opus packets of 10 ms. More costs others their time."""

MOST_BYTES: Final = 16 << 20
"""Waiting in one track's list: two seconds of 60 Mbit/s."""


class Gate:
    """Counts what it refuses; after refusing it waits for a key frame.

    Attributes:
        held: Bytes in the list behind it.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.held = 0
        self._second = 0
        self._frames = 0
        self._shut = False

    def lets(self, frame: EncodedFrame, arrival: int, waiting: int) -> bool:
        """Whether the frame may come in.

        Args:
            frame: It.
            arrival: In task time.
            waiting: How many frames are in the list: an empty one holds nothing.
        """
        self._count(arrival)
        if not waiting:
            self.held = 0
        too_much = self._frames > MOST_PER_S or self.held + len(frame.data) > MOST_BYTES
        self._shut = too_much or (self._shut and not frame.key)
        if self._shut:
            self.refused += 1
            return False
        self.held += len(frame.data)
        return True

    def _count(self, arrival: int) -> None:
        second = arrival // SECOND
        if second != self._second:
            self._second, self._frames = second, 0
        self._frames += 1
