"""The canvas: one buffer, seen as planes and as a frame."""

import numpy as np
import pytest

from openmpu.errors import Invalid
from openmpu.media.canvas import Canvas, planes_of
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.geometry import PixelRect
from tests.media.pictures_and_people import BLACK, flat, noise

SIZES = sorted({(row.video.width, row.video.height) for row in MEDIA_ENCODES.values() if row.video})


@pytest.mark.parametrize("size", SIZES)
def test_frame_shows_what_is_painted_without_a_copy(size):
    """A frame taken before painting shows what was painted after it, in all three planes."""
    canvas = Canvas(*size)
    frame = canvas.as_frame()
    canvas.planes.y[0, 0], canvas.planes.u[-1, -1], canvas.planes.v[1, 0] = 77, 88, 99
    seen = planes_of(frame)
    assert (frame.width, frame.height) == size
    assert (seen.y[0, 0], seen.u[-1, -1], seen.v[1, 0]) == (77, 88, 99)


def test_begins_black():
    """Nothing of the memory's earlier life can be seen."""
    canvas = Canvas(64, 36)
    assert [int(plane.min()) for plane in canvas.planes] == [16, 128, 128]
    assert [int(plane.max()) for plane in canvas.planes] == [16, 128, 128]


@pytest.mark.parametrize(("height", "flags"), [(718, (6, 6, 6, 1)), (720, (1, 1, 1, 1))])
def test_colour_space_is_flagged(height, flags):
    """BT.709 from 720 lines on, BT.601 below, always limited range."""
    frame = Canvas(64, height).as_frame()
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == flags


@pytest.mark.parametrize("size", [(0, 0), (63, 36), (64, 35), (-2, 2)])
def test_odd_sizes_are_refused(size):
    """4:2:0 has no half pairs."""
    with pytest.raises(Invalid):
        Canvas(*size)


def test_cut_reaches_the_same_place_in_all_planes():
    """A part's chroma is the chroma of its luma."""
    canvas = Canvas(64, 36)
    part = canvas.cut(PixelRect(10, 4, 20, 8))
    assert (part.width, part.height, part.u.shape) == (20, 8, (4, 10))
    part.u[0, 0] = 5
    assert canvas.planes.u[2, 5] == 5


def test_views_of_a_padded_frame():
    """Decoders pad their rows; padding is never seen."""
    frame = noise(50, 22, seed=1)
    planes = planes_of(frame)
    assert np.array_equal(planes.y, frame.to_ndarray()[:22])


def test_odd_last_column_and_row_are_left_out():
    """A frame of 641x361 is seen as 640x360, its chroma in place."""
    planes = planes_of(flat(641, 361, BLACK))
    assert (planes.width, planes.height, planes.u.shape) == (640, 360, (180, 320))
