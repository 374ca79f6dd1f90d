"""Looking at decoded pictures: colours, pane edges, and what the test pictures in the panes say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from openmpu.clients.reading import Sight, look
from openmpu.clients.snapshots import colour_space, to_png
from openmpu.model.colours import BT601, BT709, Colour, Matrix
from openmpu.model.geometry import PixelRect
from tests.rig.packets import SECOND

Plane = npt.NDArray[np.uint8]

_OUTSIDE, _INSIDE = 4, 8
"""Pixels looked at on either side of an edge: less than the thinnest gap between panes and the thinnest border."""
_LEAST_STEP = 12.0


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture: planes without padding, and how its colours are meant."""

    pts: int
    key: bool
    luma: Plane
    cb: Plane
    cr: Plane
    matrix: Matrix

    def ycbcr(self, rect: PixelRect) -> tuple[float, float, float]:
        """Mean of a rectangle, as coded."""
        half = slice(rect.top // 2, max(rect.top // 2 + 1, rect.bottom // 2))
        across = slice(rect.left // 2, max(rect.left // 2 + 1, rect.right // 2))
        luma = self.luma[rect.top : rect.bottom, rect.left : rect.right]
        return float(luma.mean()), float(self.cb[half, across].mean()), float(self.cr[half, across].mean())

    def colour(self, rect: PixelRect) -> tuple[float, float, float]:
        """Mean red, green and blue of a rectangle, 0 to 255."""
        return to_rgb(self.ycbcr(rect), self.matrix)

    def colour_at(self, x: int, y: int) -> tuple[float, float, float]:
        """Red, green and blue around a point: the 4x4 pixels whose left-top quarter it ends."""
        return self.colour(PixelRect(max(0, x // 2 * 2 - 2), max(0, y // 2 * 2 - 2), 4, 4))


def to_rgb(ycbcr: tuple[float, float, float], matrix: Matrix) -> tuple[float, float, float]:
    """Limited-range YCbCr as red, green and blue (ITU-R BT.601 2.5, BT.709 3)."""
    y, cb, cr = (ycbcr[0] - 16) / 219, (ycbcr[1] - 128) / 224, (ycbcr[2] - 128) / 224
    red, blue = y + 2 * (1 - matrix.red) * cr, y + 2 * (1 - matrix.blue) * cb
    green = (y - matrix.red * red - matrix.blue * blue) / (1 - matrix.red - matrix.blue)
    return red * 255, green * 255, blue * 255


def distance(colour: tuple[float, float, float], wanted: Colour) -> float:
    """The largest difference of red, green or blue."""
    return max(abs(colour[0] - wanted.red), abs(colour[1] - wanted.green), abs(colour[2] - wanted.blue))


def pictures(path: Path, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[Picture]:
    """The decoded pictures whose pts lies in [start, end) seconds of the stream; a torn end is no error."""
    for frame in _frames(path, end_s):
        pts = _pts(frame)
        if start_s * SECOND <= pts:
            yield _picture(frame, pts)


def _frames(path: Path, end_s: float) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        try:
            for frame in container.decode(stream):
                if _pts(frame) >= end_s * SECOND:
                    return
                yield frame
        except av.FFmpegError:
            return


def _pts(frame: av.VideoFrame) -> int:
    return round((frame.pts or 0) * (frame.time_base or 0) * SECOND)


def _picture(frame: av.VideoFrame, pts: int) -> Picture:
    planes = [_plane(plane) for plane in frame.planes]
    matrix = BT709 if colour_space(frame).name == "ITU709" else BT601
    return Picture(pts, frame.key_frame, planes[0], planes[1], planes[2], matrix)


def _plane(plane: av.video.plane.VideoPlane) -> Plane:
    """A copy without padding: the frame's memory goes back to the decoder."""
    padded = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    kept: Plane = padded[:, : plane.width].copy()
    return kept


def cut_picture(path: Path, seconds: float) -> bytes:
    """The first picture at or after `seconds` of the stream, as PNG; else the last one.

    Raises:
        ValueError: The stream has no picture.
    """
    last = None
    for frame in _frames(path, float("inf")):
        last = frame
        if _pts(frame) >= seconds * SECOND:
            break
    if last is None:
        raise ValueError(f"{path} has no picture")
    return to_png(last)


def watch(
    path: Path, panes: Mapping[str, PixelRect], start_s: float = 0.0, end_s: float = float("inf")
) -> dict[str, list[Sight]]:
    """What the test pictures in the panes say, picture by picture, in one pass."""
    seen: dict[str, list[Sight]] = {name: [] for name in panes}
    for picture in pictures(path, start_s, end_s):
        for name, pane in panes.items():
            seen[name].append(look(picture.luma, pane, picture.pts))
    return seen


def pane_edges(picture: Picture, pane: PixelRect) -> dict[str, float | None]:
    """Where the pane's edges really are, looked for within a few pixels of where they should be.

    Returns:
        Columns for `left` and `right`, rows for `top` and `bottom`, as in `PixelRect`; None where nothing changes
        across the edge (it is not there), or where the edge is the picture's own.
    """
    height, width = picture.luma.shape
    image = _full_size(picture)
    rows = slice(pane.top + pane.height // 4, pane.bottom - pane.height // 4)
    columns = slice(pane.left + pane.width // 4, pane.right - pane.width // 4)
    across, down = image[:, rows, :].mean(axis=1), image[:, :, columns].mean(axis=2)
    return {
        "left": _edge(across, pane.left, width, rising=True),
        "right": _edge(across, pane.right, width, rising=False),
        "top": _edge(down, pane.top, height, rising=True),
        "bottom": _edge(down, pane.bottom, height, rising=False),
    }


def _full_size(picture: Picture) -> npt.NDArray[np.float32]:
    height, width = picture.luma.shape
    chroma = [np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1)[:height, :width] for plane in (picture.cb, picture.cr)]
    return np.stack([picture.luma, *chroma]).astype(np.float32)


def _edge(profile: npt.NDArray[np.float32], place: int, size: int, *, rising: bool) -> float | None:
    """Where a profile (3 x length) steps from outside to inside, between the pixels; to a fraction of a pixel."""
    before, after = (_OUTSIDE, _INSIDE) if rising else (_INSIDE, _OUTSIDE)
    if place - before < 0 or place + after > size:
        return None
    part = profile[:, place - before : place + after]
    first, last = part[:, :2].mean(axis=1), part[:, -2:].mean(axis=1)
    step = last - first
    length = float(np.linalg.norm(step))
    if length < _LEAST_STEP:
        return None
    share = step @ (part - first[:, None]) / length**2
    crossing = int(np.argmax(share >= 0.5))
    below, above = float(share[crossing - 1]), float(share[crossing])
    return place - before + crossing - 0.5 + (0.5 - below) / max(above - below, 1e-6)
