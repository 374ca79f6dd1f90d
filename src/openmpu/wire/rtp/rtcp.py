"""RTCP packets, read and written: RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, RFC 3611 4.4 and 4.5, REMB.

`parse` takes a compound (or reduced-size) packet apart and never raises: what is malformed or unknown is left out and
counted. The transport-wide feedback's inside is in `transport_feedback`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct, iter_unpack, pack

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, BYE, APPLICATION = 200, 201, 202, 203, 204
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK, EXTENDED_REPORT = 205, 206, 207
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_APPLICATION = 1, 4, 15

_BLOCK = Struct("!IIIIII")
_SENDER = Struct("!IQIII")
_REMB = b"REMB"
_DELAY_SINCE_RR = 5  # RFC 3611 4.5 (DLRR)
_REFERENCE_TIME = 4  # RFC 3611 4.4


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says about one SSRC (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the report before."""
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    """In ticks of the RTP clock."""
    last_report: int
    """Middle 32 bits of the NTP time of the last sender report, 0 without."""
    delay: int
    """Since that report came, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's clock: NTP time (32.32 fixed point) and RTP time of one instant."""

    ssrc: int
    ntp: int
    rtp_time: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """A report of one who sends nothing."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """SDES: the canonical name of each SSRC that told one."""

    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """These SSRCs are over."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Please send these sequence numbers (16 bit) of `media_ssrc` again."""

    ssrc: int
    media_ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Transport-wide congestion control; `body` is read by `transport_feedback.parse`."""

    ssrc: int
    media_ssrc: int
    body: bytes


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """PLI: please send a key frame."""

    ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class FullIntra:
    """FIR: please send a key frame; the same number again is the same request (RFC 5104 4.3.1)."""

    ssrc: int
    requests: tuple[tuple[int, int], ...]
    """(media SSRC, number)."""


@dataclass(frozen=True, slots=True)
class BitrateLimit:
    """REMB: the sum over `media_ssrcs` should not be more than this."""

    ssrc: int
    bits_per_second: int
    media_ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DelaySinceReport:
    """One DLRR sub-block: the answer to our reference time (RFC 3611 4.5)."""

    ssrc: int
    last_report: int
    delay: int


Message = (
    SenderReport
    | ReceiverReport
    | Description
    | Bye
    | Nack
    | TransportFeedback
    | PictureLoss
    | FullIntra
    | BitrateLimit
    | DelaySinceReport
)


def parse(data: bytes) -> tuple[list[Message], int]:
    """Everything in a compound packet that we understand, and how many parts were malformed."""
    messages: list[Message] = []
    at, bad = 0, 0
    while at + 4 <= len(data):
        end = at + 4 + (data[at + 2] << 8 | data[at + 3]) * 4
        if data[at] & 0xC0 != 0x80 or end > len(data):
            return messages, bad + 1
        bad += not _parse_part(data[at], data[at + 1], data[at + 4 : end], messages)
        at = end
    return messages, bad + (at != len(data))


def _parse_part(first: int, kind: int, body: bytes, messages: list[Message]) -> bool:
    """Adds what one part says; False if it is malformed."""
    if first & 0x20:  # padding: its last byte tells how much
        if not body or not 0 < body[-1] <= len(body):
            return False
        body = body[: -body[-1]]
    reader = _READERS.get(kind)
    return reader is None or reader(first & 31, body, messages)


def _read_sender_report(count: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 24 + 24 * count:
        return False
    ssrc, ntp, rtp_time, packets, octets = _SENDER.unpack_from(body)
    messages.append(SenderReport(ssrc, ntp, rtp_time, packets, octets, _blocks(body[24 : 24 + 24 * count])))
    return True


def _read_receiver_report(count: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 4 + 24 * count:
        return False
    messages.append(ReceiverReport(int.from_bytes(body[:4]), _blocks(body[4 : 4 + 24 * count])))
    return True


def _blocks(data: bytes) -> tuple[ReportBlock, ...]:
    return tuple(_block(*fields) for fields in _BLOCK.iter_unpack(data))


def _block(ssrc: int, losses: int, highest: int, jitter: int, last_report: int, delay: int) -> ReportBlock:
    lost = losses & 0xFFFFFF
    lost -= (lost & 0x800000) << 1  # 24 bit, signed
    return ReportBlock(ssrc, losses >> 24, lost, highest, jitter, last_report, delay)


def _read_description(count: int, body: bytes, messages: list[Message]) -> bool:
    names: list[tuple[int, str]] = []
    at = 0
    for _ in range(count):
        if at + 4 > len(body):
            return False
        ssrc = int.from_bytes(body[at : at + 4])
        name, at = _read_chunk(body, at + 4)
        if at < 0:
            return False
        if name is not None:
            names.append((ssrc, name))
    messages.append(Description(tuple(names)))
    return True


def _read_chunk(body: bytes, at: int) -> tuple[str | None, int]:
    """The CNAME of one SDES chunk and where the next begins; -1 if it is cut short."""
    name = None
    while at < len(body) and body[at]:
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            return None, -1
        if body[at] == 1:
            name = body[at + 2 : at + 2 + body[at + 1]].decode("utf-8", "replace")
        at += 2 + body[at + 1]
    return name, (at + 4) & ~3  # at least one zero, up to the next word


def _read_bye(count: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 4 * count:
        return False
    messages.append(Bye(tuple(ssrc for (ssrc,) in iter_unpack("!I", body[: 4 * count]))))
    return True


def _read_transport(fmt: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 8:
        return False
    ssrc, media_ssrc = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
    if fmt == FMT_NACK:
        messages.append(Nack(ssrc, media_ssrc, _nack_sequences(body[8:])))
    elif fmt == FMT_TRANSPORT_CC:
        messages.append(TransportFeedback(ssrc, media_ssrc, body[8:]))
    return True


def _nack_sequences(data: bytes) -> tuple[int, ...]:
    found: list[int] = []
    for first, following in iter_unpack("!HH", data[: len(data) & ~3]):
        found.append(first)
        found.extend((first + 1 + bit) & 0xFFFF for bit in range(16) if following >> bit & 1)
    return tuple(found)


def _read_payload(fmt: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 8:
        return False
    ssrc, media_ssrc = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
    if fmt == FMT_PLI:
        messages.append(PictureLoss(ssrc, media_ssrc))
    elif fmt == FMT_FIR:
        requests = (body[at : at + 8] for at in range(8, len(body) - 7, 8))
        messages.append(FullIntra(ssrc, tuple((int.from_bytes(entry[:4]), entry[4]) for entry in requests)))
    elif fmt == FMT_APPLICATION and body[8:12] == _REMB:
        return _read_remb(ssrc, body[12:], messages)
    return True


def _read_remb(ssrc: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 4 or len(body) < 4 + 4 * body[0]:
        return False
    exponent = body[1] >> 2
    mantissa = (body[1] & 3) << 16 | body[2] << 8 | body[3]
    ssrcs = tuple(each for (each,) in iter_unpack("!I", body[4 : 4 + 4 * body[0]]))
    messages.append(BitrateLimit(ssrc, mantissa << exponent, ssrcs))
    return True


def _read_extended(_: int, body: bytes, messages: list[Message]) -> bool:
    """Only DLRR is looked at; other report blocks are none of our business."""
    at = 4
    while at + 4 <= len(body):
        end = at + 4 + (body[at + 2] << 8 | body[at + 3]) * 4
        if end > len(body):
            return False
        if body[at] == _DELAY_SINCE_RR and (end - at - 4) % 12 == 0:
            messages.extend(DelaySinceReport(*fields) for fields in iter_unpack("!III", body[at + 4 : end]))
        at = end
    return len(body) >= 4


_READERS = {
    SENDER_REPORT: _read_sender_report,
    RECEIVER_REPORT: _read_receiver_report,
    DESCRIPTION: _read_description,
    BYE: _read_bye,
    TRANSPORT_FEEDBACK: _read_transport,
    PAYLOAD_FEEDBACK: _read_payload,
    EXTENDED_REPORT: _read_extended,
}


def _part(count: int, kind: int, body: bytes) -> bytes:
    return pack("!BBH", 0x80 | count, kind, len(body) >> 2) + body


def build_sender_report(report: SenderReport) -> bytes:
    """SR."""
    sender = _SENDER.pack(report.ssrc, report.ntp, report.rtp_time, report.packets, report.octets)
    return _part(len(report.blocks), SENDER_REPORT, sender + _pack_blocks(report.blocks))


def build_receiver_report(ssrc: int, blocks: Sequence[ReportBlock]) -> bytes:
    """RR with at most 31 blocks; without any it is the opening that a compound packet needs (RFC 3550 6.1)."""
    return _part(len(blocks), RECEIVER_REPORT, pack("!I", ssrc) + _pack_blocks(blocks))


def _pack_blocks(blocks: Iterable[ReportBlock]) -> bytes:
    return b"".join(
        _BLOCK.pack(
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
    body = pack("!II4sB", ssrc, 0, _REMB, len(media_ssrcs)) + value.to_bytes(3)
    return _part(FMT_APPLICATION, PAYLOAD_FEEDBACK, body + pack(f"!{len(media_ssrcs)}I", *media_ssrcs))


def build_reference_time(ssrc: int, ntp: int) -> bytes:
    """XR with our time: a sender answers with DLRR, which tells the round trip (RFC 3611 4.4)."""
    return _part(0, EXTENDED_REPORT, pack("!IBBHQ", ssrc, _REFERENCE_TIME, 0, 2, ntp))


def build_delay_since_report(ssrc: int, answers: Sequence[DelaySinceReport]) -> bytes:
    """XR with DLRR sub-blocks (RFC 3611 4.5)."""
    blocks = b"".join(pack("!III", each.ssrc, each.last_report, each.delay) for each in answers)
    return _part(0, EXTENDED_REPORT, pack("!IBBH", ssrc, _DELAY_SINCE_RR, 0, 3 * len(answers)) + blocks)
