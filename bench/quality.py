"""PSNR and SSIM of an encoded mix against a reference: the decoded inputs scaled by Lanczos into the panes.

Each tool has its own idea of which input picture belongs to a tick, so that each pane is compared with the input
pictures near its time and the best counts. Luma only; every sixth picture; the first second is left out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import av
import cv2
import numpy as np

from bench.jobs import Inputs, Job
from bench.peers import targets
from openmpu.media.decoding.video import VideoDecoder
from openmpu.model.frames import EncodedFrame
from openmpu.model.geometry import PixelRect

EVERY = 6
NEAR = (0, -1, 1, -2, 2)
"""Input pictures from the one that belongs to the tick; the nearest first."""

Plane = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Quality:
    """Means over panes and pictures."""

    psnr: float
    ssim: float
    kbps: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return asdict(self)


def judge(job: Job, inputs: Inputs, codec: str, encoded: bytes) -> Quality:
    """How good `encoded` (Annex B) is."""
    pictures = _decoded(encoded)
    found = []
    until = min(len(pictures), len(inputs.cameras[0]) * job.video.fps // job.fps)
    for number in range(job.video.fps, until - job.video.fps // 2, EVERY):
        for place, rect in enumerate(targets(job)):
            found.append(_pane(job, inputs.cameras[place], codec, pictures[number], number, rect))
    psnr, ssim = np.mean(np.array(found), axis=0)
    return Quality(float(psnr), float(ssim), len(encoded) * 8 / 1000 / (len(pictures) / job.video.fps))


def _pane(
    job: Job, camera: tuple[EncodedFrame, ...], codec: str, picture: Plane, number: int, rect: PixelRect
) -> tuple[float, float]:
    shown = picture[rect.top : rect.bottom, rect.left : rect.right]
    middle = round(number * job.fps / job.video.fps)
    near = [middle + step for step in NEAR if 0 <= middle + step < len(camera)]
    best = max(
        (_reference(camera, codec, at, rect.width, rect.height) for at in near), key=lambda one: psnr(one, shown)
    )
    return psnr(best, shown), ssim(best, shown)


@lru_cache(maxsize=4)
def _inputs(camera: tuple[EncodedFrame, ...], codec: str) -> list[Plane]:
    decoder = VideoDecoder(codec)
    return [_luma(picture) for frame in camera if (picture := decoder.decode(frame)) is not None]


@lru_cache(maxsize=512)
def _reference(camera: tuple[EncodedFrame, ...], codec: str, at: int, width: int, height: int) -> Plane:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(_inputs(camera, codec)[at]), "gray")
    return _luma(frame.reformat(width=width, height=height, interpolation="LANCZOS"))


def _decoded(encoded: bytes) -> list[Plane]:
    context = av.CodecContext.create("h264", "r")
    packets = [*context.parse(encoded), *context.parse(None)]
    return [_luma(picture) for packet in [*packets, None] for picture in context.decode(packet)]


def _luma(frame: av.VideoFrame) -> Plane:
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width].copy()


def psnr(one: Plane, other: Plane) -> float:
    """Decibels."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def ssim(one: Plane, other: Plane) -> float:
    """Wang et al. 2004, Gaussian window of 11."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float(np.mean(top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def _blurred(values: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5))
