"""One user in the mix: all of their audio tracks, how loud they are, how far they are faded in.

A user who is not among the loudest need not be decoded where the publisher tells levels (RFC 6464): their packets are
skimmed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openmpu.media.sound.activity import Activity
from openmpu.media.sound.blocks import Samples
from openmpu.media.sound.levels import Level, power_of
from openmpu.media.sound.voice import Source, Voice, faded
from openmpu.model.ids import TrackId
from openmpu.wire.sei import Sounding

MAX_TRACKS: Final = 4
"""A user with more tracks of sound at once is not heard in full: a stranger says how many there are."""


class Talker:
    """Used by the sound thread only."""

    def __init__(self) -> None:
        self.voices: dict[TrackId, Voice] = {}
        self.level = Level()
        self.leaving = False
        self.activity: Activity | None = None
        """Whether they speak; None: nobody wants to know."""
        self._gain = 0.0
        self._chosen = True
        self._block: Samples | None = None

    @property
    def gone(self) -> bool:
        """Whether the user has left and faded out."""
        return self.leaving and self._gain == 0.0

    @property
    def sounding(self) -> Sounding:
        """For SEI. Any thread."""
        return Sounding(self.level.volume, self.activity.vad if self.activity else 0)

    def tune(self, track_ids: tuple[TrackId, ...], source_of: Callable[[TrackId], Source | None]) -> None:
        """A voice for each track whose packets are coming, none for those that are gone."""
        for track_id in self.voices.keys() - set(track_ids):
            del self.voices[track_id]
        for track_id in track_ids[:MAX_TRACKS]:
            source, voice = source_of(track_id), self.voices.get(track_id)
            if source is not None and (voice is None or voice.source is not source):
                self.voices[track_id] = Voice(source)

    def detect(self, *, wanted: bool) -> None:
        """Whether to find out when they speak."""
        if not wanted:
            self.activity = None
        elif self.activity is None:
            self.activity = Activity()

    def hear(self, pts: int) -> None:
        """Take the block for `pts`, and its level."""
        hidden = not self._chosen and self._gain == 0.0
        voices = tuple(self.voices.values())
        if hidden and voices and all(voice.tells_levels for voice in voices):
            self._block = None
            told = sum(voice.skim(pts) for voice in voices)
            self.level.put(told)
            if self.activity:
                self.activity.hear_of(told)
        else:
            self._block = _sum([voice.block(pts) for voice in voices])
            self.level.put(power_of(self._block) if self._block is not None else 0.0)
            if self.activity:
                self.activity.hear(self._block)

    def add_to(self, total: Samples, *, chosen: bool) -> None:
        """Add the block to the mix: faded in, out, or not at all."""
        self._chosen = chosen
        gain = 1.0 if chosen else 0.0
        if self._block is None:
            gain = min(gain, self._gain)
        elif gain or self._gain:
            total += faded(self._block, self._gain, gain)
        self._gain = gain


def _sum(blocks: list[Samples | None]) -> Samples | None:
    total: Samples | None = None
    for block in blocks:
        if block is not None:
            total = block if total is None else total + block
    return total
