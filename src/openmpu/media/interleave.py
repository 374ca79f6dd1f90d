"""Packets of two threads, put in order of time before they go out: RTMP wants one rising time line.

A packet goes out once nothing earlier of the other kind can come: each side says how far it has come (`reach`), so
that sound need not wait for the next picture of a slow stream. A side that stands still holds the other up for HOLD at
most; then order gives way to being in time.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Protocol

from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND, SECOND

HOLD: Final = SECOND
STEP: Final = 25 * MILLISECOND
"""At least so much lies between the last packet of one encoder and the first of the next (an AAC frame is 21 ms)."""


class Sink(Protocol):
    """Where the stream goes. Both are called in any thread, one at a time, in order; neither may wait."""

    def put(self, packet: Packet) -> None:
        """The next packet."""
        ...

    def change(self, stream: StreamFormat) -> None:
        """What the packets are from now on."""
        ...


class _Side:
    """The packets of one kind."""

    def __init__(self) -> None:
        self.waiting: deque[Packet] = deque()
        self.last: int | None = None
        self.reached = 0


class Interleaver:
    """Takes packets from any thread; each kind comes in order."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._stream = StreamFormat(None, None)
        self._sides = {Kind.AUDIO: _Side(), Kind.VIDEO: _Side()}

    @property
    def stream(self) -> StreamFormat:
        """What the packets are now."""
        return self._stream

    def put(self, packet: Packet) -> None:
        """Take one; pass on what is in order now."""
        with self._lock:
            side = self._sides[packet.kind]
            side.waiting.append(packet)
            side.last = packet.pts
            side.reached = max(side.reached, packet.pts)
            self._pass_ready()

    def reach(self, kind: Kind, pts: int) -> None:
        """Nothing of that kind before `pts` will come any more."""
        with self._lock:
            side = self._sides[kind]
            side.reached = max(side.reached, pts)
            self._pass_ready()

    def after_last(self, kind: Kind, pts: int) -> int:
        """`pts`, or later: after the last packet of that kind. Where a new encoder may begin."""
        last = self._sides[kind].last
        return pts if last is None else max(pts, last + STEP)

    def set_video(self, video: VideoProfile | None) -> None:
        """Pictures have this form from now on; None: there are none."""
        with self._lock:
            self._change(StreamFormat(video, self._stream.audio))

    def set_audio(self, audio: AudioProfile | None) -> None:
        """Sound has this form from now on; None: there is none."""
        with self._lock:
            self._change(StreamFormat(self._stream.video, audio))

    def flush(self) -> None:
        """Pass on everything, in order."""
        with self._lock:
            self._flush()

    def _change(self, stream: StreamFormat) -> None:
        """With the lock held under which `stream` was made: both sides begin at once, neither may undo the other."""
        if stream != self._stream:
            self._flush()
            self._stream = stream
            self._sink.change(stream)

    def _flush(self) -> None:
        while (side := self._first()) is not None:
            self._sink.put(side.waiting.popleft())

    def _pass_ready(self) -> None:
        while (side := self._first()) is not None and self._ready(side):
            self._sink.put(side.waiting.popleft())

    def _first(self) -> _Side | None:
        """The side whose packet comes first in time."""
        filled = [side for side in self._sides.values() if side.waiting]
        return min(filled, key=lambda side: side.waiting[0].pts, default=None)

    def _ready(self, side: _Side) -> bool:
        if self._stream.audio is None or self._stream.video is None:
            return True
        other = next(one for one in self._sides.values() if one is not side)
        first = side.waiting[0].pts
        return bool(other.waiting) or other.reached >= first or side.reached - first > HOLD
