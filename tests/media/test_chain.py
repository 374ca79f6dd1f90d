"""From the API's colours through the canvas and x264 to what a viewer's decoder gives."""

import av
import numpy as np
import pytest

from openmpu.media.canvas import planes_of
from openmpu.media.compositor import Compositor
from openmpu.media.encoding.video import VideoEncoder
from openmpu.model.colours import BT601, BT709, Colour
from openmpu.model.encoder import VideoProfile
from openmpu.model.geometry import PixelRect
from tests.media.pictures_and_people import BLACK, BLUE, GREEN, GREY, RED, WHITE, YELLOW, flat, newest, pane, scene

COLOURS = [RED, GREEN, BLUE, WHITE, BLACK, GREY, YELLOW, Colour(200, 120, 30)]


def encoded_and_decoded(compositor, height):
    """The last of ten equal pictures."""
    encoder = VideoEncoder(VideoProfile(compositor.canvas.rect.width, height, 25, 4000, 50))
    decoder, seen = av.CodecContext.create("h264", "r"), None
    for number in range(10):
        for packet in encoder.encode(compositor.canvas.as_frame(), number * 40_000_000):
            for frame in decoder.decode(av.Packet(packet.data)):
                seen = frame
    return next(iter(decoder.decode(None)), seen)


def rgb(frame, x, y, matrix):
    """A pixel as a player that obeys the flags shows it."""
    planes = planes_of(frame)
    luma, cb, cr = (float(plane[y // by, x // by]) for plane, by in zip(planes, (1, 2, 2), strict=True))
    luma, cb, cr = (luma - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    red, blue = luma + 2 * (1 - matrix.red) * cr, luma + 2 * (1 - matrix.blue) * cb
    green = (luma - matrix.red * red - matrix.blue * blue) / (1 - matrix.red - matrix.blue)
    return np.array([red, green, blue]) * 255


@pytest.mark.parametrize(("height", "matrix", "flag"), [(360, BT601, 6), (720, BT709, 1)])
def test_colours_arrive(height, matrix, flag):
    """Background and video of BT.601 senders are within 3 levels of the API's colours, and flagged as what they are."""
    width = height * 16 // 9
    side = width // 8
    panes = [pane(number, PixelRect(side * number, 0, side, height // 2)) for number in range(8)]
    compositor = Compositor(scene(*panes, width=width, height=height, background=RED))
    compositor.paint(0, newest(*(flat(64, 36, colour) for colour in COLOURS)))
    frame = encoded_and_decoded(compositor, height)
    assert (frame.colorspace, frame.color_range) == (flag, 1)
    assert rgb(frame, width // 2, height * 3 // 4, matrix) == pytest.approx([255, 0, 0], abs=3)
    for number, colour in enumerate(COLOURS):
        seen = rgb(frame, side * number + side // 2, height // 4, matrix)
        assert seen == pytest.approx([colour.red, colour.green, colour.blue], abs=3), colour
