"""RTCP packets written: RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, RFC 3611 4.4 and 4.5, REMB.

Parts of a compound packet, each a whole number of 32 bit words; `feedback` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack

from openmpu.wire.rtp.rtcp import (
    BLOCK,
    BYE,
    DELAY_SINCE_RR,
    DESCRIPTION,
    EXTENDED_REPORT,
    FMT_APPLICATION,
    FMT_FIR,
    FMT_NACK,
    FMT_PLI,
    FMT_TRANSPORT_CC,
    PAYLOAD_FEEDBACK,
    RECEIVER_REPORT,
    REFERENCE_TIME,
    REMB,
    SENDER,
    SENDER_REPORT,
    TRANSPORT_FEEDBACK,
    DelaySinceReport,
    ReportBlock,
    SenderReport,
)


def _part(count: int, kind: int, body: bytes) -> bytes:
    return pack("!BBH", 0x80 | count, kind, len(body) >> 2) + body


def build_sender_report(report: SenderReport) -> bytes:
    """SR."""
    sender = SENDER.pack(report.ssrc, report.ntp, report.rtp_time, report.packets, report.octets)
    return _part(len(report.blocks), SENDER_REPORT, sender + _pack_blocks(report.blocks))


def build_receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """RR with at most 31 blocks; without any it is the opening that a compound packet needs (RFC 3550 6.1)."""
    return _part(len(blocks), RECEIVER_REPORT, pack("!I", ssrc) + _pack_blocks(blocks))


def _pack_blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | min(max(block.cumulative_lost, -0x800000), 0x7FFFFF) & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.last_report,
            block.delay,
        )
        for block in blocks
    )


def build_description(ssrc: int, cname: str) -> bytes:
    """SDES with the canonical name, which every compound packet carries (RFC 3550 6.1)."""
    name = cname.encode()[:255]
    chunk = pack("!IBB", ssrc, 1, len(name)) + name
    return _part(1, DESCRIPTION, chunk + bytes(4 - len(chunk) % 4))


def build_bye(ssrcs: Sequence[int]) -> bytes:
    """BYE."""
    return _part(len(ssrcs), BYE, pack(f"!{len(ssrcs)}I", *ssrcs))


def build_nack(ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """Generic NACK (RFC 4585 6.2.1) of ascending sequence numbers: each entry holds one and the 16 after it."""
    entries = bytearray()
    first, following = -1, 0
    for sequence in sequences:
        distance = sequence - first - 1
        if first >= 0 and distance < 16:
            following |= 1 << distance
            continue
        if first >= 0:
            entries += pack("!HH", first & 0xFFFF, following)
        first, following = sequence, 0
    if first >= 0:
        entries += pack("!HH", first & 0xFFFF, following)
    return _part(FMT_NACK, TRANSPORT_FEEDBACK, pack("!II", ssrc, media_ssrc) + entries)


def build_transport_feedback(ssrc: int, media_ssrc: int, body: bytes) -> bytes:
    """Transport-wide feedback around `body`, whose padding (if any) is part of it and flagged here."""
    padding = -len(body) % 4
    first = 0x80 | FMT_TRANSPORT_CC | (0x20 if padding else 0)
    filled = body + (bytes(padding - 1) + bytes((padding,)) if padding else b"")
    return pack("!BBHII", first, TRANSPORT_FEEDBACK, 2 + len(filled) // 4, ssrc, media_ssrc) + filled


def build_pli(ssrc: int, media_ssrc: int) -> bytes:
    """PLI (RFC 4585 6.3.1)."""
    return _part(FMT_PLI, PAYLOAD_FEEDBACK, pack("!II", ssrc, media_ssrc))


def build_fir(ssrc: int, media_ssrc: int, number: int) -> bytes:
    """FIR (RFC 5104 4.3.1); `number` goes up by one with each new request."""
    return _part(FMT_FIR, PAYLOAD_FEEDBACK, pack("!IIIBxxx", ssrc, 0, media_ssrc, number & 0xFF))


def build_remb(ssrc: int, bits_per_second: int, media_ssrcs: Sequence[int]) -> bytes:
    """REMB (draft-alvestrand-rmcat-remb-03 2.2): 6 bit exponent, 18 bit mantissa, rounded down."""
    exponent = max(0, bits_per_second.bit_length() - 18)
    value = exponent << 18 | bits_per_second >> exponent
    body = pack("!II4sB", ssrc, 0, REMB, len(media_ssrcs)) + value.to_bytes(3)
    return _part(FMT_APPLICATION, PAYLOAD_FEEDBACK, body + pack(f"!{len(media_ssrcs)}I", *media_ssrcs))


def build_reference_time(ssrc: int, ntp: int) -> bytes:
    """XR with our time: a sender answers with DLRR, which tells the round trip (RFC 3611 4.4)."""
    return _part(0, EXTENDED_REPORT, pack("!IBBHQ", ssrc, REFERENCE_TIME, 0, 2, ntp))


def build_delay_since_report(ssrc: int, answers: Sequence[DelaySinceReport]) -> bytes:
    """XR with DLRR sub-blocks (RFC 3611 4.5)."""
    blocks = b"".join(pack("!III", each.ssrc, each.last_report, each.delay) for each in answers)
    return _part(0, EXTENDED_REPORT, pack("!IBBH", ssrc, DELAY_SINCE_RR, 0, 3 * len(answers)) + blocks)
