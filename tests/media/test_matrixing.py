"""Colour spaces of inputs brought to the canvas's."""

import itertools

import numpy as np
import pytest

from openmpu.media.canvas import Planes
from openmpu.media.colour_space import ColourSpace
from openmpu.media.matrixing import Conversion
from openmpu.model.colours import BT601, BT709, Colour, to_ycbcr

LEVELS = (0, 40, 128, 200, 255)
COLOURS = [Colour(*parts) for parts in itertools.product(LEVELS, repeat=3)]


def planes_with(samples):
    """One 2x2 block for each sample triple."""
    count = len(samples)
    planes = Planes(np.empty((2, 2 * count), np.uint8), np.empty((1, count), np.uint8), np.empty((1, count), np.uint8))
    for place, (luma, cb, cr) in enumerate(samples):
        planes.y[:, 2 * place : 2 * place + 2], planes.u[0, place], planes.v[0, place] = luma, cb, cr
    return planes


def full_range(colour, matrix):
    luma, cb, cr = to_ycbcr(colour, matrix)
    return (
        round((luma - 16) * 255 / 219),
        min(255, round((cb - 128) * 255 / 224 + 128)),
        min(255, round((cr - 128) * 255 / 224 + 128)),
    )


@pytest.mark.parametrize(("source", "target"), [(BT601, BT709), (BT709, BT601)])
def test_every_colour_stays_itself(source, target):
    """After conversion each colour has the samples that it has in the other space, within 2 levels."""
    planes = planes_with([to_ycbcr(colour, source) for colour in COLOURS])
    Conversion(ColourSpace(source), ColourSpace(target), 2 * len(COLOURS), 2).convert(planes)
    for place, colour in enumerate(COLOURS):
        got = (int(planes.y[1, 2 * place + 1]), int(planes.u[0, place]), int(planes.v[0, place]))
        assert got == pytest.approx(to_ycbcr(colour, target), abs=2), colour


@pytest.mark.parametrize("target", [BT601, BT709])
def test_full_range_becomes_limited(target):
    """What phones and screens send as full range (yuvj420p) is brought to the canvas's range, within 2 levels."""
    planes = planes_with([full_range(colour, BT601) for colour in COLOURS])
    Conversion(ColourSpace(BT601, full_range=True), ColourSpace(target), 2 * len(COLOURS), 2).convert(planes)
    for place, colour in enumerate(COLOURS):
        got = (int(planes.y[0, 2 * place]), int(planes.u[0, place]), int(planes.v[0, place]))
        assert got == pytest.approx(to_ycbcr(colour, target), abs=2), colour


def test_samples_outside_the_range_do_not_wrap():
    """Footroom and headroom stay dark and bright, whatever their chroma."""
    planes = planes_with([(0, 240, 240), (255, 16, 16), (255, 240, 240), (0, 16, 16)])
    Conversion(ColourSpace(BT601), ColourSpace(BT709), 8, 2).convert(planes)
    assert planes.y[0, 0] < 40
    assert planes.y[0, 2] > 215
    assert planes.y[0, 4] > 180
    assert planes.y[0, 6] < 60


@pytest.mark.parametrize(
    ("flags", "space"),
    [
        ((2, 0, "yuv420p"), ColourSpace(BT601)),
        ((1, 1, "yuv420p"), ColourSpace(BT709)),
        ((5, 2, "yuv420p"), ColourSpace(BT601, full_range=True)),
        ((2, 0, "yuvj420p"), ColourSpace(BT601, full_range=True)),
    ],
)
def test_flags_of_decoders(flags, space):
    """What a decoder does not say is BT.601 limited, as WebRTC senders make it."""
    assert ColourSpace.of_flags(*flags) == space
