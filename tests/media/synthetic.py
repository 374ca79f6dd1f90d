"""Publishers made of thin air: encoded frames with arrival times, as a gateway would hand them on.

Pictures are fields of one colour that turn white for 100 ms at each full second; sound is a tone that beeps at the same
moments. Everything is made by real encoders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import av
import numpy as np

from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import MILLISECOND, SECOND

FLASH = 100 * MILLISECOND
ENCODERS = {"h264": "libx264", "vp8": "libvpx", "vp9": "libvpx-vp9", "h265": "libx265", "av1": "libsvtav1"}


def colour_frame(width: int, height: int, ycbcr: tuple[int, int, int]) -> av.VideoFrame:
    """A picture of one colour, given in the picture's own samples."""
    planes = [np.full(height * width, ycbcr[0], np.uint8)]
    planes += [np.full(height * width // 4, value, np.uint8) for value in ycbcr[1:]]
    return av.VideoFrame.from_ndarray(np.concatenate(planes).reshape(height * 3 // 2, width), "yuv420p")


def video_encoder(codec: str, width: int, height: int, fps: int, gop: int) -> av.VideoCodecContext:
    """An encoder as a browser has one: no delay, no B-frames."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 1000), Fraction(fps)
    context.gop_size, context.max_b_frames, context.thread_count = gop, 0, 1
    context.bit_rate = 800_000
    context.color_range = 1
    options = {
        "h264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
        "vp8": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
        "vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
        "h265": {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "log-level=none"},
        "av1": {"preset": "12", "svtav1-params": "pred-struct=1:rc=2"},
    }
    context.options = options[codec]
    return context


@dataclass(frozen=True)
class Camera:
    """Frames of one colour, with flashes."""

    ycbcr: tuple[int, int, int]
    codec: str = "h264"
    width: int = 320
    height: int = 180
    fps: int = 30
    seconds: float = 4.0
    gop: int = 300
    rtp_start: int = 90_000

    def frames(self) -> list[EncodedFrame]:
        """All of them, arriving at the moment of capture, without NTP times."""
        return list(_camera_frames(self))


@cache
def _camera_frames(camera: Camera) -> tuple[EncodedFrame, ...]:
    return tuple(_encode_camera(camera))


def _encode_camera(camera: Camera) -> Iterator[EncodedFrame]:
    context = video_encoder(camera.codec, camera.width, camera.height, camera.fps, camera.gop)
    count = round(camera.seconds * camera.fps)
    for number in range(count):
        pts = number * SECOND // camera.fps
        lit = pts % SECOND < FLASH
        frame = colour_frame(camera.width, camera.height, (235, 128, 128) if lit else camera.ycbcr)
        frame.pts, frame.time_base = pts // MILLISECOND, Fraction(1, 1000)
        for packet in context.encode(frame):
            rtp = (camera.rtp_start + pts * 9 // 100_000) % (1 << 32)
            yield EncodedFrame(rtp, pts, bytes(packet), key=packet.is_keyframe)


@dataclass(frozen=True)
class Microphone:
    """A tone; `beep` only at the full seconds, for 100 ms, else all the time."""

    hertz: float
    beep: bool = True
    seconds: float = 4.0
    level: float = 0.4
    rtp_start: int = 48_000
    ppm: float = 0.0

    def frames(self) -> list[EncodedFrame]:
        """All packets, 20 ms each, arriving when their last sample was there."""
        return list(_microphone_frames(self))


@cache
def _microphone_frames(microphone: Microphone) -> tuple[EncodedFrame, ...]:
    return tuple(_encode_microphone(microphone))


def _encode_microphone(microphone: Microphone) -> Iterator[EncodedFrame]:
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "stereo", "flt", 64_000
    context.options = {"application": "lowdelay", "frame_duration": "20"}
    for number in range(round(microphone.seconds * 50)):
        at = number * 960 + np.arange(960)
        tone = microphone.level * np.sin(2 * np.pi * microphone.hertz * at / 48_000)
        if microphone.beep:
            tone = tone * (at % 48_000 < 4800)
        samples = np.repeat(tone.astype(np.float32), 2)[None, :]
        frame = av.AudioFrame.from_ndarray(samples, "flt", "stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        for packet in context.encode(frame):
            rtp = (microphone.rtp_start + number * 960) % (1 << 32)
            arrival = round((number + 1) * 20 * MILLISECOND * (1 - microphone.ppm / 1e6))
            yield EncodedFrame(rtp, arrival, bytes(packet))


def delayed(frames: list[EncodedFrame], by: int) -> list[EncodedFrame]:
    """The same, arriving later."""
    return [replace(frame, arrival=frame.arrival + by) for frame in frames]
