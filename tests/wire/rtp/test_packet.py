"""RTP headers: RFC 3550 5.1, header extensions of both forms (RFC 8285), wrapping numbers."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtp.extensions import URIS, Extension, ExtensionReader
from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.wrapping import Unwrapper, sequence_step, time_step

HEADER = bytes.fromhex("80e0 1234 89abcdef 01020304")


def test_plain_header() -> None:
    """Every field of a packet without options."""
    packet = parse(HEADER + b"payload", 42)
    assert packet is not None
    fields = (packet.marker, packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.arrival)
    assert fields == (True, 96, 0x1234, 0x89ABCDEF, 0x01020304, 42)
    assert packet.payload == b"payload"


def test_contributing_sources_are_skipped() -> None:
    """CSRCs stand between header and payload."""
    packet = parse(b"\x82" + HEADER[1:] + bytes(8) + b"x", 0)
    assert packet is not None
    assert packet.payload == b"x"


def test_padding_is_cut_off() -> None:
    """The last byte tells how much; all of the payload may be padding."""
    packet = parse(b"\xa0" + HEADER[1:] + b"ab\x00\x00\x03", 0)
    assert packet is not None
    assert packet.payload == b"ab"
    only = parse(b"\xa0" + HEADER[1:] + b"\x00\x02", 0)
    assert only is not None
    assert only.payload == b""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER[:11],
        b"\x40" + HEADER[1:],
        b"\x81" + HEADER[1:] + b"abc",
        b"\x90" + HEADER[1:] + b"\xbe\xde",
        b"\x90" + HEADER[1:] + b"\xbe\xde\x00\x02" + bytes(4),
        b"\xa0" + HEADER[1:] + b"ab\x00",
        b"\xa0" + HEADER[1:] + b"ab\x04",
    ],
    ids=["empty", "short", "version", "csrc", "extension", "extension length", "no padding", "too much padding"],
)
def test_malformed_is_none(data: bytes) -> None:
    """What is no RTP packet is answered by None."""
    assert parse(data, 0) is None


def read(profile: int, body: bytes, *ids: tuple[int, Extension]):
    """A packet with that extension block, read."""
    body += bytes(-len(body) % 4)
    packet = parse(b"\x90" + HEADER[1:] + pack("!HH", profile, len(body) // 4) + body + b"p", 0)
    assert packet is not None
    assert packet.payload == b"p"
    ExtensionReader(ids).read(packet)
    return packet


def test_one_byte_extensions() -> None:
    """Level, transport-wide number, MID: as browsers send them."""
    body = b"\x10\x8a" + b"\x31\xab\xcd" + b"\x00" + b"\x40" + b"0"
    packet = read(0xBEDE, body, (1, Extension.AUDIO_LEVEL), (3, Extension.TRANSPORT_SEQUENCE), (4, Extension.MID))
    assert (packet.level, packet.transport_sequence) == (10, 0xABCD)
    assert packet.extras is not None
    assert packet.extras.mid == "0"


def test_two_byte_extensions() -> None:
    """The same in the two-byte form, with an id above 14 and an empty one."""
    body = b"\x20\x03abc" + b"\x05\x00" + b"\x00" + b"\x03\x02\x00\x07"
    packet = read(0x1003, body, (0x20, Extension.RID), (3, Extension.TRANSPORT_SEQUENCE), (5, Extension.MID))
    assert packet.transport_sequence == 7
    assert packet.extras is not None
    assert (packet.extras.rid, packet.extras.mid) == ("abc", None)


def test_id_15_ends_the_block() -> None:
    """Nothing behind id 15 is looked at (RFC 8285 4.2)."""
    packet = read(0xBEDE, b"\xf0\x00\x31\x00\x05", (3, Extension.TRANSPORT_SEQUENCE), (15, Extension.MID))
    assert packet.transport_sequence == -1


def test_unknown_ids_and_forms_are_skipped() -> None:
    """Ids that were not agreed on, and profiles of other standards."""
    assert read(0xBEDE, b"\x21\x01\x02\x31\x00\x05", (3, Extension.TRANSPORT_SEQUENCE)).transport_sequence == 5
    assert read(0x4321, b"\x31\x00\x05", (3, Extension.TRANSPORT_SEQUENCE)).transport_sequence == -1


def test_capture_time_and_its_offset() -> None:
    """Absolute capture time, short and with the capturer's clock offset, which is signed."""
    short = read(0xBEDE, b"\x17" + pack("!Q", 5 << 32), (1, Extension.CAPTURE_TIME))
    assert short.extras is not None
    assert (short.extras.capture_time, short.extras.capture_offset) == (5 << 32, 0)
    long = read(0xBEDE, b"\x1f" + pack("!Qq", 5 << 32, -3), (1, Extension.CAPTURE_TIME))
    assert long.extras is not None
    assert (long.extras.capture_time, long.extras.capture_offset) == (5 << 32, -3)


@pytest.mark.parametrize(("value", "degrees"), [(0, 0), (1, 90), (2, 180), (3, 270), (0b1010, 180)])
def test_rotation(value: int, degrees: int) -> None:
    """Camera and flip bits do not count."""
    packet = read(0xBEDE, bytes((0x10, value)), (1, Extension.ROTATION))
    assert packet.extras is not None
    assert packet.extras.rotation == degrees


def test_send_time_and_values_of_wrong_length() -> None:
    """Three bytes are a send time; two are not, nor is one byte a transport-wide number."""
    good = read(0xBEDE, b"\x12\x01\x02\x03", (1, Extension.SEND_TIME))
    assert good.extras is not None
    assert good.extras.send_time == 0x010203
    bad = read(0xBEDE, b"\x11\x01\x02\x20\x07", (1, Extension.SEND_TIME), (2, Extension.TRANSPORT_SEQUENCE))
    assert bad.transport_sequence == -1
    assert bad.extras is None or bad.extras.send_time is None


def test_names_that_are_not_ascii_are_left_out() -> None:
    """A RID is letters and digits."""
    packet = read(0xBEDE, b"\x11\xff\xfe", (1, Extension.RID))
    assert packet.extras is not None
    assert packet.extras.rid is None


def test_every_extension_has_its_uri() -> None:
    """The table for SDP names each extension once."""
    assert sorted(URIS.values()) == sorted(Extension)


@given(st.integers(0, 1 << 40), st.lists(st.integers(-30_000, 30_000), max_size=50))
def test_unwrapping_follows_any_walk(start: int, steps: list[int]) -> None:
    """Whatever way the numbers go by less than half a cycle, the differences are kept."""
    unwrapper, number = Unwrapper(1 << 16), start
    newest = number
    first = unwrapper.extend(number & 0xFFFF)
    for step in steps:
        number = newest + step
        assert unwrapper.extend(number & 0xFFFF) - first == number - start
        newest = max(newest, number)


@given(st.integers(0, 0xFFFF), st.integers(-32_768, 32_767))
def test_sequence_step(start: int, step: int) -> None:
    """Steps are found over the wrap."""
    assert sequence_step((start + step) & 0xFFFF, start) == step


@given(st.integers(0, 0xFFFFFFFF), st.integers(-(1 << 31), (1 << 31) - 1))
def test_time_step(start: int, step: int) -> None:
    """The same for time stamps."""
    assert time_step((start + step) & 0xFFFFFFFF, start) == step
