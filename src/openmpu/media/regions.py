"""Regions: sets of pixels of the canvas as disjoint rectangles. Pure arithmetic, no pixels' contents."""

from __future__ import annotations

from collections.abc import Iterable

from openmpu.model.geometry import PixelRect

Region = tuple[PixelRect, ...]
"""Rectangles that do not overlap; the empty tuple is nothing."""

NOTHING: Region = ()


def even_cover(rect: PixelRect) -> PixelRect:
    """The smallest rectangle with even edges around `rect`: 4:2:0 is painted in pairs."""
    left, top = rect.left & ~1, rect.top & ~1
    return PixelRect(left, top, (rect.right + 1 & ~1) - left, (rect.bottom + 1 & ~1) - top)


def holds(outer: PixelRect, inner: PixelRect) -> bool:
    """Whether `inner` lies wholly in `outer`."""
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and outer.right >= inner.right
        and outer.bottom >= inner.bottom
    )


def touches(one: PixelRect, other: PixelRect) -> bool:
    """Whether they share a pixel."""
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def common(region: Region, rect: PixelRect) -> Region:
    """The part of `region` in `rect`."""
    return tuple(piece.intersection(rect) for piece in region if touches(piece, rect))


def without(region: Region, rect: PixelRect) -> Region:
    """The part of `region` outside `rect`."""
    return tuple(rest for piece in region for rest in _outside(piece, rect))


def union(region: Region, rects: Iterable[PixelRect]) -> Region:
    """`region` and `rects`, which may overlap it and one another."""
    for rect in rects:
        if not rect.empty and not any(holds(piece, rect) for piece in region):
            region = (*without(region, rect), rect)
    return region


def area(region: Region) -> int:
    """Its number of pixels."""
    return sum(piece.width * piece.height for piece in region)


def _outside(piece: PixelRect, rect: PixelRect) -> Iterable[PixelRect]:
    if not touches(piece, rect):
        yield piece
        return
    hole = piece.intersection(rect)
    bands = (
        PixelRect(piece.left, piece.top, piece.width, hole.top - piece.top),
        PixelRect(piece.left, hole.bottom, piece.width, piece.bottom - hole.bottom),
        PixelRect(piece.left, hole.top, hole.left - piece.left, hole.height),
        PixelRect(hole.right, hole.top, piece.right - hole.right, hole.height),
    )
    yield from (band for band in bands if not band.empty)
