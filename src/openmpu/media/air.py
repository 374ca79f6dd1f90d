"""Which production is on air. Another one warms up behind a closed outlet and takes over at a key frame, without a gap.

Time rises over the seam, whatever either of them thinks. Whoever goes on air shows nothing before a key frame of its
own: pictures of two productions do not continue one another. The one before brings out what it has from before that
key frame, sound the next one brings along: so a hand-over has no hole though one of the two be a little behind.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from openmpu.media.interleave import Sink
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND, SECOND

LEAST_STEP: Final = MILLISECOND
"""RTMP counts milliseconds: nearer ones would have the same time there."""
SEAM: Final = 15 * MILLISECOND
"""Sound frames (21 ms at 48 kHz) of two encoders may overlap by so much less than one where they meet."""
MOST_HELD: Final = SECOND
"""So long the next production's stream is held back for what the one before still has."""
SOUND_KEPT: Final = 64
"""Frames that a closed outlet remembers: more than a second."""


@dataclass(slots=True)
class _HandOver:
    """The next outlet, the time of its key frame, what it brought since, and of what the one before has come so far."""

    outlet: Outlet
    at: int
    held: list[Packet] = field(default_factory=list)
    reached: set[Kind] = field(default_factory=set)


class Air:
    """One stream, fed by one outlet at a time.

    Args:
        sink: Takes what goes out.
    """

    def __init__(self, sink: Sink) -> None:
        self.lock = threading.Lock()
        self._sink = sink
        self._last: dict[Kind, int] = {}
        self._stream = StreamFormat(None, None)
        self._open: Outlet | None = None
        self._next: _HandOver | None = None
        self._waits_for_key = True

    @property
    def waits_for_key(self) -> bool:
        """Whether what is on air has shown no picture yet: it must begin with a key frame."""
        return self._waits_for_key

    def outlet(self) -> Outlet:
        """A new one, closed."""
        return Outlet(self)

    def open(self, outlet: Outlet) -> None:
        """From now on this one is on air, and no other."""
        with self.lock:
            if self._next and self._next.outlet is outlet:
                self._change_over(self._next)
            elif self._open is not outlet:
                self._take(outlet)

    def is_open(self, outlet: Outlet) -> bool:
        """Whether it is on air."""
        return self._open is outlet

    # House: with the lock held

    def begin(self, outlet: Outlet, at: int) -> None:
        """It takes over at its key frame of time `at`, once the one before has come so far."""
        self._next = _HandOver(outlet, at)
        if self._open is None or self._waits_for_key:
            self._change_over(self._next)

    def finish(self, outlet: Outlet) -> None:
        """If it is about to take over, it does now."""
        if self._next and self._next.outlet is outlet:
            self._change_over(self._next)

    def offer(self, outlet: Outlet, packet: Packet) -> bool:
        """A packet of an outlet; whether it was needed."""
        coming = self._next
        if coming and outlet is coming.outlet:
            coming.held.append(packet)
            if packet.pts - coming.at > MOST_HELD:
                self._change_over(coming)
        elif coming and outlet is self._open and packet.pts >= coming.at:
            coming.reached.add(packet.kind)
            if coming.reached >= _kinds(outlet.stream):
                self._change_over(coming)
        elif outlet is self._open:
            self._put(packet)
        else:
            return False
        return True

    def change(self, outlet: Outlet) -> None:
        """Its packets are of another form from now on."""
        self.finish(outlet)
        if outlet is self._open:
            self._tell(outlet.stream)

    def _change_over(self, coming: _HandOver) -> None:
        self._next = None
        self._take(coming.outlet)
        for packet in coming.held:
            self._put(packet)

    def _take(self, outlet: Outlet) -> None:
        """Put it on air, with what sound of it the one before has not brought."""
        self._open, self._next, self._waits_for_key = outlet, None, True
        self._tell(outlet.stream)
        last = self._last.get(Kind.AUDIO)
        for packet in outlet.unsent_sound():
            if last is not None and packet.pts >= last + SEAM:
                self._put(packet)

    def _put(self, packet: Packet) -> None:
        """Out with it; time rises."""
        if packet.kind is Kind.VIDEO:
            self._waits_for_key = self._waits_for_key and not packet.key
            if self._waits_for_key:
                return
        last = self._last.get(packet.kind)
        if last is not None and packet.pts < last + LEAST_STEP:
            if packet.kind is Kind.AUDIO:
                return
            packet = replace(packet, pts=last + LEAST_STEP)
        self._last[packet.kind] = packet.pts
        self._sink.put(packet)

    def _tell(self, stream: StreamFormat) -> None:
        if stream != self._stream:
            self._stream = stream
            self._sink.change(stream)


def _kinds(stream: StreamFormat) -> set[Kind]:
    sides = ((Kind.VIDEO, stream.video), (Kind.AUDIO, stream.audio))
    return {kind for kind, profile in sides if profile is not None}


class Outlet:
    """A production's way out."""

    def __init__(self, air: Air) -> None:
        self.stream = StreamFormat(None, None)
        self._air = air
        self._armed = self._pictures = False
        self._sound: deque[Packet] = deque(maxlen=SOUND_KEPT)

    def arm(self, *, pictures: bool) -> None:
        """Go on air with the next key frame; with the next packet, if there will be no pictures."""
        self._armed, self._pictures = True, pictures

    def disarm(self) -> bool:
        """Do not go on air any more; whether it is on air already."""
        with self._air.lock:
            self._armed = False
            self._air.finish(self)
            return self._air.is_open(self)

    def put(self, packet: Packet) -> None:
        """Send; a closed outlet throws pictures away and remembers sound for a while."""
        with self._air.lock:
            if self._armed and self._begins_with(packet):
                self._armed = False
                self._air.begin(self, packet.pts)
            if not self._air.offer(self, packet) and packet.kind is Kind.AUDIO:
                self._sound.append(packet)

    def unsent_sound(self) -> list[Packet]:
        """House: what came while it was closed; asked for once."""
        unsent = list(self._sound)
        self._sound.clear()
        return unsent

    def change(self, stream: StreamFormat) -> None:
        """Packets are of that form from now on."""
        with self._air.lock:
            self.stream = stream
            self._air.change(self)

    def _begins_with(self, packet: Packet) -> bool:
        return packet.key and (packet.kind is Kind.VIDEO or not self._pictures)
