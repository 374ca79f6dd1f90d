"""Figures that a worker tells once a second: rates out of counters, and what the process itself costs."""

from __future__ import annotations

import resource
from dataclasses import dataclass, field
from typing import Final

import psutil

from openmpu.media.packets import Packet
from openmpu.model.roster import Kind
from openmpu.timing.ticks import SECOND

Figures = dict[str, float | int | str | bool | None]
_MEGABYTE: Final = 1 << 20
OVER: Final = SECOND * 9 // 10
"""Nanoseconds: rates of a shorter time would jump about."""


@dataclass(slots=True)
class Rates:
    """What goes out: counted packet by packet, told as rates since the last telling."""

    frames: int = 0
    bytes: int = 0
    keys: int = 0
    last_pts: dict[Kind, int] = field(default_factory=dict)
    _from: tuple[int, int, int] = (0, 0, 0)
    _told: Figures = field(default_factory=dict)

    def count(self, packet: Packet) -> None:
        """One packet went out."""
        self.bytes += len(packet.data)
        self.last_pts[packet.kind] = packet.pts
        if packet.kind is Kind.VIDEO:
            self.frames += 1
            self.keys += packet.key

    def tell(self, now: int) -> Figures:
        """Rates over the last second or so, renewed at most once in OVER."""
        began, frames, sent = self._from
        if now - began >= OVER:
            seconds = (now - began) / SECOND
            self._from = (now, self.frames, self.bytes)
            self._told = {
                "fps": round((self.frames - frames) / seconds, 2),
                "bitrate_kbps": round((self.bytes - sent) * 8 / 1000 / seconds),
            }
        return self._told | {"frames": self.frames, "key_frames": self.keys}


class ProcessFigures:
    """CPU and memory of this process."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def tell(self) -> Figures:
        """Seconds of CPU since the start, megabytes now, threads."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "memory_mb": round(self._process.memory_info().rss / _MEGABYTE, 1),
            "threads": self._process.num_threads(),
        }
