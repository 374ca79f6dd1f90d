"""Decoded sound of one track, without holes: packets laid down by their own time, gaps made up.

Positions are samples of the track's own clock (48 kHz). What is read may be a little after what was laid down last: the
timeline then makes up what is missing, and blends true sound in when it comes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from openmpu.media.sound.blocks import CHANNELS, SAMPLE_RATE, Samples, silence
from openmpu.media.sound.concealing import BLEND, FADE, HISTORY, blend, extension
from openmpu.media.sound.stretching import MARGIN

KEPT_BEHIND: Final = HISTORY + 1440 + MARGIN
"""Samples kept behind the reader, for making up what follows."""
_CAPACITY: Final = 2 * SAMPLE_RATE
_MAX_GAP: Final = SAMPLE_RATE // 2
"""A longer hole (DTX, mute) is silence: the timeline begins anew after it."""


class Timeline:
    """A sliding stretch of samples, from `start` to `end`.

    Attributes:
        concealed: Samples made up because a packet was lost or late.
        late: Packets that came after their time had been read.
    """

    def __init__(self) -> None:
        self.start = self.end = 0
        self.concealed = self.late = 0
        self._buffer = np.empty((_CAPACITY, CHANNELS), dtype=np.float32)
        self._made_up = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is laid down."""
        return self.start == self.end

    @property
    def faded_out(self) -> bool:
        """Whether what was made up last has come down to silence."""
        return self._made_up >= FADE

    def clear(self) -> None:
        """Forget everything; the next packet begins anew wherever it is."""
        self.start = self.end = self._made_up = 0

    def put(self, position: int, samples: Samples) -> None:
        """Lay down a packet's samples at its place."""
        if self.empty or abs(position - self.end) > _MAX_GAP:
            self.clear()
            self.start = self.end = position
        if position > self.end:
            self._make_up(position - self.end)
        overlap = self.end - position
        if overlap >= len(samples):
            self.late += 1
            return
        self._append(self._joined(samples[overlap:]))
        self._made_up = 0

    def reach(self, end: int) -> None:
        """Make up what is missing before `end`."""
        if end > self.end:
            self._make_up(end - self.end)

    def read(self, start: int, end: int) -> Samples:
        """The samples from `start` to `end`, to be used at once; nothing where there is nothing."""
        first, last = start - self.start, end - self.start
        if first >= 0 and end <= self.end:
            return self._buffer[first:last]
        out = silence(end - start)
        inside = self._buffer[max(0, first) : max(0, min(last, self.end - self.start))]
        out[max(0, -first) : max(0, -first) + len(inside)] = inside
        return out

    def forget(self, before: int) -> None:
        """What is far behind `before` is no longer wanted."""
        cut = before - KEPT_BEHIND - self.start
        if cut > _CAPACITY // 4:
            left = self.end - self.start - cut
            self._buffer[:left] = self._buffer[cut : cut + left].copy()
            self.start += cut

    def _make_up(self, samples: int) -> None:
        history = self._true_history()
        self._append(extension(history, self._made_up, samples))
        self._made_up += samples
        self.concealed += samples

    def _true_history(self) -> Samples:
        return self._buffer[: self.end - self.start - self._made_up]

    def _joined(self, samples: Samples) -> Samples:
        if not self._made_up:
            return samples
        return blend(extension(self._true_history(), self._made_up, BLEND), samples)

    def _append(self, samples: Samples) -> None:
        self._make_room(len(samples))
        place = self.end - self.start
        self._buffer[place : place + len(samples)] = samples
        self.end += len(samples)

    def _make_room(self, count: int) -> None:
        """A reader that fell far behind loses the oldest."""
        missing = self.end - self.start + count - _CAPACITY
        if missing > 0:
            self.forget(self.end - _CAPACITY // 2 + KEPT_BEHIND)
