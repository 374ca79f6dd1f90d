"""Frames, scenes and pictures for the tests of the compositor: deterministic, told by their colours."""

from __future__ import annotations

import av
import numpy as np

from openmpu.media.canvas import Planes
from openmpu.media.pictures.picture import Picture
from openmpu.media.standins import frame_of
from openmpu.media.video import ShownFrame
from openmpu.model.colours import BT601, Colour, Matrix, to_ycbcr
from openmpu.model.geometry import WHOLE, PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import ImageLayer, PaneLayer, Scene, TextLayer

RED, GREEN, BLUE = Colour(255, 0, 0), Colour(0, 255, 0), Colour(0, 0, 255)
WHITE, BLACK, GREY = Colour(255, 255, 255), Colour(0, 0, 0), Colour(128, 128, 128)
YELLOW, NAVY = Colour(255, 255, 0), Colour(10, 20, 60)


def flat(width: int, height: int, colour: Colour, matrix: Matrix = BT601) -> av.VideoFrame:
    """A frame of one colour; sides may be odd."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, to_ycbcr(colour, matrix), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


def noise(width: int, height: int, seed: int) -> av.VideoFrame:
    """A frame in which no two samples need be equal."""
    random = np.random.default_rng(seed)
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(random.integers(0, 256, plane.buffer_size, dtype=np.uint8).tobytes())
    return frame


def quarters(width: int, height: int) -> av.VideoFrame:
    """Red, green, blue and yellow quarters with a white middle: left-top, right-top, left-bottom, right-bottom."""
    planes = Planes(*(np.empty((height // by, width // by), np.uint8) for by in (1, 2, 2)))
    for number, plane in enumerate(planes):
        rows, columns = plane.shape
        middle_row, middle_column = rows // 2, columns // 2
        plane[:middle_row, :middle_column] = to_ycbcr(RED, BT601)[number]
        plane[:middle_row, middle_column:] = to_ycbcr(GREEN, BT601)[number]
        plane[middle_row:, :middle_column] = to_ycbcr(BLUE, BT601)[number]
        plane[middle_row:, middle_column:] = to_ycbcr(YELLOW, BT601)[number]
        down, aside = rows // 6, columns // 6
        plane[middle_row - down : middle_row + down, middle_column - aside : middle_column + aside] = to_ycbcr(
            WHITE, BT601
        )[number]
    return frame_of(planes)


def shown(frame: av.VideoFrame, serial: int = 1, rotation: int = 0) -> ShownFrame:
    """As a worker hands it to the compositor."""
    return ShownFrame(frame, serial, rotation)


def pane(
    number: int,
    rect: PixelRect,
    fit: Fit = Fit.STRETCH,
    *,
    fill: Colour | None = None,
    overlays: tuple[ImageLayer | TextLayer, ...] = (),
) -> PaneLayer:
    """A pane whose track is named like its number."""
    return PaneLayer(number, rect, WHOLE, number, fit, fill, track_id=TrackId(str(number)), overlays=overlays)


def newest(*frames: av.VideoFrame, serial: int = 1) -> dict[TrackId, ShownFrame]:
    """The first frame for pane 0, and so on."""
    return {TrackId(str(number)): ShownFrame(frame, serial) for number, frame in enumerate(frames)}


def scene(*panes: PaneLayer, width: int = 640, height: int = 360, background: Colour = BLACK) -> Scene:
    """A scene with panes only."""
    return Scene(width, height, 1, background, panes=panes)


def plain_picture(colour: Colour, alpha: int = 255, width: int = 8, height: int = 8) -> Picture:
    """A picture of one colour and one alpha (0 to 255)."""
    pixels = np.empty((height, width, 4), np.uint8)
    parts = (colour.red, colour.green, colour.blue)
    pixels[:] = (*(round(part * alpha / 255) for part in parts), alpha)
    return Picture(pixels)


class Gallery:
    """Pictures by name, there at once; a name that nobody put there is still loading."""

    def __init__(self, **pictures: Picture) -> None:
        self.pictures = dict(pictures)

    def get(self, url: str, now: int) -> Picture | None:
        return self.pictures.get(url)
