"""The font that is always there: OpenCV brings one with Chinese, Latin, Greek, Cyrillic, Hebrew and Arabic letters.

A sans-serif of one weight that does not put right-to-left letters into their order. Drawn where the machine has no
Chinese font of its own.
"""

from __future__ import annotations

import threading
from functools import lru_cache

import cv2
import numpy as np

from openmpu.media.canvas import Plane

NAME = "the built-in sans-serif"
_FACE = "uni"
_EM = 0.93
"""OpenCV's size is that of its tallest letters; times this, Chinese letters are as wide as the size says."""
_ASCENT, _DESCENT = 0.95, 0.25
_WIDEST = 1 << 16
_INSIDE = 127
_lock = threading.Lock()
"""OpenCV's glyph caches are not told to be safe for several threads."""


class BuiltInFont:
    """The font in one size (pixels); speaks as Pillow's do."""

    def __init__(self, size: int) -> None:
        self._size = max(1, round(size * _EM))
        self._metrics = round(size * _ASCENT), round(size * _DESCENT)

    def getmetrics(self) -> tuple[int, int]:
        """Ascent and descent."""
        return self._metrics

    def getlength(self, text: str) -> float:
        """Pixels that a text advances."""
        if not text:
            return 0.0
        with _lock:
            return float(cv2.getTextSize((_WIDEST, 1), text, (0, 0), _face(), self._size)[2] - 1)

    def masks(self, shape: tuple[int, int], start: tuple[float, float], text: str, outline: int) -> tuple[Plane, Plane]:
        """Letters, and letters with their outline, in new masks of `shape`.

        Args:
            shape: Rows and columns.
            start: Column at which the text begins, row on which it stands.
            text: One line.
            outline: Pixels; 0: both are the same.
        """
        letters = np.zeros(shape, np.uint8)
        with _lock:
            cv2.putText(letters, text, (round(start[0]), round(start[1])), 255, _face(), self._size)
        if not outline:
            return letters, letters
        away = cv2.distanceTransform(np.where(letters > _INSIDE, 0, 255).astype(np.uint8), cv2.DIST_L2, 5)
        around = np.clip((outline + 0.5 - away) * 255, 0, 255).astype(np.uint8)
        return letters, np.maximum(letters, around)


@lru_cache(maxsize=1)
def _face() -> cv2.FontFace:
    return cv2.FontFace(_FACE)
