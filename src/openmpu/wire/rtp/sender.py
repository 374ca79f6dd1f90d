"""One track as it is sent to one player: packets, reports, and packets again (RFC 3550, RFC 4588). Sans-IO.

The RTP time of a frame comes with it; a player's own offset is put on it, so that two players cannot be compared.
Packets are kept for as long as asking again makes sense: a bounded ring, and a bounded share of what is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

from openmpu.wire.rtp.rtcp import SenderReport

SECOND = 1_000_000_000
KEPT = 512
"""Packets: a second of 5 Mbit/s. A power of two."""
AGAIN_SHARE = 0.5
"""Of the bytes sent, so many may be sent again: beyond it the path is too narrow, and more would make it worse."""
AGAIN_MOST = 128 << 10
"""Bytes of that allowance that may be saved up: two key frames."""
BACK_S = 10
"""Seconds: time that goes back by more is another time line, which the player must follow."""
_HEADER = Struct("!BBHII")
_VERSION = 0x80
_MARKER = 0x80
_SEQUENCE = Struct("!H")


@dataclass(frozen=True, slots=True)
class SendParameters:
    """What was agreed on for one track that is sent, and where its numbers begin.

    Attributes:
        rtx: SSRC and payload type of what is sent again (RFC 4588); None: it goes out as it was.
        sequence: Of the first packet; RFC 3550 5.1 wants it random, like `rtx_sequence` and `time_offset`.
    """

    ssrc: int
    payload_type: int
    clock_rate: int
    rtx: tuple[int, int] | None = None
    sequence: int = 0
    rtx_sequence: int = 0
    time_offset: int = 0


class TrackSender:
    """Makes the packets of one track.

    Attributes:
        packets: Sent, without those sent again.
        octets: Of payload in them.
        repeated: Packets sent again.
        refused: Packets asked for again that were no longer there, or too many.
    """

    def __init__(self, parameters: SendParameters) -> None:
        self.parameters = parameters
        self.packets = self.octets = self.repeated = self.refused = 0
        self._sequence, self._rtx_sequence = parameters.sequence, parameters.rtx_sequence
        self._ring: list[tuple[int, bytes]] = [(-1, b"")] * KEPT
        self._allowance = float(AGAIN_MOST)
        self._last: int | None = None

    def frame(self, payloads: Sequence[bytes], rtp_time: int) -> Iterator[bytes]:
        """The packets of one frame; the last one has the marker."""
        time = self._rising(rtp_time)
        for number, payload in enumerate(payloads, 1):
            yield self._packet(payload, time, marker=number == len(payloads))

    def again(self, sequences: Iterable[int]) -> Iterator[bytes]:
        """The packets that a NACK asks for, as far as they are still there and the allowance goes."""
        for sequence in sequences:
            kept, packet = self._ring[sequence % KEPT]
            if kept != sequence or self._allowance < len(packet):
                self.refused += 1
                continue
            self._allowance -= len(packet)
            self.repeated += 1
            yield self._wrapped(packet)

    def report(self, unix: int, ntp: int) -> SenderReport:
        """A sender report for this moment.

        Args:
            unix: Nanoseconds; RTP time is Unix time in ticks of the clock, so that sound and picture meet.
            ntp: The same moment as NTP 32.32 fixed point.
        """
        rtp_time = unix * self.parameters.clock_rate // SECOND + self.parameters.time_offset & 0xFFFFFFFF
        octets, packets = self.octets & 0xFFFFFFFF, self.packets & 0xFFFFFFFF
        return SenderReport(self.parameters.ssrc, ntp, rtp_time, packets, octets)

    def _rising(self, rtp_time: int) -> int:
        """The time on the player's line; one that stands still or goes back a little (a clock that was set) rises."""
        time = rtp_time + self.parameters.time_offset & 0xFFFFFFFF
        back = 0 if self._last is None else self._last - time & 0xFFFFFFFF
        if self._last is not None and back < BACK_S * self.parameters.clock_rate:
            time = self._last + 1 & 0xFFFFFFFF
        self._last = time
        return time

    def _packet(self, payload: bytes, time: int, *, marker: bool) -> bytes:
        sequence, self._sequence = self._sequence, self._sequence + 1 & 0xFFFF
        kind = self.parameters.payload_type | _MARKER * marker
        packet = _HEADER.pack(_VERSION, kind, sequence, time, self.parameters.ssrc) + payload
        self._ring[sequence % KEPT] = (sequence, packet)
        self._allowance = min(self._allowance + AGAIN_SHARE * len(packet), AGAIN_MOST)
        self.packets += 1
        self.octets += len(payload)
        return packet

    def _wrapped(self, packet: bytes) -> bytes:
        """As RTX: own source, own numbers, the original number before the payload (RFC 4588 4)."""
        if self.parameters.rtx is None:
            return packet
        ssrc, payload_type = self.parameters.rtx
        _, kind, original, time, _ = _HEADER.unpack_from(packet)
        sequence, self._rtx_sequence = self._rtx_sequence, self._rtx_sequence + 1 & 0xFFFF
        header = _HEADER.pack(_VERSION, payload_type | kind & _MARKER, sequence, time, ssrc)
        return header + _SEQUENCE.pack(original) + packet[_HEADER.size :]
