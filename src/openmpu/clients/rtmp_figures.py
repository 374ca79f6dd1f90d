"""What a receiver sees of a stream, in numbers. Time is an argument: nanoseconds of a monotonic clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import Tag

SECOND = 1_000_000_000
WINDOW = 3 * SECOND
"""Rates are taken over this much time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A receiver at one moment.

    Attributes:
        connects: Publishes that were let in.
        live: Whether somebody publishes now.
        bytes: Of tag bodies, over all connections, like all counts.
        fps: Pictures per second, by arrival.
        bitrate_kbps: Of tag bodies, by arrival.
        last_pts_ms: Of the latest picture or sound, as sent; None before the first.
        key_distance_ms: Between the last two key frames; None before the second.
        video_codec: As the latest picture says.
    """

    connects: int = 0
    live: bool = False
    bytes: int = 0
    video_frames: int = 0
    key_frames: int = 0
    audio_frames: int = 0
    fps: float = 0.0
    bitrate_kbps: float = 0.0
    last_pts_ms: int | None = None
    key_distance_ms: int | None = None
    video_codec: str = ""


class Meter:
    """Counts tags."""

    def __init__(self) -> None:
        self.connects = 0
        self.live = False
        self._bytes = self._videos = self._keys = self._sounds = 0
        self._recent: deque[tuple[int, int, bool]] = deque()
        self._last_pts: int | None = None
        self._last_key: int | None = None
        self._key_distance: int | None = None
        self._codec = ""

    def take(self, tag: Tag, now: int) -> None:
        """Count one tag."""
        what = about(tag)
        size = len(tag.payload)
        self._bytes += size
        picture = what.role in (Role.FRAME, Role.KEY_FRAME)
        self._recent.append((now, size, picture))
        self._forget(now)
        if picture:
            self._videos += 1
            self._codec = what.codec
        if what.role is Role.KEY_FRAME:
            self._take_key(tag.timestamp)
        self._sounds += what.role is Role.SOUND
        if picture or what.role is Role.SOUND:
            self._last_pts = tag.timestamp

    def figures(self, now: int) -> Figures:
        """The figures now."""
        self._forget(now)
        seconds = max(now - self._recent[0][0], SECOND // 10) / SECOND if self._recent else 1.0
        return Figures(
            connects=self.connects,
            live=self.live,
            bytes=self._bytes,
            video_frames=self._videos,
            key_frames=self._keys,
            audio_frames=self._sounds,
            fps=sum(picture for _, _, picture in self._recent) / seconds,
            bitrate_kbps=sum(size for _, size, _ in self._recent) * 8 / 1000 / seconds,
            last_pts_ms=self._last_pts,
            key_distance_ms=self._key_distance,
            video_codec=self._codec,
        )

    def _take_key(self, timestamp: int) -> None:
        self._keys += 1
        if self._last_key is not None:
            self._key_distance = (timestamp - self._last_key) & 0xFFFFFFFF
        self._last_key = timestamp

    def _forget(self, now: int) -> None:
        while self._recent and now - self._recent[0][0] > WINDOW:
            self._recent.popleft()
