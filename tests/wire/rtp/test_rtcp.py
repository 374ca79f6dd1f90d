"""RTCP, read and written: RFC 3550, RFC 4585, RFC 5104, RFC 3611, REMB."""

import pytest
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpRrPacket, RtcpRtpfbPacket, RtcpSdesPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtp import rtcp, rtcp_writing

U32 = st.integers(0, 0xFFFFFFFF)
BLOCKS = st.builds(rtcp.ReportBlock, U32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), U32, U32, U32, U32)
BLOCK = rtcp.ReportBlock(2, 64, -5, 70_000, 33, 0x12345678, 9)


def only(data: bytes):
    """The one message in `data`."""
    messages, bad = rtcp.parse(data)
    assert bad == 0
    assert len(messages) == 1
    return messages[0]


@given(U32, st.lists(BLOCKS, max_size=31))
def test_receiver_reports_come_back(ssrc: int, blocks: list[rtcp.ReportBlock]) -> None:
    """Written and read, every block is the same."""
    assert only(rtcp_writing.build_receiver_report(ssrc, blocks)) == rtcp.ReceiverReport(ssrc, tuple(blocks))


@given(st.builds(rtcp.SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, st.lists(BLOCKS).map(tuple)))
def test_sender_reports_come_back(report: rtcp.SenderReport) -> None:
    """Written and read, the report is the same."""
    if len(report.blocks) <= 31:
        assert only(rtcp_writing.build_sender_report(report)) == report


def test_receiver_report_is_read_by_aiortc() -> None:
    """Another implementation reads the same values."""
    [packet] = RtcpPacket.parse(rtcp_writing.build_receiver_report(1, [BLOCK]))
    assert isinstance(packet, RtcpRrPacket)
    [info] = packet.reports
    values = (info.ssrc, info.fraction_lost, info.packets_lost, info.highest_sequence, info.jitter, info.lsr, info.dlsr)
    assert values == (2, 64, -5, 70_000, 33, 0x12345678, 9)


def test_losses_beyond_24_bits_are_clamped() -> None:
    """RFC 3550 A.3."""
    for lost, told in ((1 << 30, 0x7FFFFF), (-(1 << 30), -0x800000)):
        report = only(rtcp_writing.build_receiver_report(1, [rtcp.ReportBlock(2, 0, lost, 0, 0, 0, 0)]))
        assert report.blocks[0].cumulative_lost == told


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "abcd", "x" * 255])
def test_description_comes_back(name: str) -> None:
    """CNAMEs of every length, padded to a word with at least one zero."""
    data = rtcp_writing.build_description(7, name)
    assert len(data) % 4 == 0
    assert only(data) == rtcp.Description(((7, name),))
    [packet] = RtcpPacket.parse(data)
    assert isinstance(packet, RtcpSdesPacket)


def test_bye_comes_back() -> None:
    """Several SSRCs in one."""
    assert only(rtcp_writing.build_bye([1, 2, 3])) == rtcp.Bye((1, 2, 3))


@given(st.sets(st.integers(0x10000, 0x10000 + 3000), min_size=1, max_size=60))
def test_nacks_come_back(sequences: set[int]) -> None:
    """Every sequence number once, in order, over the wrap; aiortc reads the same."""
    data = rtcp_writing.build_nack(1, 2, sorted(sequences))
    wanted = tuple(sequence & 0xFFFF for sequence in sorted(sequences))
    assert only(data) == rtcp.Nack(1, 2, wanted)
    [packet] = RtcpPacket.parse(data)
    assert isinstance(packet, RtcpRtpfbPacket)
    assert tuple(packet.lost) == wanted


def test_nack_packs_seventeen_into_one_entry() -> None:
    """The first and a bit for each of the sixteen after it (RFC 4585 6.2.1)."""
    data = rtcp_writing.build_nack(1, 2, range(100, 117))
    assert data == bytes.fromhex("81cd0003 00000001 00000002 0064ffff")
    assert len(rtcp_writing.build_nack(1, 2, range(100, 118))) == len(data) + 4


def test_nack_over_the_wrap() -> None:
    """65535 and 0 share an entry."""
    assert rtcp_writing.build_nack(1, 2, [0x1FFFF, 0x20000])[12:] == bytes.fromhex("ffff0001")


def test_picture_loss() -> None:
    """PLI, byte for byte."""
    data = rtcp_writing.build_pli(1, 2)
    assert data == bytes.fromhex("81ce0002 00000001 00000002")
    assert only(data) == rtcp.PictureLoss(1, 2)


def test_full_intra() -> None:
    """FIR: the media SSRC stands in the entry, with a number that wraps (RFC 5104 4.3.1.1)."""
    data = rtcp_writing.build_fir(1, 2, 0x105)
    assert data == bytes.fromhex("84ce0004 00000001 00000000 00000002 05000000")
    assert only(data) == rtcp.FullIntra(1, ((2, 5),))


@given(st.integers(0, 1 << 45), st.lists(U32, max_size=4))
def test_bitrate_limits_come_back(limit: int, ssrcs: list[int]) -> None:
    """Rounded down to 18 bits of precision, never up; aiortc reads the same."""
    data = rtcp_writing.build_remb(1, limit, ssrcs)
    message = only(data)
    assert message.media_ssrcs == tuple(ssrcs)
    assert 0 <= limit - message.bits_per_second <= limit >> 17
    [packet] = RtcpPacket.parse(data)
    assert isinstance(packet, RtcpPsfbPacket)
    assert unpack_remb_fci(packet.fci) == (message.bits_per_second, ssrcs)


def test_reference_time() -> None:
    """XR block 4, byte for byte (RFC 3611 4.4); we have no use for the peer's."""
    data = rtcp_writing.build_reference_time(1, 0x0102030405060708)
    assert data == bytes.fromhex("80cf0004 00000001 04000002 01020304 05060708")
    assert rtcp.parse(data) == ([], 0)


def test_delay_since_report_comes_back() -> None:
    """XR block 5 with two sub-blocks."""
    answers = [rtcp.DelaySinceReport(1, 2, 3), rtcp.DelaySinceReport(4, 5, 6)]
    assert rtcp.parse(rtcp_writing.build_delay_since_report(9, answers)) == (answers, 0)


def test_compound_is_taken_apart() -> None:
    """Each part by itself, unknown types passed over."""
    parts = [
        rtcp_writing.build_receiver_report(1, [BLOCK]),
        rtcp_writing.build_description(1, "us"),
        bytes.fromhex("80cc0001 00000001"),
        bytes.fromhex("80c60000"),
        rtcp_writing.build_pli(1, 2),
    ]
    messages, bad = rtcp.parse(b"".join(parts))
    assert [type(message) for message in messages] == [rtcp.ReceiverReport, rtcp.Description, rtcp.PictureLoss]
    assert bad == 0


def test_padding_of_a_part_is_cut_off() -> None:
    """The last part may be padded (RFC 3550 6.4.1)."""
    data = bytes.fromhex("a1ce0003 00000001 00000002 00000004")
    assert only(data) == rtcp.PictureLoss(1, 2)


@pytest.mark.parametrize(
    "data",
    [
        "80",
        "80c90002 00000001",
        "40c90001 00000001",
        "82c90001 00000001",
        "80c80001 00000001",
        "a0c90001 00000000",
        "a0c90001 00000009",
        "82cb0001 00000001",
        "81ca0002 00000001 01ff6161",
        "81cd0001 00000001",
        "8fce0004 00000001 00000000 52454d42 05000000",
        "80cf0002 00000001 05000009",
        "80c90001 00000001 00",
    ],
)
def test_malformed_parts_are_counted(data: str) -> None:
    """Cut short, of another version, counts that cannot be, bad padding: counted once, nothing made of them."""
    messages, bad = rtcp.parse(bytes.fromhex(data))
    assert bad == 1
    assert len(messages) <= 1
