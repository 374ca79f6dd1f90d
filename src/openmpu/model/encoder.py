"""Encoder profiles: what the output's picture and sound are, and the table MediaEncode (operations.md 3.6)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

VideoCodec = Literal["h264", "h265"]


@dataclass(frozen=True, slots=True)
class VideoProfile:
    """The output's picture: size in pixels, constant frame rate, bitrate, key frame distance in frames."""

    width: int
    height: int
    fps: int
    bitrate_kbps: int
    gop: int
    codec: VideoCodec = "h264"
    profile: str = "high"
    preset: str | None = None


@dataclass(frozen=True, slots=True)
class AudioProfile:
    """The output's sound: AAC-LC."""

    bitrate_kbps: int = 128
    sample_rate: int = 48_000
    channels: int = 2


@dataclass(frozen=True, slots=True)
class MediaEncode:
    """One row of the table: `video` is None for audio only."""

    video: VideoProfile | None
    audio: AudioProfile


KEY_FRAME_SECONDS = 2
"""operations.md 3.6: a key frame every 2 s."""


def _row(row: dict[str, str]) -> MediaEncode:
    if row["audio_only"] == "1":
        return MediaEncode(None, AudioProfile(bitrate_kbps=int(row["bitrate_kbps"])))
    fps = int(row["fps"])
    video = VideoProfile(int(row["width"]), int(row["height"]), fps, int(row["bitrate_kbps"]), KEY_FRAME_SECONDS * fps)
    return MediaEncode(video, AudioProfile())


def _read_table() -> dict[int, MediaEncode]:
    text = files("openmpu.data").joinpath("mediaencode.csv").read_text(encoding="utf-8")
    return {int(row["id"]): _row(row) for row in csv.DictReader(text.splitlines())}


MEDIA_ENCODES = MappingProxyType(_read_table())
"""MediaEncode id -> profiles, from `data/mediaencode.csv`."""
