"""Rectangles: in shares of a canvas or pane as the API gives them, and in pixels as they are painted."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in shares (0 to 1) of whatever it lies on; origin left-top (operations.md 1.5)."""

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0


WHOLE = Rect()


@dataclass(frozen=True, slots=True)
class PixelRect:
    """A rectangle in whole pixels of the canvas."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.top + self.height

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.width <= 0 or self.height <= 0

    def intersection(self, other: PixelRect) -> PixelRect:
        """What both cover; `empty` where they do not touch."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return PixelRect(left, top, max(0, right - left), max(0, bottom - top))


def nearest_even(value: float) -> int:
    """The even number nearest to `value`, ties up (layouts.md 5): 4:2:0 pictures are painted in pairs."""
    return 2 * math.floor(value / 2 + 0.5)


def to_pixels(rect: Rect, canvas: PixelRect) -> PixelRect:
    """Where `rect` (shares of `canvas`) lies in pixels (layouts.md 5): even edges, at least 2x2, clipped."""
    left = canvas.left + nearest_even(rect.x * canvas.width)
    top = canvas.top + nearest_even(rect.y * canvas.height)
    right = canvas.left + nearest_even((rect.x + rect.width) * canvas.width)
    bottom = canvas.top + nearest_even((rect.y + rect.height) * canvas.height)
    left, right = _within(left, right, canvas.left, canvas.right)
    top, bottom = _within(top, bottom, canvas.top, canvas.bottom)
    return PixelRect(left, top, right - left, bottom - top)


def _within(low: int, high: int, least: int, most: int) -> tuple[int, int]:
    low = max(least, min(low, most - 2))
    return low, min(most, max(high, low + 2))
