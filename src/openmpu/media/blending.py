"""Pictures with transparency, made ready once and blended many times, inside their own rectangle only.

An `Artwork` is premultiplied RGBA; a `Sprite` is what it becomes for a colour space: premultiplied 4:2:0 planes and how
much of the ground shows through. Alpha 0.5 is half within one level; opaque parts are copied, transparent edges left
out. Knows nothing of files, fonts or scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from openmpu.media.canvas import Canvas, Plane, Planes
from openmpu.media.regions import touches
from openmpu.media.stack import Paint
from openmpu.model.colours import Colour, Matrix
from openmpu.model.geometry import PixelRect

Pixels = npt.NDArray[np.uint8]
"""Rows, columns, (red, green, blue, alpha): 0 to 255 each, colours already multiplied by alpha."""


@dataclass(frozen=True, slots=True, eq=False)
class Artwork:
    """A drawing and where it lies on the canvas; `rect` has even edges and the size of `pixels`."""

    rect: PixelRect
    pixels: Pixels


def cover(pixels: Pixels, colour: Colour, mask: Plane) -> None:
    """Lays a colour over `pixels` where `mask` says (255: wholly)."""
    shares = cv2.merge([mask] * 4)
    ink = np.outer(np.arange(256), [colour.red, colour.green, colour.blue, 255]) / 255
    cv2.multiply(pixels, 255 - shares, dst=pixels, scale=1 / 255)
    cv2.add(pixels, cv2.LUT(shares, np.rint(ink).astype(np.uint8).reshape(256, 1, 4)), dst=pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """An artwork ready for canvases of one colour space.

    Attributes:
        rect: Where there is anything to see; even edges.
        planes: Premultiplied by alpha.
        through: For each sample the share of the ground that stays, 255 being all of it.
        opaque: Nothing of the ground stays.
    """

    rect: PixelRect
    planes: Planes
    through: Planes
    opaque: bool

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What lays its part in `clip` (inside `rect`, even edges) over the canvas."""
        ground = canvas.cut(clip)
        inside = PixelRect(clip.left - self.rect.left, clip.top - self.rect.top, clip.width, clip.height)
        planes, through = self.planes.cut(inside), self.through.cut(inside)
        return _copy(ground, planes) if self.opaque else _blend(ground, planes, through)


def _copy(ground: Planes, planes: Planes) -> Paint:
    def paint() -> None:
        for target, plane in zip(ground, planes, strict=True):
            np.copyto(target, plane)

    return paint


def _blend(ground: Planes, planes: Planes, through: Planes) -> Paint:
    samples = tuple(zip(ground, planes, through, strict=True))

    def paint() -> None:
        for target, plane, share in samples:
            cv2.multiply(target, share, dst=target, scale=1 / 255)
            cv2.add(target, plane, dst=target)

    return paint


def to_sprite(artwork: Artwork, alpha: float, matrix: Matrix) -> Sprite | None:
    """The sprite of an artwork that is shown with `alpha` over all of it, as large as what is not transparent.

    None where nothing can be seen.
    """
    seen = _seen(artwork.pixels[..., 3], alpha)
    if seen is None:
        return None
    rect = PixelRect(artwork.rect.left + seen.left, artwork.rect.top + seen.top, seen.width, seen.height)
    pixels = artwork.pixels[seen.top : seen.bottom, seen.left : seen.right]
    return whole_sprite(Artwork(rect, pixels), alpha, matrix)


def whole_sprite(artwork: Artwork, alpha: float, matrix: Matrix) -> Sprite:
    """The same, as large as the artwork."""
    pixels, rect = artwork.pixels, artwork.rect
    halved = cv2.resize(pixels, (rect.width // 2, rect.height // 2), interpolation=cv2.INTER_AREA)
    weights = _weights(matrix) * np.float32(alpha)
    luma, chroma = cv2.transform(pixels, weights[[0, 3]]), cv2.transform(halved, weights[1:])
    planes = Planes(_channel(luma, 0), _channel(chroma, 0), _channel(chroma, 1))
    fine, coarse = 255 - _channel(luma, 1), 255 - _channel(chroma, 2)
    return Sprite(rect, planes, Planes(fine, coarse, coarse), not fine.any())


def _channel(samples: npt.NDArray[np.generic], number: int) -> Plane:
    return np.ascontiguousarray(samples[..., number], np.uint8)


def _seen(alphas: Pixels, alpha: float) -> PixelRect | None:
    """The rectangle with even edges around everything that is not wholly transparent."""
    visible = alphas * np.float32(alpha) >= 0.5
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if not rows.size:
        return None
    left, top = int(columns[0]) & ~1, int(rows[0]) & ~1
    return PixelRect(left, top, (int(columns[-1]) + 2 & ~1) - left, (int(rows[-1]) + 2 & ~1) - top)


def _weights(matrix: Matrix) -> npt.NDArray[np.float32]:
    """Rows Y, Cb, Cr, alpha over (red, green, blue, alpha): limited range, offsets times alpha like the rest."""
    red, blue = matrix.red, matrix.blue
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    rows = [[*luma * 219, 16], [*cb * 224, 128], [*cr * 224, 128], [0, 0, 0, 255]]
    return (np.array(rows) / 255).astype(np.float32)


class SpriteLayer:
    """A sprite in a scene, clipped to where it may be seen."""

    whole = False
    live = False

    def __init__(self, sprite: Sprite, room: PixelRect) -> None:
        """Room: its pane, or the canvas; it touches the sprite's rectangle."""
        self.rect = sprite.rect.intersection(room)
        self.opaque = sprite.opaque
        self._sprite = sprite

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What lays the sprite's part in `clip` over the canvas."""
        return self._sprite.bind(canvas, clip)


def layer_of(sprite: Sprite | None, room: PixelRect) -> SpriteLayer | None:
    """The layer of a sprite; None where it cannot be seen."""
    return SpriteLayer(sprite, room) if sprite and touches(sprite.rect, room) else None
