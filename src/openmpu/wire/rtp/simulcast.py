"""Which simulcast layer of a track is handed out, and one unbroken line of time stamps over all of them.

A layer is changed only on a key frame of the new one, the old one goes on until then (troubles.md 31). Each layer has
an RTP clock with an offset of its own; they are joined by the sender's NTP time where it is known, else by arrival.
"""

from __future__ import annotations

from collections.abc import Iterable

from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.streams import VideoStream
from openmpu.wire.rtp.wrapping import time_step

SILENT = 700 * MS
"""A layer that sent nothing for so long was switched off by its sender, for want of bandwidth."""
TICKS = 90_000
_LEAP = TICKS
"""Ticks: a time stamp so much below the last one is a sender that counts anew, not the same moment seen twice."""
_SANE = 10 * SECOND
"""Two layers' clocks that tell more between two pictures are not the same clock."""


class LayerSwitch:
    """Chooses among the layers of one track.

    Attributes:
        current: The layer handed out, None before the first key frame.
        target: The layer that will be, from its next key frame on; `current` where no change is on its way.
    """

    __slots__ = ("_last", "_offset", "_ranks", "_wanted", "current", "layers", "target")

    def __init__(self, rids: Iterable[str]) -> None:
        self._ranks = {rid: rank for rank, rid in enumerate(rids)}
        self.layers: list[VideoStream] = []
        self.current: VideoStream | None = None
        self.target: VideoStream | None = None
        self._wanted: int | None = None
        self._offset = 0
        self._last: tuple[int, int, int | None] | None = None
        """RTP time handed out last, its arrival, its NTP time."""

    def add(self, layer: VideoStream, now: int) -> None:
        """A layer's first packet came; one of the same RID is replaced."""
        for old in [each for each in self.layers if each.rid == layer.rid]:
            self.remove(old)
        self.layers.append(layer)
        self.choose(now)

    def remove(self, layer: VideoStream) -> None:
        """A layer is over."""
        if layer in self.layers:
            self.layers.remove(layer)
        if layer is self.current:
            self.current = None
        if layer is self.target:
            self.target = None

    def want(self, height: int | None, now: int) -> None:
        """The picture is shown `height` lines high; None: as large as there is."""
        self._wanted = height
        self.choose(now)

    def choose(self, now: int) -> None:
        """Look for the best layer; called again about once a second, as layers come and go."""
        best = self._best(now)
        if best is None or best is self.target:
            return
        if self.target is not None and self.target is not self.current:
            self.target.deactivate()
        self.target = best
        if best is not self.current:
            best.activate()

    def _best(self, now: int) -> VideoStream | None:
        """The smallest layer not below the wanted height, else the largest; of those that send."""
        alive = [layer for layer in self.layers if now - layer.statistics.last_arrival < SILENT]
        alive = sorted(alive or self.layers, key=self._size_order)
        if self._wanted is None or not alive:
            return alive[-1] if alive else None
        return next((layer for layer in alive if layer.size[1] >= self._wanted), alive[-1])

    def _size_order(self, layer: VideoStream) -> tuple[int, int]:
        """By height; where that is unknown, layers that the sender named later are taken for larger."""
        return layer.size[1], self._ranks.get(layer.rid or "", 0)

    def admit(self, layer: VideoStream, timestamp: int, arrival: int, ntp: int | None, *, key: bool) -> int | None:
        """The RTP time under which a picture of `layer` is handed out, None if it is not."""
        if layer is not self.current:
            if layer is not self.target or not key:
                return None
            self._switch(layer, timestamp, arrival, ntp)
        rtp_time = (timestamp + self._offset) & 0xFFFFFFFF
        if self._last is not None and -_LEAP < time_step(rtp_time, self._last[0]) <= 0:
            rtp_time = (self._last[0] + 1) & 0xFFFFFFFF  # both layers' picture of the same moment
        self._last = (rtp_time, arrival, ntp)
        return rtp_time

    def _switch(self, layer: VideoStream, timestamp: int, arrival: int, ntp: int | None) -> None:
        if self.current is not None:
            self.current.deactivate()
        self.current = layer
        if self._last is None:
            return
        rtp_time, last_arrival, last_ntp = self._last
        elapsed = ntp - last_ntp if ntp is not None and last_ntp is not None else arrival - last_arrival
        if abs(elapsed) > _SANE:
            elapsed = arrival - last_arrival
        self._offset = rtp_time + elapsed * TICKS // SECOND - timestamp
