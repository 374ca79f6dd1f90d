"""Packets of two threads, put in order of time before they go out (RTMP wants one rising time line).

A packet waits until the other kind has come as far, but never longer than HOLD behind the newest: a stream with one
picture a second must not hold its sound up.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Protocol

from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND

HOLD: Final = 60 * MILLISECOND
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


class Interleaver:
    """Takes packets from any thread; each kind comes in order."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._stream = StreamFormat(None, None)
        self._waiting: dict[Kind, deque[Packet]] = {Kind.AUDIO: deque(), Kind.VIDEO: deque()}
        self._newest = 0
        self._ends: dict[Kind, int] = {}

    @property
    def stream(self) -> StreamFormat:
        """What the packets are now."""
        return self._stream

    def put(self, packet: Packet) -> None:
        """Take one; pass on what is in order now."""
        with self._lock:
            self._waiting[packet.kind].append(packet)
            self._newest = max(self._newest, packet.pts)
            self._ends[packet.kind] = packet.pts
            while self._first_is_ready():
                self._pass_first()

    def after_last(self, kind: Kind, pts: int) -> int:
        """`pts`, or later: after the last packet of that kind. Where a new encoder may begin."""
        last = self._ends.get(kind)
        return pts if last is None else max(pts, last + STEP)

    def set_video(self, video: VideoProfile | None) -> None:
        """Pictures have this form from now on; None: there are none."""
        self._change(StreamFormat(video, self._stream.audio))

    def set_audio(self, audio: AudioProfile | None) -> None:
        """Sound has this form from now on; None: there is none."""
        self._change(StreamFormat(self._stream.video, audio))

    def flush(self) -> None:
        """Pass on everything, in order."""
        with self._lock:
            self._flush()

    def _change(self, stream: StreamFormat) -> None:
        with self._lock:
            if stream != self._stream:
                self._flush()
                self._stream = stream
                self._sink.change(stream)

    def _flush(self) -> None:
        while any(self._waiting.values()):
            self._pass_first()

    def _first_is_ready(self) -> bool:
        sound, pictures = self._waiting[Kind.AUDIO], self._waiting[Kind.VIDEO]
        if sound and pictures:
            return True
        alone = self._stream.audio is None or self._stream.video is None
        first = next((waiting[0] for waiting in (sound, pictures) if waiting), None)
        return first is not None and (alone or self._newest - first.pts > HOLD)

    def _pass_first(self) -> None:
        filled = [waiting for waiting in self._waiting.values() if waiting]
        self._sink.put(min(filled, key=lambda waiting: waiting[0].pts).popleft())
