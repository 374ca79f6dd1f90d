"""RTCP packets as values, and read: RFC 3550 6, RFC 4585 6, RFC 5104 4.3.1, RFC 3611 4.5, REMB.

`parse` takes a compound (or reduced-size) packet apart and never raises: what is malformed or unknown is left out and
counted. They are written by `rtcp_writing`; the inside of transport-wide feedback is in `transport_feedback`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, iter_unpack

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, BYE, APPLICATION = 200, 201, 202, 203, 204
TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK, EXTENDED_REPORT = 205, 206, 207
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_APPLICATION = 1, 4, 15

BLOCK = Struct("!IIIIII")
SENDER = Struct("!IQIII")
REMB = b"REMB"
DELAY_SINCE_RR = 5  # RFC 3611 4.5 (DLRR)
REFERENCE_TIME = 4  # RFC 3611 4.4


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
    ssrc, ntp, rtp_time, packets, octets = SENDER.unpack_from(body)
    messages.append(SenderReport(ssrc, ntp, rtp_time, packets, octets, _blocks(body[24 : 24 + 24 * count])))
    return True


def _read_receiver_report(count: int, body: bytes, messages: list[Message]) -> bool:
    if len(body) < 4 + 24 * count:
        return False
    messages.append(ReceiverReport(int.from_bytes(body[:4]), _blocks(body[4 : 4 + 24 * count])))
    return True


def _blocks(data: bytes) -> tuple[ReportBlock, ...]:
    return tuple(_block(*fields) for fields in BLOCK.iter_unpack(data))


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
    elif fmt == FMT_APPLICATION and body[8:12] == REMB:
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
        if body[at] == DELAY_SINCE_RR and (end - at - 4) % 12 == 0:
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
