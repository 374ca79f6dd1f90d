"""From shares to pixels (layouts.md 5)."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.model.geometry import PixelRect, Rect, nearest_even, to_pixels

HD = PixelRect(0, 0, 1280, 720)


def test_edges_are_the_nearest_even_pixels_ties_up():
    """0.2516 of 720 is 181.15: 182 is nearer than 180; 1 lies between 0 and 2 and goes up."""
    assert nearest_even(181.152) == 182
    assert nearest_even(1) == 2
    assert to_pixels(Rect(0.0021, 0.2516, 0.4968, 0.4968), HD) == PixelRect(2, 182, 636, 356)


def test_a_rectangle_over_the_edge_is_clipped():
    """Not refused (operations.md 1.5)."""
    assert to_pixels(Rect(0.75, 0.5, 1.0, 1.0), HD) == PixelRect(960, 360, 320, 360)


shares = st.floats(0, 1, allow_nan=False)


@given(shares, shares, shares, shares, st.integers(1, 960), st.integers(1, 540))
def test_every_rectangle_is_even_and_inside(x, y, width, height, half_width, half_height):
    """Whatever is asked, 4:2:0 can be painted there: even edges, at least 2x2, within the canvas."""
    canvas = PixelRect(0, 0, 2 * half_width, 2 * half_height)

    rect = to_pixels(Rect(x, y, width, height), canvas)

    assert all(edge % 2 == 0 for edge in (rect.left, rect.top, rect.right, rect.bottom))
    assert rect.width >= 2
    assert rect.height >= 2
    assert rect.intersection(canvas) == rect
