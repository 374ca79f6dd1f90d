"""Stand-in people for previews: a head and shoulders before a coloured wall, with the user's name.

Deterministic: the same name always looks the same. They are also cut out here, as no model takes drawings for people.
"""

from __future__ import annotations

import colorsys
import zlib

import av
import cv2
import numpy as np

from openmpu.media.blending import Artwork, Pixels, whole_sprite
from openmpu.media.canvas import Planes
from openmpu.media.lettering.fonts import FontSource
from openmpu.media.lettering.texts import draw_text
from openmpu.media.segmentation.port import Mask, SmallPicture
from openmpu.model.colours import BT601, Colour
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle

WIDTH, HEIGHT = 640, 360
_NAME_SIZE = 36
_WHITE = Colour(255, 255, 255)
_WALL, _BORDER, _BODY, _HEAD = 0.35, 0.5, 0.62, 0.75
"""How light each part is, from 0 to 1."""
_LIGHTER_THAN_WALLS = 255 * (_BORDER + 0.02), 255 * (_BODY - 0.02)


def stand_in(name: str, fonts: FontSource) -> av.VideoFrame:
    """A picture of somebody called `name`, as a WebRTC sender's decoder gives it: 4:2:0, BT.601."""
    pixels = _person(zlib.crc32(name.encode()) % 360)
    _sign(pixels, name, fonts)
    sprite = whole_sprite(Artwork(PixelRect(0, 0, WIDTH, HEIGHT), pixels), 1.0, BT601)
    return frame_of(sprite.planes)


class StandInSegmenter:
    """Finds stand-ins, and their names, by their lightness; at once."""

    notes: tuple[str, ...] = ()
    usable = True

    def watch(self) -> _StandInWatcher:
        """Begins with another pane."""
        return _StandInWatcher()


class _StandInWatcher:
    """The mask of the newest picture."""

    def __init__(self) -> None:
        self._mask: Mask | None = None

    def look(self, picture: SmallPicture) -> None:
        lightness = picture.max(axis=2) / 2 + picture.min(axis=2) / 2
        self._mask = np.interp(lightness, _LIGHTER_THAN_WALLS, (0, 255)).astype(np.uint8)

    def mask(self) -> Mask | None:
        return self._mask


def frame_of(planes: Planes) -> av.VideoFrame:
    """A frame with a copy of the planes."""
    frame = av.VideoFrame(planes.width, planes.height, "yuv420p")
    for plane, samples in zip(frame.planes, planes, strict=True):
        rows = np.zeros((samples.shape[0], plane.line_size), np.uint8)
        rows[:, : samples.shape[1]] = samples
        plane.update(rows.tobytes())
    return frame


def _shade(hue: int, light: float) -> tuple[int, int, int, int]:
    red, green, blue = colorsys.hls_to_rgb(hue / 360, light, 0.45)
    return round(red * 255), round(green * 255), round(blue * 255), 255


def _person(hue: int) -> Pixels:
    pixels: Pixels = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:] = _shade(hue, _WALL)
    middle = WIDTH // 2
    cv2.ellipse(pixels, (middle, HEIGHT), (150, 140), 0, 180, 360, _shade(hue, _BODY), -1, cv2.LINE_AA)
    cv2.circle(pixels, (middle, 145), 75, _shade(hue, _HEAD), -1, cv2.LINE_AA)
    cv2.rectangle(pixels, (0, 0), (WIDTH - 1, HEIGHT - 1), _shade(hue, _BORDER), 8)
    return pixels


def _sign(pixels: Pixels, name: str, fonts: FontSource) -> None:
    style = TextStyle(font_type=1, font_size=_NAME_SIZE, colour=_WHITE, border_width=2)
    art = draw_text(name, style, 24, HEIGHT - 80, PixelRect(0, 0, WIDTH, HEIGHT), fonts)
    if art is not None:
        rect = art.rect
        part = pixels[rect.top : rect.bottom, rect.left : rect.right]
        ground = part.astype(np.uint16) * (255 - art.pixels[..., 3:].astype(np.uint16)) // 255
        part[:] = np.minimum(ground + art.pixels, 255).astype(np.uint8)
