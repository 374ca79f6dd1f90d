"""One audio track as a voice of the mix: packets in, one block for each block of the output, always.

The reader walks along the track's own samples. Where it should be follows from the track's clock and playout delay;
small differences (drift, slewing) are taken up by stretching, large ones by a jump hidden under a short cross-fade or
in silence. A voice that joins, leaves or is chosen by loudness fades within one block.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

import numpy as np

from openmpu.media.decoding.opus import OpusDecoder
from openmpu.media.inputs.track_input import Incoming
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE, Samples
from openmpu.media.sound.stretching import MARGIN, stretched
from openmpu.media.sound.timeline import Timeline
from openmpu.timing.ticks import MILLISECOND, SECOND

BLOCK_NS: Final = BLOCK * SECOND // SAMPLE_RATE
EASE: Final = 16
"""Blocks over which a difference is taken up; less than so many samples (0.3 ms) are left alone."""
MOST_STRETCH: Final = 48
"""Samples in a block: 5 %, only while a track settles; steadily 5 ms/s need five."""
JUMP: Final = 2880
"""Samples (60 ms) of difference that are no drift: jump."""
WARM_UP: Final = 4
"""Packets kept of a voice that is not decoded: decoded first when it is chosen, so that the decoder is in swing."""
LEVEL_HOLDS: Final = 100 * MILLISECOND
"""A publisher who sends nothing (DTX) is silent after so long."""
LONG_PAST: Final = SAMPLE_RATE // 2
"""Samples after the end of all sound: what is made up has faded out long before."""
QUIET: Final = 1e-3
"""Peak (-60 dBFS) below which a jump cannot be heard."""
_CROSSFADE: Final = 240
_DECODE_AHEAD: Final = 2 * MILLISECOND
"""For stretching; no more, so that a packet overtaken by its successor still finds its place free."""


class Source(Protocol):
    """Where a voice gets its packets."""

    def due(self, pts: int) -> list[Incoming]:
        """Packets whose time is not after `pts`."""
        ...

    @property
    def delay(self) -> int:
        """Playout delay in nanoseconds."""
        ...

    def note_heard(self, distance: int, pts: int) -> None:
        """Sound captured `distance` ago is mixed for `pts`."""
        ...


class Decoder(Protocol):
    """Packets into samples; `errors` counts those that gave none."""

    errors: int

    def decode(self, data: bytes) -> Samples | None:
        """The packet's samples."""
        ...


class Voice:
    """Reads one track. Used by the sound thread only."""

    def __init__(self, source: Source, decoder: Decoder | None = None) -> None:
        self.timeline = Timeline()
        self.decoder: Decoder = decoder or OpusDecoder()
        self.jumps = self.stretches = 0
        self.source = source
        self.tells_levels = False
        self._last: Incoming | None = None
        self._place: int | None = None
        self._skimmed: deque[Incoming] = deque(maxlen=WARM_UP)
        self._power = 0.0
        self._told_at = 0

    def skim(self, pts: int) -> float:
        """Take the packets for `pts` without decoding them; the power that the publisher tells."""
        if self._place is not None:
            self._place = None
            self.timeline.clear()
        for incoming in self.source.due(pts - self.source.delay + BLOCK_NS):
            self._skimmed.append(incoming)
            level = incoming.frame.level
            self.tells_levels = level is not None
            self._power, self._told_at = 10 ** (-(level or 0) / 10), pts
        return self._power if pts - self._told_at <= LEVEL_HOLDS else 0.0

    def block(self, pts: int) -> Samples | None:
        """The block to be heard at `pts`; None: nothing but silence."""
        wanted_pts = pts - self.source.delay
        self._take(wanted_pts + self._ahead(wanted_pts) + BLOCK_NS + _DECODE_AHEAD)
        wanted = self._sample_at(wanted_pts)
        if wanted is None or self._is_over(wanted) or not self._placed(wanted):
            return None
        out = self._read(wanted)
        self._note(pts)
        self._end_if_faded()
        return out

    def _ahead(self, wanted_pts: int) -> int:
        """How far, in nanoseconds, the reader is before where it should be."""
        wanted = self._sample_at(wanted_pts)
        if wanted is None or self._place is None:
            return 0
        return max(0, min(JUMP, self._place - wanted)) * SECOND // SAMPLE_RATE

    def _take(self, until: int) -> None:
        due = self.source.due(until)
        if self._skimmed:
            due, self._skimmed = [*self._skimmed, *due], deque(maxlen=WARM_UP)
        for incoming in due:
            self.tells_levels = incoming.frame.level is not None
            samples = self.decoder.decode(incoming.frame.data)
            if samples is not None:
                self.timeline.put(_position(incoming.media), samples)
                self._last = incoming

    def _sample_at(self, pts: int) -> int | None:
        if self._last is None or self.timeline.empty:
            return None
        return _position(self._last.media) + (pts - self._last.pts) * SAMPLE_RATE // SECOND

    def _is_over(self, wanted: int) -> bool:
        """Whether all that came is long past: a publisher who stood still sends it when nobody can hear it any more."""
        over = wanted - self.timeline.end > LONG_PAST
        if over:
            self.timeline.clear()
            self._place = None
        return over

    def _placed(self, wanted: int) -> bool:
        """Find the reader's place; false as long as the first sound is still to come."""
        if self._place is None and wanted + BLOCK > self.timeline.start:
            self._place = wanted
        return self._place is not None

    def _read(self, wanted: int) -> Samples:
        assert self._place is not None  # noqa: S101 - the caller placed it
        difference = wanted - self._place
        if abs(difference) > JUMP or (abs(difference) > EASE and self._is_quiet()):
            return self._jump(wanted)
        length = BLOCK + _correction(difference)
        self.timeline.reach(self._place + length)
        out = self._run(self._place, length)
        self._move(self._place + length)
        return out

    def _run(self, place: int, length: int) -> Samples:
        if length == BLOCK:
            return self.timeline.read(place, place + BLOCK).copy()
        self.stretches += 1
        return stretched(self.timeline.read(place - MARGIN, place + length + MARGIN), BLOCK)

    def _is_quiet(self) -> bool:
        assert self._place is not None  # noqa: S101 - as above
        ahead = self.timeline.read(self._place, self._place + BLOCK)
        return not ahead.size or float(np.abs(ahead).max()) < QUIET

    def _jump(self, wanted: int) -> Samples:
        """From the old place to the wanted one, cross-faded."""
        assert self._place is not None  # noqa: S101 - as above
        self.jumps += 1
        self.timeline.reach(wanted + BLOCK)
        before = self.timeline.read(self._place, self._place + _CROSSFADE)
        out = self.timeline.read(wanted, wanted + BLOCK).copy()
        ramp = np.linspace(0.0, 1.0, _CROSSFADE, dtype=np.float32)[:, None]
        out[:_CROSSFADE] = out[:_CROSSFADE] * ramp + before * (1 - ramp)
        self._move(wanted + BLOCK)
        return out

    def _move(self, place: int) -> None:
        self._place = place
        self.timeline.forget(place)

    def _end_if_faded(self) -> None:
        if self.timeline.faded_out:
            self.timeline.clear()
            self._place = None

    def _note(self, pts: int) -> None:
        if self._last is None or self._place is None:
            return
        behind = (_position(self._last.media) + BLOCK - self._place) * SECOND // SAMPLE_RATE
        captured = self._last.frame.ntp if self._last.frame.ntp is not None else self._last.pts
        self.source.note_heard(pts - captured + behind, pts)


def _position(media: int) -> int:
    return (media * SAMPLE_RATE + SECOND // 2) // SECOND


def _correction(difference: int) -> int:
    return max(-MOST_STRETCH, min(MOST_STRETCH, int(difference / EASE)))


def faded(samples: Samples, gain: float, to: float) -> Samples:
    """A block whose gain goes from one value to another, evenly."""
    if gain == to:
        return samples if to == 1.0 else np.asarray(samples * np.float32(to), dtype=np.float32)
    ramp = np.linspace(gain, to, len(samples), dtype=np.float32)[:, None]
    return np.asarray(samples * ramp, dtype=np.float32)
