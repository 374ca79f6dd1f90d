"""Test pictures: what is painted can be read back, at the sizes that panes have."""

import av
import cv2
import numpy as np
import pytest

from openmpu.clients import marks, reading
from openmpu.clients.encoders import video_encoder
from openmpu.clients.looks import COLOURS
from openmpu.clients.picture import Look, Picture, flash_on
from openmpu.errors import Invalid
from openmpu.model.colours import BT601, to_ycbcr
from openmpu.model.geometry import PixelRect

LOOK = Look(1280, 720, 30, COLOURS["blue"], "alice", 122)
NUMBER = 1_800_000_000 * 30


def luma_of(look, number):
    return Picture(look).paint(number)[: look.height].copy()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (636, 356), (302, 170), (150, 84)])
def test_the_mark_survives_scaling(width, height):
    """Down to the small pane of a picture-in-picture in a 360p stream."""
    luma = cv2.resize(luma_of(LOOK, NUMBER + 7), (width, height), interpolation=cv2.INTER_AREA)
    expected = marks.Mark((NUMBER + 7) % marks.NUMBER_RANGE, 122)
    assert reading.read_mark(luma, PixelRect(0, 0, width, height)) == expected


def test_a_picture_without_a_mark_is_not_misread():
    """Grey, and noise."""
    whole = PixelRect(0, 0, 640, 360)
    noise = np.random.default_rng(1).integers(16, 235, (360, 640), np.uint8)
    assert reading.read_mark(np.full((360, 640), 128, np.uint8), whole) is None
    assert reading.read_mark(noise, whole) is None


def test_flashes_in_the_first_tenth_of_a_second():
    """Three of thirty frames, from the whole second on."""
    sights = [reading.look(luma_of(LOOK, NUMBER + n), PixelRect(0, 0, 1280, 720), n) for n in (29, 30, 32, 33)]
    assert [round(sight.flash) for sight in sights] == [0, 1, 1, 0]
    assert [flash_on(NUMBER + n, 30) for n in (0, 2, 3, 29)] == [True, True, False, False]


def test_the_border_has_exactly_the_colour():
    """All four sides, in BT.601 limited range."""
    canvas = Picture(LOOK).paint(NUMBER)
    luma, cb, cr = to_ycbcr(LOOK.colour, BT601)
    chroma = canvas[720:].reshape(2, 360, 640)
    for part in (np.s_[:40, :], np.s_[-40:, :], np.s_[:, :40], np.s_[:, -40:]):
        assert (canvas[:720][part] == luma).all()
    assert (chroma[0, :20] == cb).all()
    assert (chroma[1, :20] == cr).all()


def test_pictures_move_and_follow_from_the_number_alone():
    """Two painters agree, whatever they painted before; half a second later something has moved."""
    one, other = Picture(LOOK), Picture(LOOK)
    one.paint(5)
    assert (one.paint(NUMBER) == other.paint(NUMBER)).all()
    before = other.paint(NUMBER).copy()
    stage = np.s_[280:500, 400:1170]
    assert (before[stage] != other.paint(NUMBER + 15)[stage]).any()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_flat_colours_come_through_the_encoder(codec):
    """Within one level once the rate control has settled."""
    look = Look(640, 360, 30, COLOURS["purple"], "x", 1)
    picture, encoder = Picture(look), video_encoder(codec, 640, 360, 30, 380, drawn=True)
    decoder = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    for number in range(45):
        frame = av.VideoFrame.from_numpy_buffer(picture.paint(number), "yuv420p")
        frames = decoder.decode(av.Packet(encoder.encode(frame, number * 3000, key=False)[0]))
    planes = frames[0].to_ndarray()
    got = (planes[4, 320], planes[360:450].reshape(180, 320)[2, 160], planes[450:].reshape(180, 320)[2, 160])
    wanted = to_ycbcr(look.colour, BT601)
    assert max(abs(int(a) - b) for a, b in zip(got, wanted, strict=True)) <= 1


@pytest.mark.parametrize(("width", "height", "fps"), [(641, 360, 30), (64, 64, 30), (640, 8000, 30), (640, 360, 0)])
def test_impossible_looks_are_refused(width, height, fps):
    """Odd or absurd sizes and rates."""
    with pytest.raises(Invalid):
        Look(width, height, fps, COLOURS["red"])
