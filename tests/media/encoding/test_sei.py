"""SEI messages."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.media.encoding.sei import SeiTexts, sei_nal, with_nals
from openmpu.media.packets import Packet
from openmpu.model.roster import Kind
from tests.media.synthetic import Camera

EMPTY = b'{"stream":[]}'


@pytest.mark.parametrize(
    ("payload_type", "wanted"),
    [
        (5, "06051d6d70752d72656c61792d7365692d76317b2273747265616d223a5b5d7d80"),
        (100, "06640d7b2273747265616d223a5b5d7d80"),
    ],
)
def test_the_worked_examples_of_the_spec(payload_type: int, wanted: str) -> None:
    """callbacks.md 6.6, byte for byte."""
    assert sei_nal("h264", payload_type, EMPTY) == b"\x00\x00\x00\x01" + bytes.fromhex(wanted)


def test_h265_has_its_own_header() -> None:
    """A prefix SEI: 4e 01."""
    assert sei_nal("h265", 100, EMPTY)[4:6] == b"\x4e\x01"


@given(st.binary(max_size=2000))
def test_no_start_code_appears_inside(content: bytes) -> None:
    """Emulation prevention, whatever the content."""
    body = sei_nal("h264", 5, content)[4:]
    assert not any(pattern in body for pattern in (b"\x00\x00\x00", b"\x00\x00\x01", b"\x00\x00\x02"))


@given(st.binary(max_size=700), st.integers(100, 254))
def test_what_was_put_in_can_be_read_back(content: bytes, payload_type: int) -> None:
    """Type, size in ff coding, content."""
    body = sei_nal("h264", payload_type, content)[5:].replace(b"\x00\x00\x03", b"\x00\x00")
    size, place = 0, 1
    while body[place] == 255:
        size, place = size + 255, place + 1
    size += body[place]
    assert (body[0], size, body[place + 1 :]) == (payload_type, len(content), content + b"\x80")


def test_it_stands_before_the_first_slice_and_decoders_see_it() -> None:
    """A real key frame with parameter sets: FFmpeg finds the user data."""
    frame = Camera((81, 90, 240), seconds=0.5).frames()[0]
    texts = SeiTexts()
    texts.add('{"hello":1}')
    packet = texts.put_into(Packet(Kind.VIDEO, 0, frame.data), "h264")
    context = av.CodecContext.create("h264", "r")
    context.flags |= 1 << 19
    (picture,) = context.decode(av.Packet(packet.data))
    found = [bytes(side) for side in picture.side_data if side.type.name == "SEI_UNREGISTERED"]
    assert b"mpu-relay-sei-v1" + b'{"hello":1}' in found


def test_each_text_is_sent_once() -> None:
    """callbacks.md 6.5; several wait for the same picture in order."""
    texts = SeiTexts()
    texts.add("a")
    texts.add("b")
    data = b"\x00\x00\x00\x01\x65slice"
    first = texts.put_into(Packet(Kind.VIDEO, 0, data), "h264").data
    assert first == with_nals("h264", data, [sei_nal("h264", 5, b"a"), sei_nal("h264", 5, b"b")])
    assert first.endswith(data)
    assert texts.put_into(Packet(Kind.VIDEO, 0, data), "h264").data == data
