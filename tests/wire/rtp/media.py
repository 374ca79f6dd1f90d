"""Real encoded pictures, and what a decoder makes of them."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

WIDTH, HEIGHT = 320, 180
_ENCODERS = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}),
    "h265": (
        "libx265",
        {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "repeat-headers=1:log-level=none:pools=none"},
    ),
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "av1": ("libsvtav1", {"preset": "11", "svtav1-params": "pred-struct=1:rc=2:lp=1"}),
}
_DECODERS = {"h264": "h264", "h265": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}


@cache
def encoded(codec: str, count: int = 12, width: int = WIDTH, height: int = HEIGHT) -> tuple[bytes, ...]:
    """Encoded pictures of a moving pattern with noise, a key frame every sixth."""
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 30)
    encoder.bit_rate, encoder.gop_size, encoder.thread_count = 1_500_000, 6, 1
    encoder.options = options
    noise = np.random.default_rng(1)
    pictures = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(_pattern(number, width, height, noise), format="yuv420p")
        frame.pts = number
        pictures += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(pictures + [bytes(packet) for packet in encoder.encode(None)])


def _pattern(number: int, width: int, height: int, noise: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[0 : height * 3 // 2, 0:width]
    waves = 128 + 60 * np.sin((columns + 4 * number) / 17) + 40 * np.cos((rows - 3 * number) / 11)
    return np.clip(waves + noise.normal(0, 6, waves.shape), 0, 255).astype(np.uint8)


def decoded(codec: str, pictures: list[bytes]) -> list[np.ndarray]:
    """What a decoder shows, one array per picture."""
    decoder = av.CodecContext.create(_DECODERS[codec], "r")
    decoder.thread_count = 1
    frames = []
    for number, data in enumerate(pictures):
        packet = av.Packet(data)
        packet.pts = number
        frames += decoder.decode(packet)
    frames += decoder.decode(None)
    return [frame.to_ndarray(format="yuv420p") for frame in frames]


def nal_units(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B access unit, without start codes."""
    units = data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [unit for unit in units if unit]
