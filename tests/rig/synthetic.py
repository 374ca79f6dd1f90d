"""Streams made here with known faults, so that the analysis itself can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from openmpu.clients import marks
from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.looks import colour_of, tone_of
from openmpu.clients.picture import Look, Picture
from openmpu.clients.sound import Voice, samples
from openmpu.model.geometry import PixelRect

EPOCH = 1_800_000_000
"""Unix seconds at which synthetic streams begin."""
_AAC_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class Person:
    """A test publisher as a mixer would show and play it."""

    look: Look
    voice: Voice
    pane: PixelRect
    sound_late_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a stream, on purpose."""

    dropped: frozenset[int] = field(default_factory=frozenset)
    """Output frames that are left out."""
    doubled: frozenset[int] = field(default_factory=frozenset)
    """Output frames whose time stamp is that of the frame before."""


def write_stream(
    path: Path, people: list[Person], seconds: float, *, fps: int = 25, fault: Fault | None = None, **options: Any
) -> None:
    """An FLV of 1280x720 H.264 High and AAC that shows and plays `people`, every frame exactly in time."""
    fault = fault or Fault()
    with av.open(str(path), "w", format="flv") as container:
        video = container.add_stream("libx264", rate=fps, options={"preset": "veryfast", "tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        video.bit_rate, video.gop_size = options.get("bitrate_kbps", 1024) * 1000, 2 * fps
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.colorspace = 6
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        pictures = {person.look.tag: Picture(person.look) for person in people}
        for number in range(round(seconds * fps)):
            if number not in fault.dropped:
                shown = number - 1 if number in fault.doubled else number
                frame = av.VideoFrame.from_ndarray(_canvas(people, pictures, number, fps), format="yuv420p")
                frame.pts, frame.time_base = shown * 1000 // fps, Fraction(1, 1000)
                container.mux(_packets(video, frame, number in fault.doubled))
        _write_sound(container, audio, people, seconds)


def _packets(video: Any, frame: av.VideoFrame, doubled: bool) -> list[Any]:
    """Encoded with rising time stamps, then told the wrong one."""
    wanted = frame.pts or 0
    frame.pts = wanted + 20 if doubled else wanted
    packets = list(video.encode(frame))
    for packet in packets:
        packet.pts = packet.dts = wanted
    return packets


def _canvas(people: list[Person], pictures: Mapping[int, Picture], number: int, fps: int) -> npt.NDArray[np.uint8]:
    canvas = np.full((1080, 1280), 128, np.uint8)
    canvas[:720] = 16
    for person in people:
        own = person.look.fps
        moment = (EPOCH * fps + number) * 1_000_000_000 // fps
        latest = moment * own // 1_000_000_000
        _show(canvas, pictures[person.look.tag].paint(latest), person)
    return canvas


def _show(canvas: npt.NDArray[np.uint8], painted: npt.NDArray[np.uint8], person: Person) -> None:
    look, pane = person.look, person.pane
    luma = cv2.resize(painted[: look.height], (pane.width, pane.height), interpolation=cv2.INTER_AREA)
    canvas[pane.top : pane.bottom, pane.left : pane.right] = luma
    chroma = painted[look.height :].reshape(2, look.height // 2, look.width // 2)
    planes = canvas[720:].reshape(2, 360, 640)
    for place in range(2):
        small = cv2.resize(chroma[place], (pane.width // 2, pane.height // 2), interpolation=cv2.INTER_AREA)
        planes[place, pane.top // 2 : pane.bottom // 2, pane.left // 2 : pane.right // 2] = small


def _write_sound(container: Any, audio: Any, people: list[Person], seconds: float) -> None:
    for first in range(0, int(seconds * SAMPLE_RATE), _AAC_SAMPLES):
        mixed = np.zeros(_AAC_SAMPLES, np.float32)
        for person in people:
            late = round(person.sound_late_s * SAMPLE_RATE)
            mixed += samples(person.voice, EPOCH * SAMPLE_RATE + first - late, _AAC_SAMPLES) / np.float32(32768)
        frame = av.AudioFrame.from_ndarray(np.stack([mixed, mixed]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
        container.mux(audio.encode(frame))


def person(
    name: str, pane: PixelRect, look: Look | None = None, voice: Voice | None = None, *, late: float = 0.0
) -> Person:
    """A person with the defaults of their name."""
    look = look or Look(640, 360, 30, colour_of(name), name, marks.tag_of(name))
    return Person(look, voice or Voice(tone_of(name)), pane, late)
