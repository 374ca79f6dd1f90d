"""The colour-space header extension of libwebrtc, on its way from packet to link."""

import pytest

from openmpu.model.frames import EncodedFrame, ToldColour
from openmpu.wire.link import LinkReader, encode_media
from openmpu.wire.rtp.extensions import Extension, _store_rare
from openmpu.wire.rtp.extras import Extras


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (bytes([1, 1, 1, 0x20]), ToldColour(1, full_range=True)),
        (bytes([6, 6, 6, 0x10]), ToldColour(6, full_range=False)),
        (bytes([1, 1, 1, 0x10]) + bytes(24), ToldColour(1)),
        (bytes([1, 1, 2, 0x10]), None),
        (bytes([1, 1, 1]), None),
    ],
)
def test_the_extension_is_read(value, told):
    """Matrix and range; what says nothing, or has another length, is left out."""
    extras = Extras()

    _store_rare(extras, Extension.COLOUR, value)

    assert extras.colour == told


@pytest.mark.parametrize("told", [None, ToldColour(1, full_range=True), ToldColour(9)])
def test_it_survives_the_link(told):
    """Beside the rotation, in the same byte."""
    frame = EncodedFrame(1, 2, b"x", rotation=270, colour=told)

    assert [media.frame for media in LinkReader().feed(encode_media(3, frame))] == [frame]
