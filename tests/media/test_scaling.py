"""Scaling into views of the canvas, and fitting."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.errors import InternalError
from openmpu.media.canvas import Canvas, planes_of
from openmpu.media.scaling import PictureScaler, PlaneScaler, place, place_rotated
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import Fit
from tests.media.pictures_and_people import noise

PANE = PixelRect(100, 50, 160, 90)
even = st.integers(1, 400).map(lambda half: 2 * half)


def smooth(width, height):
    """A plane with structure that survives shrinking."""
    across, down = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 2, height))
    return (128 + 60 * np.sin(across * 3) + 50 * np.cos(down * 4)).astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "to"),
    [
        ((1280, 720), (320, 180)),
        ((1280, 720), (426, 240)),
        ((640, 360), (638, 270)),
        ((320, 180), (640, 360)),
        ((1366, 768), (320, 180)),
        ((854, 480), (160, 90)),
    ],
)
def test_scaled_like_area(size, to):
    """Every road ends within a level (root mean square) of OpenCV's AREA or, enlarging, LINEAR."""
    source, target = smooth(*size), np.zeros((to[1], to[0]), np.uint8)
    PlaneScaler(*size, *to).scale(source, target)
    best = cv2.resize(source, to, interpolation=cv2.INTER_AREA if to[0] < size[0] else cv2.INTER_LINEAR)
    assert np.sqrt(np.mean((target.astype(float) - best) ** 2)) < 1


def test_same_size_is_copied():
    """Every sample stays."""
    source, target = smooth(64, 36), np.zeros((36, 64), np.uint8)
    PlaneScaler(64, 36, 64, 36).scale(source, target)
    assert np.array_equal(source, target)


def test_surroundings_are_untouched():
    """Only the pane's own samples change, in all planes."""
    canvas, before = Canvas(640, 360), Canvas(640, 360)
    PictureScaler(PixelRect(0, 0, 320, 180), PANE).scale(planes_of(noise(320, 180, 1)), canvas.cut(PANE))
    assert not np.array_equal(canvas.cut(PANE).y, before.cut(PANE).y)
    for inside, old in zip(canvas.cut(PANE), before.cut(PANE), strict=True):
        inside[:] = old
    assert all(np.array_equal(plane, old) for plane, old in zip(canvas.planes, before.planes, strict=True))


def test_a_target_of_another_size_is_noticed():
    """OpenCV would paint somewhere else and say nothing."""
    with pytest.raises(InternalError):
        PlaneScaler(64, 36, 32, 18).scale(smooth(64, 36), np.zeros((20, 32), np.uint8))


@pytest.mark.parametrize("size", [(2, 2), (2, 90), (160, 2), (4, 2)])
def test_smallest_targets(size):
    """A pane of 2x2 has one chroma sample."""
    canvas = Canvas(640, 360)
    rect = PixelRect(0, 0, *size)
    PictureScaler(PixelRect(0, 0, 320, 180), rect).scale(planes_of(noise(320, 180, 1)), canvas.cut(rect))


@pytest.mark.parametrize(("rotation", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
def test_turned_clockwise(rotation, turns):
    """A frame with rotation 90 stands upright after a quarter turn clockwise."""
    upright = place_rotated(Fit.STRETCH, 64, 36, PixelRect(0, 0, 36, 64), rotation)
    if rotation % 180 == 0:
        upright = place_rotated(Fit.STRETCH, 64, 36, PixelRect(0, 0, 64, 36), rotation)
    canvas, picture = Canvas(64, 64), planes_of(noise(64, 36, 3))
    PictureScaler(upright.source, upright.target, rotation).scale(picture, canvas.cut(upright.target))
    for plane, seen in zip(picture, canvas.cut(upright.target), strict=True):
        assert np.array_equal(np.rot90(plane, turns), seen)


@given(st.sampled_from(list(Fit)), even, even, even, even, st.sampled_from([0, 90, 180, 270]))
def test_placement_stays_inside(fit, width, height, pane_width, pane_height, rotation):
    """Whatever the proportions: even edges, nothing outside the picture or the pane, nothing empty."""
    room = PixelRect(20, 40, pane_width, pane_height)
    placed = place_rotated(fit, width, height, room, rotation)
    assert placed.target.intersection(room) == placed.target
    assert placed.source.intersection(PixelRect(0, 0, width, height)) == placed.source
    for rect in (placed.source, placed.target):
        assert not rect.empty
        assert all(value % 2 == 0 for value in (rect.left, rect.top, rect.width, rect.height))


def test_crop_cuts_both_sides_evenly():
    """16:9 into a square: the middle of the picture fills it."""
    placed = place(Fit.CROP, 1280, 720, PixelRect(0, 0, 360, 360))
    assert placed.source == PixelRect(280, 0, 720, 720)
    assert placed.target == PixelRect(0, 0, 360, 360)


@pytest.mark.parametrize("fit", [Fit.CONTAIN, Fit.CONTAIN_ON_BLACK])
def test_contain_keeps_proportions(fit):
    """4:3 into 16:9: the same height, borders left and right (layouts.md 9, case 10)."""
    placed = place(fit, 640, 480, PixelRect(0, 0, 1280, 720))
    assert placed.target == PixelRect(160, 0, 960, 720)


@given(even, even, even, even)
def test_contain_is_within_two_pixels_of_the_proportions(width, height, pane_width, pane_height):
    """The inner rectangle is the exact one, rounded to even."""
    placed = place(Fit.CONTAIN, width, height, PixelRect(0, 0, pane_width, pane_height))
    scale = min(pane_width / width, pane_height / height)
    assert abs(placed.target.width - width * scale) <= 2
    assert abs(placed.target.height - height * scale) <= 2
