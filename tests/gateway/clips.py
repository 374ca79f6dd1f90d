"""Small synthetic clips, encoded as publishers encode: pictures without B-frames, sound as 20 ms Opus packets."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

FPS = 25
GOP = 25
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
}


@cache
def video(codec: str, seconds: int = 2, width: int = 320, height: int = 180) -> tuple[bytes, ...]:
    """Encoded pictures of a moving gradient: `libx264` or `libvpx`; a key frame each second."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.gop_size, context.bit_rate, context.thread_count = GOP, 400_000, 1
    context.options = _OPTIONS[codec]
    packets = [packet for n in range(seconds * FPS) for packet in context.encode(_picture(n, width, height))]
    return tuple(bytes(packet) for packet in [*packets, *context.encode(None)])


def _picture(number: int, width: int, height: int) -> av.VideoFrame:
    row = (np.arange(width) + 5 * number) % 220
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = row + 16
    frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
    frame.pts = number
    if number % GOP == 0:
        frame.pict_type = av.video.frame.PictureType.I
    return frame


@cache
def opus(seconds: int = 2) -> tuple[bytes, ...]:
    """A tone of 440 Hz in Opus packets of 20 ms."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "stereo", "s16", 64_000
    context.time_base = Fraction(1, 48_000)
    packets = [packet for n in range(seconds * 50) for packet in context.encode(_block(n))]
    return tuple(bytes(packet) for packet in packets)


def _block(number: int) -> av.AudioFrame:
    at = np.arange(number * 960, (number + 1) * 960)
    wave = (np.sin(2 * np.pi * 440 * at / 48_000) * 8_000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2).reshape(1, -1), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
    return frame


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B picture, whichever start codes it has."""
    return [unit.rstrip(b"\0") for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
