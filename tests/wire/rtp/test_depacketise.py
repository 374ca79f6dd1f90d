"""Depacketisers against real encoders: what comes out decodes to the very pixels that went in."""

import numpy as np
import pytest

from openmpu.wire.rtp.depacketise.choice import depacketiser_for
from openmpu.wire.rtp.depacketise.picture import Opening
from openmpu.wire.rtp.parameters import CodecParameters
from tests.wire.rtp.media import HEIGHT, WIDTH, decoded, encoded
from tests.wire.rtp.packetisers import FORMS, packetise, packets


def through(form: str, pictures: list[bytes]):
    """The pictures packetised and put together again."""
    depacketiser = depacketiser_for(CodecParameters(96, form.split(maxsplit=1)[0]))
    assert depacketiser is not None
    made = []
    for number, picture in enumerate(pictures):
        made.append(depacketiser.assemble(packets(packetise(form, picture, number))))
    return depacketiser, made


@pytest.mark.parametrize("form", FORMS)
def test_pictures_decode_to_the_same_pixels(form: str) -> None:
    """Through packets and back, every decoded pixel is the same."""
    codec = form.split(maxsplit=1)[0]
    pictures = list(encoded(codec))
    _, made = through(form, pictures)
    before, after = decoded(codec, pictures), decoded(codec, [picture.data for picture in made])
    assert len(before) == len(after) == len(pictures)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_key_frames_are_told(form: str) -> None:
    """Each sixth picture is a key frame, and no other."""
    _, made = through(form, list(encoded(form.split(maxsplit=1)[0])))
    assert [picture.key for picture in made] == [number % 6 == 0 for number in range(len(made))]


@pytest.mark.parametrize("form", FORMS)
def test_size_is_known_from_the_key_frame(form: str) -> None:
    """Width and height are read out of the headers."""
    depacketiser, _ = through(form, list(encoded(form.split(maxsplit=1)[0]))[:1])
    assert depacketiser.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("form", FORMS)
def test_opening_packets_are_told(form: str) -> None:
    """The first packet of a key frame opens it; none of another picture does."""
    depacketiser = depacketiser_for(CodecParameters(96, form.split(maxsplit=1)[0]))
    for number, picture in enumerate(encoded(form.split(maxsplit=1)[0])):
        openings = [depacketiser.opening(packet) for packet in packets(packetise(form, picture, number))]
        if number % 6 == 0:
            assert Opening.SURELY in openings[:3]
        else:
            assert not any(openings)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "h264 single"])  # its packets tell nothing
def test_picture_without_one_of_its_packets_is_none(form: str) -> None:
    """Whichever end is missing, no picture is made of the rest; the middle is the jitter buffer's business."""
    codec = form.split(maxsplit=1)[0]
    payloads = packetise(form, encoded(codec)[0])
    assert len(payloads) > 2
    depacketiser = depacketiser_for(CodecParameters(96, codec))
    assert depacketiser.assemble(packets(payloads[2 if codec in {"h264", "h265"} else 1 :])) is None
    if codec != "vp8":  # VP8 does not mark a frame's end but by the packet's marker bit
        assert depacketiser.assemble(packets(payloads[:-1])) is None


def test_av1_comes_back_byte_for_byte() -> None:
    """A temporal unit of the encoder is one already: delimiter, sizes and all."""
    pictures = list(encoded("av1"))
    _, made = through("av1", pictures)
    assert [picture.data for picture in made] == pictures


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (322, 182), (176, 144)])
def test_cropped_sizes(codec: str, width: int, height: int) -> None:
    """Sizes that are no multiple of a block are cropped as the parameter set says."""
    depacketiser, _ = through(codec, list(encoded(codec, 1, width, height)))
    assert depacketiser.size == (width, height)
