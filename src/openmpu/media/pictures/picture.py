"""A decoded picture, and how it comes into its rectangle of the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from openmpu.media.blending import Artwork
from openmpu.media.scaling import largest_inside
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import Fit

_OPAQUE_BLACK = (0, 0, 0, 255)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Rows, columns, (red, green, blue, alpha) of 8 bits, colours multiplied by alpha."""

    pixels: npt.NDArray[np.uint8]

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])


def fit_picture(picture: Picture, fit: Fit, rect: PixelRect) -> Artwork:
    """The picture in `rect` (even edges) of the canvas (layouts.md 5, 6)."""
    if fit is Fit.STRETCH:
        return Artwork(rect, _resized(picture.pixels, rect))
    if fit is Fit.CROP:
        return Artwork(rect, _resized(_middle(picture, rect), rect))
    inner = largest_inside(rect, picture.width, picture.height)
    pixels = _resized(picture.pixels, inner)
    return Artwork(inner, pixels) if fit is Fit.CONTAIN else Artwork(rect, _on_black(pixels, inner, rect))


def _resized(pixels: npt.NDArray[np.uint8], rect: PixelRect) -> npt.NDArray[np.uint8]:
    shrinks = pixels.shape[0] > rect.height or pixels.shape[1] > rect.width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (rect.width, rect.height), interpolation=how), np.uint8)


def _middle(picture: Picture, rect: PixelRect) -> npt.NDArray[np.uint8]:
    """The largest part in the middle with the proportions of `rect`."""
    width = max(1, min(picture.width, round(picture.height * rect.width / rect.height)))
    height = max(1, min(picture.height, round(picture.width * rect.height / rect.width)))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.pixels[top : top + height, left : left + width]


def _on_black(pixels: npt.NDArray[np.uint8], inner: PixelRect, rect: PixelRect) -> npt.NDArray[np.uint8]:
    ground = np.empty((rect.height, rect.width, 4), np.uint8)
    ground[:] = _OPAQUE_BLACK
    left, top = inner.left - rect.left, inner.top - rect.top
    part = ground[top : top + inner.height, left : left + inner.width]
    part[..., :3] = pixels[..., :3]  # multiplied by alpha: over black nothing is to be added
    return ground
