"""Regions against sets of pixels."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.media.regions import area, common, even_cover, union, without
from openmpu.model.geometry import PixelRect

rects = st.builds(PixelRect, st.integers(0, 12), st.integers(0, 12), st.integers(1, 8), st.integers(1, 8))


def pixels(region):
    return {(x, y) for rect in region for x in range(rect.left, rect.right) for y in range(rect.top, rect.bottom)}


@given(st.lists(rects, max_size=6), rects)
def test_operations_are_those_of_sets(many, one):
    """Union, intersection and difference hold exactly the pixels they should."""
    region = union((), many)
    assert pixels(region) == pixels(many)
    assert pixels(common(region, one)) == pixels(many) & pixels([one])
    assert pixels(without(region, one)) == pixels(many) - pixels([one])


@given(st.lists(rects, max_size=6))
def test_rectangles_of_a_region_do_not_overlap(many):
    """So that no pixel is painted twice."""
    region = union((), many)
    assert area(region) == len(pixels(region))


@given(rects)
def test_even_cover_is_the_smallest(rect):
    """It holds the rectangle, has even edges and is at most a pixel larger on each side."""
    cover = even_cover(rect)
    assert all(edge % 2 == 0 for edge in (cover.left, cover.top, cover.right, cover.bottom))
    assert 0 <= rect.left - cover.left <= 1
    assert 0 <= rect.top - cover.top <= 1
    assert 0 <= cover.right - rect.right <= 1
    assert 0 <= cover.bottom - rect.bottom <= 1
