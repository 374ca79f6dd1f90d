"""Rules of the payload formats that real encoders rarely touch."""

from struct import pack

import pytest

from openmpu.wire.rtp.depacketise.av1 import Av1
from openmpu.wire.rtp.depacketise.h264 import H264
from openmpu.wire.rtp.depacketise.h265 import H265
from openmpu.wire.rtp.depacketise.picture import Opening
from openmpu.wire.rtp.depacketise.vp8 import Vp8
from openmpu.wire.rtp.depacketise.vp9 import Vp9
from tests.wire.rtp.media import decoded, encoded, nal_units
from tests.wire.rtp.packetisers import packets, vp9

START = b"\x00\x00\x00\x01"
SPS, PPS, SEI, IDR = (
    next(unit for unit in nal_units(encoded("h264")[0]) if unit[0] & 31 == kind) for kind in (7, 8, 6, 5)
)
AUD = b"\x09\xf0"


def stap(*nals: bytes) -> bytes:
    """STAP-A."""
    return b"\x78" + b"".join(pack("!H", len(nal)) + nal for nal in nals)


def test_idr_without_parameter_sets_is_no_picture() -> None:
    """Nobody could decode it."""
    assert H264().assemble(packets([IDR])) is None
    assert H264().opening(packets([IDR])[0]) is Opening.NO


def test_parameter_sets_sent_earlier_are_put_before_a_key_frame() -> None:
    """Behind the delimiter, which must come first."""
    h264 = H264()
    assert h264.assemble(packets([stap(SPS, PPS)])) == (b"", False)
    picture = h264.assemble(packets([AUD, SEI, IDR]))
    assert picture is not None
    assert picture.key
    assert picture.data == b"".join(START + nal for nal in (AUD, SPS, PPS, SEI, IDR))
    assert len(decoded("h264", [picture.data])) == 1


def test_parameter_sets_in_the_frame_are_not_doubled() -> None:
    """Both are there: nothing is added."""
    picture = H264().assemble(packets([stap(SPS, PPS), IDR]))
    assert picture is not None
    assert picture.data.count(SPS) == 1


def test_missing_half_is_added() -> None:
    """SPS in the frame, PPS only earlier."""
    h264 = H264([PPS])
    picture = h264.assemble(packets([SPS, IDR]))
    assert picture is not None
    assert len(decoded("h264", [picture.data])) == 1


def test_parameter_sets_learned_while_a_key_frame_is_looked_for() -> None:
    """Packets that are only looked at teach too."""
    h264 = H264()
    assert h264.opening(packets([stap(SPS, PPS)])[0]) is Opening.SURELY
    assert h264.opening(packets([IDR])[0]) is Opening.PERHAPS
    assert h264.opening(packets([IDR[:1] + b"\x40" + IDR[2:]])[0]) is Opening.NO  # not the first slice


@pytest.mark.parametrize("kind", [25, 26, 27, 29, 0, 30, 31])
def test_interleaved_packets_make_no_picture(kind: int) -> None:
    """STAP-B, MTAP, FU-B and what is undefined: never agreed on."""
    assert H264([SPS, PPS]).assemble(packets([IDR, bytes((kind,)) + bytes(20)])) is None


@pytest.mark.parametrize(
    "payloads",
    [
        [b"\x7c\x05abc"],
        [b"\x7c\x85abc"],
        [b"\x7c\x85abc", b"\x7c\x85abc", b"\x7c\x45abc"],
        [b"\x7c\x85abc", IDR],
        [b"\x7c\x85"],
        [b"\x78\x00\x05ab"],
        [b"\x78\x00\x00"],
        [stap(*[b"\x06a"] * 40)],
    ],
    ids=["no start", "no end", "two starts", "unit inside", "empty fragment", "cut", "empty unit", "too many"],
)
def test_malformed_h264_makes_no_picture(payloads: list[bytes]) -> None:
    """Fragments and aggregates that do not fit together."""
    assert H264([SPS, PPS]).assemble(packets(payloads)) is None


def test_parameter_sets_are_bounded() -> None:
    """Hundreds of ids, each a kilobyte: sixteen are kept (security.md S14)."""
    h264 = H264()
    for ident in range(200):
        bits = f"{ident + 1:b}"
        code = "0" * (len(bits) - 1) + bits + "1"
        pps = b"\x68" + int(code.ljust((len(code) + 7) // 8 * 8, "0"), 2).to_bytes((len(code) + 7) // 8)
        h264.opening(packets([pps + bytes(1000)])[0])
    h264.opening(packets([b"\x68" + bytes(100_000)])[0])
    assert len(h264._pps) == 16
    assert max(map(len, h264._pps.values())) < 2048


def test_h265_parameter_sets_sent_earlier() -> None:
    """As for H.264, with VPS."""
    units = nal_units(encoded("h265")[0])
    sets = [unit for unit in units if unit[0] >> 1 & 63 in {32, 33, 34}]
    rest = [unit for unit in units if unit[0] >> 1 & 63 not in {32, 33, 34}]
    assert H265(sets[:2]).assemble(packets(rest)) is None
    picture = H265([*sets, b"\x4e\x01\x05"]).assemble(packets(rest))
    assert picture is not None
    assert picture.key
    assert len(decoded("h265", [picture.data])) == 1


@pytest.mark.parametrize(
    "payload", [b"\x64\x01abc", b"\x62\x01\x13", b"\x60\x01\x00\x09ab", b"\x62\x01\x13abc", b"\x26"]
)
def test_malformed_h265_makes_no_picture(payload: bytes) -> None:
    """PACI, empty and open fragments, cut aggregates."""
    assert H265().assemble(packets([payload])) is None


@pytest.mark.parametrize(
    "payload",
    [b"\x00\x00", b"\x11\x00", b"\x10", b"\x90", b"\x90\x80", b"\x90\xf0\x81\x01\x02", b"\x10\x00\x00\x00wrong"],
    ids=["no start", "partition 1", "no data", "cut", "cut id", "cut layers", "no start code"],
)
def test_malformed_vp8_makes_no_picture(payload: bytes) -> None:
    """Descriptors cut short, frames that do not begin as such."""
    assert Vp8().assemble(packets([payload])) is None
    assert Vp8().opening(packets([payload])[0]) is Opening.NO


def test_spatial_layers_become_a_superframe() -> None:
    """Two layer frames of one picture, with the index behind them that tells decoders where each ends."""
    small, large = encoded("vp9")[0], encoded("vp9")[6]
    first = vp9(small, 1)
    layer = bytes((0xA0 | 0x40 | 8 | 4,)) + first[0][1:3] + b"\x03\x01" + large
    picture = Vp9().assemble(packets([*first, layer]))
    assert picture is not None
    assert picture.key
    sizes = len(small).to_bytes(2, "little") + len(large).to_bytes(2, "little")
    assert picture.data == small + large + b"\xc9" + sizes + b"\xc9"


@pytest.mark.parametrize("payload", [b"\x80", b"\xa8\x01", b"\x98\x01", b"\x0a", b"\x0a\x18\x00", b"\x08"])
def test_malformed_vp9_makes_no_picture(payload: bytes) -> None:
    """Descriptors cut short."""
    assert Vp9().assemble(packets([payload])) is None
    assert Vp9().opening(packets([payload])[0]) is Opening.NO


def test_av1_drops_what_does_not_travel() -> None:
    """A temporal delimiter, padding and tile lists in RTP are left out; the unit gets one delimiter of its own."""
    whole = Av1().assemble(packets([b"\x00" + b"\x01\x10" + b"\x02\x78\x00" + b"\x03\x30\x80\x01"]))
    assert whole == (b"\x12\x00" + b"\x32\x02\x80\x01", False)


def test_av1_with_size_fields_inside() -> None:
    """OBUs may keep their own size fields (4.4); they are not doubled."""
    whole = Av1().assemble(packets([b"\x10" + b"\x32\x02\x80\x01"]))
    assert whole == (b"\x12\x00" + b"\x32\x02\x80\x01", False)


def test_av1_without_a_frame_is_nothing_to_show() -> None:
    """A sequence header alone."""
    whole = Av1().assemble(packets([b"\x18" + b"\x08\x00\x00\x00"]))
    assert whole is not None
    assert whole.data == b""


@pytest.mark.parametrize(
    "payload", [b"\x00", b"\x00\x05ab", b"\x80\x01\x30", b"\x40\x01\x30", b"\x20\x01\x30", b"\x10\x32\x09a"]
)
def test_malformed_av1_makes_no_picture(payload: bytes) -> None:
    """Elements cut short, fragments without their other half, sizes that lie."""
    assert Av1().assemble(packets([payload])) is None
