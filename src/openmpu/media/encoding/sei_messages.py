"""Which SEI messages go with which picture: texts once, seating and volumes and the caller's text in their rhythm.

Rhythm: callbacks.md 6.3. Used by the thread that sends the pictures, but for `plan` and `texts.add`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from openmpu.media.encoding.sei import SeiTexts
from openmpu.media.packets import Packet
from openmpu.media.sound.mixer import Speaker
from openmpu.model.encoder import VideoCodec
from openmpu.model.task import Family, SeiRhythm, SeiSpec, TaskSpec
from openmpu.timing.ticks import MILLISECOND
from openmpu.wire.sei import SILENT, Place, Sounding, layout_volume, passed_through

Seen = Sequence[tuple[Speaker, Place]]
"""Who is where in a picture, and who they are to the mixer."""
NOBODY: Final[Seen] = ()


class Beat:
    """When a repeated message is due: at its interval, and with key frames if so wished."""

    def __init__(self, rhythm: SeiRhythm) -> None:
        self.rhythm = rhythm
        self._next: int | None = None

    def strikes(self, packet: Packet) -> bool:
        """Whether it is due with this picture."""
        follows = packet.key and self.rhythm.follow_idr
        if self._next is not None and packet.pts < self._next:
            return follows
        begins = self._next is None or packet.pts - self._next > self._interval
        self._next = (packet.pts if begins or self._next is None else self._next) + self._interval
        return True

    @property
    def _interval(self) -> int:
        return self.rhythm.interval_ms * MILLISECOND


class SeiMessages:
    """All messages of one task.

    Args:
        sounding: How everybody sounds now.
    """

    def __init__(self, sounding: Callable[[], Mapping[Speaker, Sounding]]) -> None:
        self.texts = SeiTexts()
        self._sounding = sounding
        self._spec: SeiSpec | None = None
        self._tells_vad = False
        self._layout: Beat | None = None
        self._passing: Beat | None = None
        self._told: Seen | None = None

    def plan(self, spec: TaskSpec) -> None:
        """What is wanted from the next picture on. Any thread."""
        sei = spec.sei or SeiSpec()
        self.texts.payload_type = sei.payload_type
        self._tells_vad = tells_vad(spec)
        self._layout = _beat(self._layout, sei.layout_volume)
        text = sei.pass_through
        same = self._spec is not None and self._spec.pass_through == text
        self._passing = _beat(self._passing if same else None, text.rhythm if text else None)
        self._spec = sei

    @property
    def tells_places(self) -> bool:
        """Whether anybody wants to know who is where."""
        return self._layout is not None

    def put_into(self, packet: Packet, codec: VideoCodec, seen: Seen) -> Packet:
        """The packet with everything that is due.

        Args:
            packet: An encoded picture.
            codec: Of the picture.
            seen: Who is where in this very picture.
        """
        for text in self._due(packet, seen):
            self.texts.add(text)
        return self.texts.put_into(packet, codec)

    def _due(self, packet: Packet, seen: Seen) -> list[str]:
        due, layout, passing, spec = [], self._layout, self._passing, self._spec
        if layout:
            struck, changed = layout.strikes(packet), self._told is not None and seen != self._told
            self._told = seen
            due += [self._content(seen)] if struck or changed else []
        if passing and spec and spec.pass_through and passing.strikes(packet):
            due.append(passed_through(spec.pass_through.key, spec.pass_through.content))
        return due

    def _content(self, seen: Seen) -> str:
        heard = self._sounding()
        told = [(place, heard.get(speaker, SILENT)) for speaker, place in seen]
        if not self._tells_vad:
            told = [(place, Sounding(sounding.volume)) for place, sounding in told]
        return layout_volume(told)


def tells_vad(spec: TaskSpec) -> bool:
    """Whether `vad` is real: in StartMPUTask tasks with ReportVad only (callbacks.md 6.2)."""
    return bool(spec.sei and spec.sei.layout_volume) and (spec.family is Family.LIVE or spec.report_vad)


def _beat(before: Beat | None, rhythm: SeiRhythm | None) -> Beat | None:
    """The rhythm goes on unless it is another one."""
    if rhythm is None or (before and before.rhythm == rhythm):
        return before if rhythm else None
    return Beat(rhythm)
