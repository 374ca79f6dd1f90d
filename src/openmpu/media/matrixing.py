"""Conversion of 4:2:0 pictures between colour spaces and ranges, in place, on the small scaled planes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from openmpu.media.canvas import Plane, Planes
from openmpu.media.colour_space import ColourSpace

_Affine = npt.NDArray[np.float64]


def _to_rgb(space: ColourSpace) -> tuple[_Affine, _Affine]:
    """Samples minus offset, times matrix, give RGB of 0 to 1."""
    luma_range, chroma_range = (255, 255) if space.full_range else (219, 224)
    red, blue = space.matrix.red, space.matrix.blue
    green = 1 - red - blue
    cb, cr = 2 * (1 - blue), 2 * (1 - red)
    rows = [[1, 0, cr], [1, -cb * blue / green, -cr * red / green], [1, cb, 0]]
    matrix = np.array(rows) / [luma_range, chroma_range, chroma_range]
    return matrix, np.array([0.0 if space.full_range else 16.0, 128.0, 128.0])


class Conversion:
    """From one colour space to another for pictures of one size.

    Luma gets a correction that depends on chroma alone (every YCbCr matrix has the same grey axis), so that it is
    computed at chroma size, around 128, split into a positive and a negative part, and added with saturation.
    """

    def __init__(self, source: ColourSpace, target: ColourSpace, width: int, height: int) -> None:
        forward, offset = _to_rgb(source)
        backward, target_offset = _to_rgb(target)
        self._weights = np.linalg.inv(backward) @ forward
        self._base = target_offset - self._weights @ offset
        self._rescale = source.full_range != target.full_range
        self._mixes = source.matrix != target.matrix
        chroma = (height // 2, width // 2)
        self._u, self._delta, self._part = (np.empty(chroma, np.uint8) for _ in range(3))
        self._nothing = np.full(chroma, 128, np.uint8)
        self._doubled = np.empty((*chroma, 2), np.uint8)

    def convert(self, planes: Planes) -> None:
        """Converts in place."""
        if self._rescale:
            _mix(planes.y, self._weights[0, 0], planes.y, 0, self._luma_base(), planes.y)
        if self._mixes:
            self._correct_luma(planes)
        self._convert_chroma(planes)

    def _luma_base(self) -> float:
        """Luma's offset at neutral chroma."""
        return float(self._base[0] + 128 * (self._weights[0, 1] + self._weights[0, 2]))

    def _correct_luma(self, planes: Planes) -> None:
        by_u, by_v = (float(self._weights[0, place]) for place in (1, 2))
        _mix(planes.u, by_u, planes.v, by_v, 128 - 128 * (by_u + by_v), self._delta)
        cv2.subtract(self._delta, self._nothing, dst=self._part)
        self._apply(cv2.add, planes)
        cv2.subtract(self._nothing, self._delta, dst=self._part)
        self._apply(cv2.subtract, planes)

    def _apply(self, saturated: Callable[..., object], planes: Planes) -> None:
        """Each sample of chroma size stands for two by two of luma."""
        cv2.merge((self._part, self._part), dst=self._doubled)
        wide: Plane = self._doubled.reshape(self._part.shape[0], -1)
        for rows in (planes.y[0::2], planes.y[1::2]):
            saturated(rows, wide, dst=rows)

    def _convert_chroma(self, planes: Planes) -> None:
        by_u, by_v = self._weights[1], self._weights[2]
        _mix(planes.u, float(by_u[1]), planes.v, float(by_u[2]), float(self._base[1]), self._u)
        _mix(planes.u, float(by_v[1]), planes.v, float(by_v[2]), float(self._base[2]), planes.v)
        np.copyto(planes.u, self._u)


def _mix(one: Plane, by_one: float, other: Plane, by_other: float, base: float, target: Plane) -> None:
    cv2.addWeighted(one, by_one, other, by_other, base, dst=target)
