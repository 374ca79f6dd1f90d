"""Scaling of 4:2:0 pictures straight into views of the canvas, and how a picture is fitted into a rectangle.

Knows nothing of scenes or colours. Proportions and crop modes: layouts.md 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from openmpu.errors import InternalError
from openmpu.media.canvas import Plane, Planes, empty_planes
from openmpu.model.geometry import PixelRect, nearest_even
from openmpu.model.overlays import Fit

cv2.setNumThreads(1)  # a pane is scaled in 50 us: handing parts to other threads costs more CPU than it saves time


def scale_fast() -> None:
    """Let this thread use Intel's resampling where OpenCV has it: half the time, other roundings by 1 of 255.

    OpenCV keeps this wish for each thread by itself, and has no such code on other processors.
    """
    cv2.ipp.setUseIPP_NotExact(True)


_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Placement:
    """Which part of a picture is shown and where; all edges even."""

    source: PixelRect
    target: PixelRect


def place(fit: Fit, width: int, height: int, rect: PixelRect) -> Placement:
    """How a picture of `width` x `height` (even) comes into `rect` (even edges)."""
    whole = PixelRect(0, 0, width, height)
    if fit is Fit.STRETCH:
        return Placement(whole, rect)
    if fit is Fit.CROP:
        return Placement(largest_inside(whole, rect.width, rect.height), rect)
    return Placement(whole, largest_inside(rect, width, height))


def place_rotated(fit: Fit, width: int, height: int, rect: PixelRect, rotation: int) -> Placement:
    """The same for a picture that is turned clockwise by `rotation` degrees; `source` is of the picture as it came."""
    if rotation % 180 == 0:
        return place(fit, width, height, rect)
    lying = PixelRect(rect.top, rect.left, rect.height, rect.width)
    placed = place(fit, width, height, lying)
    target = placed.target
    return Placement(placed.source, PixelRect(target.top, target.left, target.height, target.width))


def largest_inside(rect: PixelRect, width: int, height: int) -> PixelRect:
    """The largest centred rectangle in `rect` with the proportions of `width` : `height`."""
    inner_width = min(rect.width, max(2, nearest_even(rect.height * width / height)))
    inner_height = min(rect.height, max(2, nearest_even(rect.width * height / width)))
    left = rect.left + nearest_even((rect.width - inner_width) / 2)
    top = rect.top + nearest_even((rect.height - inner_height) / 2)
    left, top = min(left, rect.right - inner_width), min(top, rect.bottom - inner_height)
    return PixelRect(left, top, inner_width, inner_height)


class PlaneScaler:
    """Scales planes of one size to another, again and again, with scratch of its own.

    Halved by AREA as long as it is more than twice too large, then LINEAR: within 0.3 dB of AREA alone, which is fast
    at exactly 2:1 only and six to ten times slower elsewhere. The same size is copied.
    """

    def __init__(self, width: int, height: int, to_width: int, to_height: int) -> None:
        self._size = (to_width, to_height)
        self._halves: list[Plane] = []
        while width > 2 * to_width and height > 2 * to_height and width % 2 == 0 and height % 2 == 0:
            width, height = width // 2, height // 2
            self._halves.append(np.empty((height, width), np.uint8))
        self._copies = (width, height) == self._size
        self._method = _last_step(width, height, to_width, to_height)

    def scale(self, source: Plane, target: Plane) -> None:
        """Fills `target`, whose surroundings stay as they are."""
        for half in self._halves:
            cv2.resize(source, half.shape[::-1], dst=half, interpolation=cv2.INTER_AREA)
            source = half
        if self._copies:
            np.copyto(target, source)
        else:
            _expect(cv2.resize(source, self._size, dst=target, interpolation=self._method), target)


def _last_step(width: int, height: int, to_width: int, to_height: int) -> int:
    """LINEAR looks at two samples only: what is still more than twice too large in a direction needs AREA."""
    exactly_half = (width, height) == (2 * to_width, 2 * to_height)
    if exactly_half or width > 2 * to_width or height > 2 * to_height:
        return cv2.INTER_AREA
    return cv2.INTER_LINEAR


def _expect(result: object, target: Plane) -> None:
    """OpenCV silently paints somewhere else when the target does not suit it."""
    if result is not target:
        raise InternalError("canvas", f"a picture was not painted into its view of {target.shape}")


class PictureScaler:
    """Brings 4:2:0 pictures of one size upright into targets of one size."""

    def __init__(self, source: PixelRect, target: PixelRect, rotation: int = 0) -> None:
        """`source` and `target` as in a `Placement` of pictures turned clockwise by `rotation`."""
        self._source = source
        self._turn = _ROTATIONS.get(rotation)
        width, height = (target.width, target.height) if rotation % 180 == 0 else (target.height, target.width)
        self._scratch = empty_planes(width, height) if self._turn is not None else None
        self._luma = PlaneScaler(source.width, source.height, width, height)
        self._chroma = PlaneScaler(source.width // 2, source.height // 2, width // 2, height // 2)

    def scale(self, picture: Planes, target: Planes) -> None:
        """Fills `target` with the part of `picture` that is shown."""
        part = picture.cut(self._source)
        into = self._scratch or target
        self._luma.scale(part.y, into.y)
        self._chroma.scale(part.u, into.u)
        self._chroma.scale(part.v, into.v)
        if self._scratch is not None and self._turn is not None:
            for turned, plane in zip(self._scratch, target, strict=True):
                _expect(cv2.rotate(turned, self._turn, dst=plane), plane)
