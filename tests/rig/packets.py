"""What the packets of a received stream tell without decoding: cadence, key frames, bitrate, formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

SECOND = 1_000_000_000
_TICK = 1_000_000
"""FLV counts milliseconds: a time stamp may be off by one."""

_PROFILES = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High"}


@dataclass(frozen=True, slots=True)
class PacketInfo:
    """One packet: nanoseconds of the stream, bytes."""

    pts: int
    dts: int
    size: int
    key: bool


@dataclass(frozen=True, slots=True)
class Formats:
    """What the stream says about itself. `profile` is read from the H.264 sequence header itself."""

    width: int
    height: int
    video_codec: str
    profile: str
    audio_codec: str
    audio_profile: str
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Cadence:
    """How evenly packets follow one another.

    Attributes:
        gaps: (pts before, ticks missing) where one or more frames are missing.
        doubles: pts that do not rise.
        irregular: pts that stand on no tick at all.
    """

    frames: int
    gaps: tuple[tuple[int, int], ...]
    doubles: tuple[int, ...]
    irregular: tuple[int, ...]

    @property
    def perfect(self) -> bool:
        """Every tick has exactly one frame."""
        return not (self.gaps or self.doubles or self.irregular)

    @property
    def longest_gap(self) -> int:
        """Missing ticks in the longest gap."""
        return max((missing for _, missing in self.gaps), default=0)


def read_packets(path: Path) -> tuple[list[PacketInfo], list[PacketInfo]]:
    """Video and audio packets of a file, in the order in which they stand there; a torn end is no error."""
    found: dict[str, list[PacketInfo]] = {"video": [], "audio": []}
    with av.open(str(path)) as container:
        try:
            for packet in container.demux():
                if packet.size and packet.stream.type in found:
                    found[packet.stream.type].append(_info(packet))
        except av.FFmpegError:
            pass
    return found["video"], found["audio"]


def _info(packet: av.Packet[Any]) -> PacketInfo:
    pts = round((packet.pts or 0) * packet.time_base * SECOND)
    dts = round((packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base * SECOND)
    return PacketInfo(pts, dts, packet.size, packet.is_keyframe)


def formats(path: Path) -> Formats:
    """The formats of a file's first video and audio track; empty where there is none."""
    with av.open(str(path)) as container:
        video = next(iter(container.streams.video), None)
        audio = next(iter(container.streams.audio), None)
        return Formats(
            width=video.width if video else 0,
            height=video.height if video else 0,
            video_codec=video.codec_context.name if video else "",
            profile=_h264_profile(video.codec_context.extradata or b"") if video else "",
            audio_codec=audio.codec_context.name if audio else "",
            audio_profile=str(audio.codec_context.profile or "") if audio else "",
            sample_rate=audio.sample_rate if audio else 0,
            channels=audio.channels if audio else 0,
        )


def _h264_profile(avcc: bytes) -> str:
    """AVCDecoderConfigurationRecord: version, profile_idc, constraints, level (ISO 14496-15 5.3.3.1)."""
    if len(avcc) < 4 or avcc[0] != 1:
        return ""
    name = _PROFILES.get(avcc[1], str(avcc[1]))
    return f"Constrained {name}" if avcc[1] == 66 and avcc[2] & 0x40 else name


def cadence(packets: Sequence[PacketInfo], fps: int) -> Cadence:
    """How well the packets keep to a constant frame rate."""
    gaps, doubles, irregular = [], [], []
    for before, after in pairwise(packets):
        step = after.pts - before.pts
        ticks = round(step * fps / SECOND)
        if ticks < 1:
            doubles.append(after.pts)
        elif ticks > 1:
            gaps.append((before.pts, ticks - 1))
        if packets and abs(_off_grid(after.pts - packets[0].pts, fps)) > _TICK:
            irregular.append(after.pts)
    return Cadence(len(packets), tuple(gaps), tuple(doubles), tuple(irregular))


def _off_grid(since_first: int, fps: int) -> int:
    nearest = round(since_first * fps / SECOND)
    return since_first - nearest * SECOND // fps


def key_distances(packets: Sequence[PacketInfo]) -> list[int]:
    """Nanoseconds from each key frame to the next."""
    return [after - before for before, after in pairwise(packet.pts for packet in packets if packet.key)]


def bitrates_kbps(packets: Sequence[PacketInfo], window_s: float) -> list[float]:
    """The bitrate in every whole window of that length, one after the other."""
    if not packets:
        return []
    first, last = packets[0].pts, packets[-1].pts
    windows = int((last - first) / SECOND / window_s)
    sums = [0] * windows
    for packet in packets:
        place = int((packet.pts - first) / SECOND / window_s)
        if place < windows:
            sums[place] += packet.size
    return [size * 8 / 1000 / window_s for size in sums]
