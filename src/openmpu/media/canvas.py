"""The canvas: the output picture being painted, planar 4:2:0 in one buffer, and views of 4:2:0 pictures.

Knows nothing of scenes. Samples are limited range; the matrix follows the picture's height (`model.colours.matrix_of`).
"""

from __future__ import annotations

from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt

from openmpu.errors import Invalid
from openmpu.model.colours import BLACK, BT709, matrix_of, to_ycbcr
from openmpu.model.geometry import PixelRect

Plane = npt.NDArray[np.uint8]

_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG
_FLAGS_709 = (1, 1, 1)  # AVCOL_SPC_BT709, AVCOL_PRI_BT709, AVCOL_TRC_BT709
_FLAGS_601 = (6, 6, 6)  # SMPTE 170M: BT.601 of 525 lines


class Planes(NamedTuple):
    """One 4:2:0 picture or a part of it: luma, then the two chroma planes of half its width and height."""

    y: Plane
    u: Plane
    v: Plane

    @property
    def width(self) -> int:
        """Columns of luma."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Rows of luma."""
        return int(self.y.shape[0])

    def cut(self, rect: PixelRect) -> Planes:
        """Views of a part; `rect` has even edges and lies inside."""
        top, bottom, left, right = rect.top, rect.bottom, rect.left, rect.right
        rows, columns = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        return Planes(self.y[top:bottom, left:right], self.u[rows, columns], self.v[rows, columns])


def empty_planes(width: int, height: int) -> Planes:
    """A picture of its own, not initialised; even size."""
    return Planes(
        np.empty((height, width), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
        np.empty((height // 2, width // 2), np.uint8),
    )


def planes_of(frame: av.VideoFrame) -> Planes:
    """Views of a decoded frame's samples, without a copy; format yuv420p or yuvj420p.

    An odd last column or row is left out: its chroma sample would stand for pixels that are not there.
    """
    width, height = frame.width & ~1, frame.height & ~1
    luma, cb, cr = frame.planes
    return Planes(_view(luma, width, height), _view(cb, width // 2, height // 2), _view(cr, width // 2, height // 2))


def _view(plane: av.video.plane.VideoPlane, width: int, height: int) -> Plane:
    samples: Plane = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # a Buffer, which its stubs do not say
    return samples.reshape(-1, plane.line_size)[:height, :width]


class Canvas:
    """The output picture being painted; lives as long as the output's size.

    Attributes:
        rect: All of it.
        matrix: Its colour space.
        planes: Views of the one buffer; black at first.
    """

    def __init__(self, width: int, height: int) -> None:
        """Raises Invalid where a side is odd or less than 2."""
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise Invalid("canvas", f"{width}x{height} is not an even size")
        self.rect = PixelRect(0, 0, width, height)
        self.matrix = matrix_of(height)
        self._buffer = np.empty((height * 3 // 2, width), np.uint8)
        self.planes = self._split(width, height)
        for plane, value in zip(self.planes, to_ycbcr(BLACK, self.matrix), strict=True):
            plane.fill(value)

    def _split(self, width: int, height: int) -> Planes:
        flat, luma, chroma = self._buffer.reshape(-1), width * height, width * height // 4
        return Planes(
            flat[:luma].reshape(height, width),
            flat[luma : luma + chroma].reshape(height // 2, width // 2),
            flat[luma + chroma :].reshape(height // 2, width // 2),
        )

    def cut(self, rect: PixelRect) -> Planes:
        """Views of a part; `rect` has even edges and lies inside."""
        return self.planes.cut(rect)

    def as_frame(self) -> av.VideoFrame:
        """A frame over the very buffer, without a copy, flagged with range and colour space.

        What is painted later shows in it: give it to an encoder, which takes its own copy, before the next tick.
        """
        frame = av.VideoFrame.from_numpy_buffer(self._buffer, "yuv420p")
        frame.color_range = _LIMITED_RANGE
        flags = _FLAGS_709 if self.matrix is BT709 else _FLAGS_601
        frame.colorspace, frame.color_primaries, frame.color_trc = flags
        return frame
