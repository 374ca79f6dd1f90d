"""Camera-like clips, made from a seed: soft texture that pans, a head that moves, sensor noise; and a voice-like sound.

Encoded as browsers send: H.264 constrained baseline without delay, one slice a picture, a key frame each five seconds.
Encoded clips are kept in the system's temporary directory, for the next run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from tests.media.sound.speech import speech

from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import MILLISECOND, SECOND

KEY_EVERY_S = 5
CODECS = {
    "h264": ("libx264", {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}),
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0", "error-resilient": "1"}),
}


def texture(height: int, width: int, chance: np.random.Generator) -> np.ndarray:
    """Noise whose strength falls with its fineness, as in pictures of rooms."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 9):
        grain = chance.normal(0, 1, (max(2, height >> octave), max(2, width >> octave))).astype(np.float32)
        total += cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC) * 2.0 ** (octave - 5)
    return np.clip(120 + 18 * total / total.std(), 16, 235)


def pictures(
    width: int, height: int, fps: int, seconds: float, seed: int, speed: float = 1.0
) -> Iterator[av.VideoFrame]:
    """The clip, unencoded; `speed` of everything that moves."""
    chance = np.random.default_rng(seed)
    room = texture(height * 2, width * 2, chance)
    noise = chance.normal(0, 1.6, (height + 64, width + 64)).astype(np.float32)
    rows, columns = np.ogrid[:height, :width]
    for number in range(round(seconds * fps)):
        at = number / fps * speed
        left, top = (int(offset * (1 + np.sin(at * pace)) / 2) for offset, pace in ((width, 0.21), (height, 0.17)))
        luma = room[top : top + height, left : left + width].copy()
        x, y = width * (0.5 + 0.1 * np.sin(at * 1.3)), height * (0.55 + 0.03 * np.sin(at * 2.1))
        head = ((columns - x) / (width * 0.12)) ** 2 + ((rows - y) / (height * 0.28)) ** 2 < 1
        luma[head] = luma[head] * 0.4 + 100
        shift = chance.integers(0, 64, 2)
        luma += noise[shift[0] : shift[0] + height, shift[1] : shift[1] + width]
        frame = av.VideoFrame(width, height, "yuv420p")
        _fill(frame, np.clip(luma, 16, 235).astype(np.uint8), head)
        yield frame


def _fill(frame: av.VideoFrame, luma: np.ndarray, head: np.ndarray) -> None:
    chroma = head[::2, ::2]
    planes = (luma, np.where(chroma, 112, 126).astype(np.uint8), np.where(chroma, 148, 130).astype(np.uint8))
    for plane, samples in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = samples
        plane.update(padded.tobytes())


@cache
def camera(
    codec: str, width: int, height: int, fps: int, kbps: int, seconds: float, seed: int, matrix: int | None = None
) -> tuple[EncodedFrame, ...]:
    """The clip as a publisher sends it.

    Args:
        codec: `h264` or `vp8`.
        width: Pixels.
        height: Pixels.
        fps: Pictures a second.
        kbps: Kilobits a second.
        seconds: Its length.
        seed: Other pictures for each.
        matrix: What it says of its colours, by the number of H.273; None: nothing.
    """
    name = "-".join(str(part) for part in (codec, width, height, fps, kbps, seconds, seed, matrix))
    kept = Path(tempfile.gettempdir()) / "openmpu-bench" / f"{name}.npz"
    if not kept.exists():
        _keep(kept, _encoded(codec, (width, height), fps, kbps, matrix, pictures(width, height, fps, seconds, seed)))
    return _kept(kept, fps)


def _encoded(
    codec: str, size: tuple[int, int], fps: int, kbps: int, matrix: int | None, frames: Iterator[av.VideoFrame]
) -> list[tuple[bytes, bool]]:
    name, options = CODECS[codec]
    context = av.CodecContext.create(name, "w")
    context.width, context.height, context.pix_fmt = *size, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 90_000), Fraction(fps)
    context.bit_rate, context.gop_size, context.max_b_frames = kbps * 1000, KEY_EVERY_S * fps, 0
    context.thread_count, context.options = 1, options
    if matrix is not None:
        context.color_range = 1
        context.colorspace = context.color_primaries = context.color_trc = matrix
    found = []
    for number, frame in enumerate(frames):
        frame.pts = number * 90_000 // fps
        if matrix is not None:
            frame.color_range = 1
            frame.colorspace = frame.color_primaries = frame.color_trc = matrix
        found += [(bytes(packet), packet.is_keyframe) for packet in context.encode(frame)]
    return found


def _keep(path: Path, packets: list[tuple[bytes, bool]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.frombuffer(b"".join(packet for packet, _ in packets), np.uint8)
    half = path.with_suffix(".half.npz")
    np.savez(half, data=data, sizes=[len(packet) for packet, _ in packets], keys=[key for _, key in packets])
    half.replace(path)


def _kept(path: Path, fps: int) -> tuple[EncodedFrame, ...]:
    with np.load(path) as kept:
        data, ends, keys = kept["data"].tobytes(), np.cumsum(kept["sizes"]).tolist(), kept["keys"].tolist()
    return tuple(
        EncodedFrame(number * 90_000 // fps, number * SECOND // fps, data[begin:end], key=key)
        for number, (begin, end, key) in enumerate(zip([0, *ends], ends, keys, strict=False))
    )


@cache
def microphone(seconds: float, seed: int) -> tuple[EncodedFrame, ...]:
    """Noise in syllables, as Opus of 32 kbit/s, with the levels that browsers tell (RFC 6464)."""
    chance = np.random.default_rng(seed)
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = 48_000, "stereo", "flt", 32_000
    found = []
    for number in range(round(seconds * 50)):
        loud = 0.1 * max(0.0, np.sin(number / 50 * 2 * np.pi * 3 + seed))
        samples = np.repeat(chance.normal(0, loud, 960).astype(np.float32), 2)[None, :]
        frame = av.AudioFrame.from_ndarray(samples, "flt", "stereo")
        frame.sample_rate, frame.pts = 48_000, number * 960
        found += [
            EncodedFrame(number * 960, (number + 1) * 20 * MILLISECOND, bytes(packet), level=_level(loud))
            for packet in context.encode(frame)
        ]
    return tuple(found)


def talking(path: Path, width: int, height: int, fps: int, kbps: int, seconds: int, seed: int) -> Path:
    """The clip with somebody who speaks, as a file to be published: a pure tone would cost AAC three times as much."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps, options=dict(CODECS["h264"][1]))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.bit_rate, video.gop_size = kbps * 1000, KEY_EVERY_S * fps
        sound = container.add_stream("pcm_s16le", rate=48_000, layout="stereo")
        for number, frame in enumerate(pictures(width, height, fps, seconds, seed)):
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        spoken = np.resize(speech(), (seconds * 48_000, 2))
        frame = av.AudioFrame.from_ndarray((spoken * 32767).astype(np.int16).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux(sound.encode(frame))
    return path


def _level(loud: float) -> int:
    return min(127, round(-20 * np.log10(loud))) if loud > 0 else 127
