"""A media file to be published: what is in it, and where its own time stands on the wall clock.

Examined whole before the first packet is sent, so that a file that cannot be published is refused at once and with a
reason. Reading it for sending is `clip_feeds.py`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from openmpu.errors import Invalid
from openmpu.model.geometry import nearest_even

SECOND = 1_000_000_000
_COPYABLE_PROFILES = ("Baseline", "Constrained Baseline", "Main", "High")
_MIN_SIDE, _MAX_SIDE = 16, 4096


@dataclass(frozen=True, slots=True)
class ClipVideo:
    """The picture of a clip.

    Attributes:
        width: Pixels of the upright picture, even.
        turn: Degrees counter-clockwise by which the coded picture must be turned to stand upright: 0, 90, 180 or 270.
        copyable: It is H.264 that any WebRTC receiver of H.264 can show as it is: 8 bit 4:2:0, no B-frames, upright.
        keys: When its key frames stand, in nanoseconds of the clip's own time.
    """

    width: int
    height: int
    fps: float
    turn: int
    copyable: bool
    keys: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that can be published.

    Attributes:
        origin: The file's time stamp, in nanoseconds, that counts as 0 of the clip's own time.
        period: Nanoseconds from the begin of one round to the begin of the next.
    """

    path: Path
    origin: int
    period: int
    video: ClipVideo | None
    has_audio: bool


@dataclass(slots=True)
class _Scan:
    """What went by while the packets of one stream were read."""

    first: int | None = None
    end: int = 0
    in_order: bool = True
    last: int = -1
    packets: int = 0

    def note(self, moment: int, duration: int) -> None:
        self.packets += 1
        self.first = moment if self.first is None else min(self.first, moment)
        self.in_order = self.in_order and moment > self.last
        self.last = moment
        self.end = max(self.end, moment + duration)


def examine(path: Path) -> Clip:
    """Read the file's packets once, without decoding them.

    Raises:
        Invalid: It is not there, not media, empty, or has neither picture nor sound that can be read.
    """
    try:
        with av.open(str(path)) as container:
            return _examine(path, container)
    except (av.FFmpegError, OSError) as error:
        raise Invalid("input", f"{path}: {_reason(error)}") from None


def _examine(path: Path, container: InputContainer) -> Clip:
    video = next(iter(container.streams.video), None)
    audio = next(iter(container.streams.audio), None)
    if video is None and audio is None:
        raise Invalid("input", f"{path}: has neither picture nor sound")
    scans, keys = _scan(container, [stream for stream in (video, audio) if stream is not None])
    firsts = [scan.first for scan in scans.values() if scan.first is not None]
    if not firsts:
        raise Invalid("input", f"{path}: has no media in it")
    origin = min(firsts)
    facts = (
        _video_facts(path, video, scans[video.index], keys, origin) if video and scans[video.index].packets else None
    )
    period = max(scan.end for scan in scans.values()) - origin
    return Clip(path, origin, max(period, SECOND // 100), facts, audio is not None and scans[audio.index].packets > 0)


def _scan(container: InputContainer, streams: list[VideoStream | AudioStream]) -> tuple[dict[int, _Scan], list[int]]:
    scans = {stream.index: _Scan() for stream in streams}
    keys: list[int] = []
    for packet in container.demux(*streams):
        if not packet.size:
            continue
        moment = packet_moment(packet, scans[packet.stream.index].packets)
        scans[packet.stream.index].note(moment, _duration(packet))
        if packet.is_keyframe and packet.stream.type == "video":
            keys.append(moment)
    return scans, keys


def packet_moment(packet: av.Packet[Any], place: int) -> int:
    """A packet's presentation time in nanoseconds of file time; by counting where the file has no time stamps."""
    if packet.pts is None:
        return place * _duration(packet)
    return round(packet.pts * packet.time_base * SECOND)


def _duration(packet: av.Packet[Any]) -> int:
    if packet.duration and packet.pts is not None:
        return round(packet.duration * packet.time_base * SECOND)
    return round(SECOND / frame_rate(packet.stream)) if isinstance(packet.stream, VideoStream) else 0


def frame_rate(stream: VideoStream) -> Fraction:
    """Pictures per second as the file says; 25 if it does not."""
    rate = stream.average_rate or stream.guessed_rate
    return Fraction(rate) if rate and 1 <= rate <= 240 else Fraction(25)


def _video_facts(path: Path, stream: VideoStream, scan: _Scan, keys: list[int], origin: int) -> ClipVideo:
    context = stream.codec_context
    sides = (context.width, context.height)
    if any(not _MIN_SIDE <= side <= _MAX_SIDE for side in sides):
        raise Invalid("input", f"{path}: a picture of {sides[0]}x{sides[1]} cannot be published")
    turn = _turn(path)
    copyable = (
        context.name == "h264"
        and context.profile in _COPYABLE_PROFILES
        and context.pix_fmt in ("yuv420p", "yuvj420p")
        and scan.in_order
        and bool(keys)
        and not turn
    )
    width, height = (nearest_even(side) for side in (sides[::-1] if turn in (90, 270) else sides))
    return ClipVideo(width, height, float(frame_rate(stream)), turn, copyable, tuple(key - origin for key in keys))


def _turn(path: Path) -> int:
    """The display matrix is told with the first decoded picture; turns that are not right angles are ignored."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0), None)
        turn = round(frame.rotation) % 360 if frame else 0
        return turn if turn % 90 == 0 else 0


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]


class Timeline:
    """Where a clip's own time (rounds counted on) stands on the wall clock; shared by its picture and its sound."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._lock = threading.Lock()

    def moment(self, clip_time: int, now: int) -> int:
        """When `clip_time` is due, in nanoseconds of Unix time; the first to ask begins the clip at `now`."""
        with self._lock:
            if self._start is None:
                self._start = now - clip_time
            return self._start + clip_time

    def shift(self, by: int) -> None:
        """Everything from now on `by` nanoseconds later (after a pause), or earlier (a part is left out)."""
        with self._lock:
            self._start = (self._start or 0) + by
