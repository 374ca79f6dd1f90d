"""Real H.264, H.265 and AAC packets for outputs, and a publisher's clock to feed them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache

import av
import numpy as np

from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.roster import Kind

SECOND = 1_000_000_000
FPS = 25
AUDIO = AudioProfile()


def profile(width=320, height=180, codec="h264"):
    """What `pictures` of that size are."""
    return VideoProfile(width, height, FPS, 400, FPS, codec)


def stream(width=320, height=180, codec="h264", *, audio=True, video=True):
    """The format of a whole stream."""
    return StreamFormat(profile(width, height, codec) if video else None, AUDIO if audio else None)


@cache
def pictures(width=320, height=180, codec="h264", seconds=2, x264_profile="high"):
    """Encoded moving noise: a key frame each second, parameter sets in band."""
    context = av.CodecContext.create("libx265" if codec == "h265" else "libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(FPS), Fraction(1, FPS)
    context.bit_rate, context.gop_size, context.thread_count = 400_000, FPS, 1
    extra = {"x265-params": "log-level=none:bframes=0:pools=1:frame-threads=1"} if codec == "h265" else {}
    context.options = {"preset": "ultrafast", "tune": "zerolatency", **extra}
    if codec == "h264":
        context.options = {"preset": "veryfast", "tune": "zerolatency", "profile": x264_profile}
    noise = np.random.default_rng(1).integers(16, 200, (height * 3 // 2, width), dtype=np.uint8)
    packets = []
    for tick in range(seconds * FPS):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, 4 * tick, axis=1), format="yuv420p")
        frame.pts, frame.time_base = tick, context.time_base
        packets += context.encode(frame)
    packets += context.encode(None)
    return [Packet(Kind.VIDEO, p.pts * SECOND // FPS, bytes(p), bool(p.is_keyframe)) for p in packets]


@cache
def sounds(seconds=2, rate=48_000):
    """Encoded 440 Hz."""
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = rate, "stereo", "fltp"
    context.bit_rate, context.time_base = 128_000, Fraction(1, rate)
    packets = []
    for block in range(seconds * rate // 1024):
        phase = 2 * np.pi * 440 * (np.arange(1024) + block * 1024) / rate
        wave = (0.3 * np.sin(phase)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, block * 1024, context.time_base
        packets += context.encode(frame)
    return [Packet(Kind.AUDIO, max(0, p.pts) * SECOND // rate, bytes(p)) for p in packets]


def both(seconds=2):
    """Pictures and sound in order of time."""
    return sorted(pictures(seconds=seconds) + sounds(seconds), key=lambda packet: packet.pts)


@dataclass
class Studio:
    """Plays pictures and sound in real time into outputs, over and over, with running pts; restarts at a key on demand.

    Attributes:
        outputs: Anything with `put`.
        speed: Pts per time.
        start: First pts.
    """

    outputs: list = field(default_factory=list)
    start: int = 0
    speed: float = 1.0
    with_video: bool = True
    with_audio: bool = True
    sent: list = field(default_factory=list)
    keys_asked: int = 0
    _restart: bool = False

    def need_key_frame(self) -> None:
        """For the outputs."""
        self.keys_asked += 1
        self._restart = True

    async def run(self) -> None:
        """Play until cancelled."""
        await asyncio.gather(self._play(self._pictures()), self._play(self._sounds()))

    async def _play(self, packets) -> None:
        began = time.monotonic()
        for packet in packets:
            due = began + (packet.pts - self.start) / SECOND / self.speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.sent.append(packet)
            for output in self.outputs:
                output.put(packet)

    def _pictures(self):
        tick = place = 0
        while self.with_video:
            if self._restart:
                self._restart, place = False, 0
            yield replace(pictures()[place], pts=self.start + tick * SECOND // FPS)
            tick, place = tick + 1, (place + 1) % len(pictures())

    def _sounds(self):
        block = 0
        while self.with_audio:
            yield replace(sounds()[block % len(sounds())], pts=self.start + block * 1024 * SECOND // 48_000)
            block += 1
