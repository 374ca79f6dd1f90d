"""Receiver statistics of one SSRC (RFC 3550 6.4.1, A.1, A.3, A.8) and the report blocks made of them.

Integers only. Also decides which sequence numbers belong to the stream: jumps need a second packet to be believed.
"""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.rtcp import ReportBlock

MAX_DROPOUT = 3000
"""RFC 3550 A.1: a step forward up to this is a gap; beyond it the sender may have started anew."""
MAX_MISORDER = 1000
"""More than A.1's 100: a retransmission without RTX comes with its old number, at high rates hundreds of packets
later.
"""
REJECTED = -1
SILENT = 100 * MS
"""A stream that went on within this time has not started anew, whatever old packets say."""
STANDSTILL = 500 * MS
"""The same for numbers so near that they may only be late."""


class StreamStatistics:
    """Counts what came of one SSRC; `receive` also extends its sequence numbers.

    Attributes:
        highest: Extended highest sequence number; -1 before the first packet. Cycles start at 1, so that a step back
            from the very first packet stays positive.
        received: Packets.
        bytes: Of payload.
        rejected: Packets whose sequence number lay far off.
        last_timestamp: RTP time of the newest packet, which came at `last_arrival`.
    """

    __slots__ = (
        "_base",
        "_expected_before",
        "_following",
        "_in_a_row",
        "_jitter_q4",
        "_origin",
        "_received_before",
        "_since_base",
        "_sr_arrival",
        "_sr_middle",
        "_transit",
        "bytes",
        "clock_rate",
        "highest",
        "last_arrival",
        "last_timestamp",
        "received",
        "rejected",
    )

    def __init__(self, clock_rate: int, now: int) -> None:
        self.clock_rate = clock_rate
        self._origin = now
        self.highest = -1
        self.received = self.bytes = self.rejected = 0
        self.last_timestamp, self.last_arrival = -1, now
        self._base = self._since_base = 0
        self._following, self._in_a_row = -1, 0
        self._transit: int | None = None
        self._jitter_q4 = 0
        self._expected_before = self._received_before = 0
        self._sr_middle, self._sr_arrival = 0, 0

    def receive(self, packet: RtpPacket) -> int:
        """The packet's extended sequence number, or REJECTED."""
        step = (packet.sequence - self.highest) & 0xFFFF
        if step == 1 and self.highest >= 0:
            sequence = self.highest = self.highest + 1
        else:
            sequence = self._unusual(packet, step)
            if sequence < 0:
                self.rejected += 1
                return REJECTED
        self.received += 1
        self._since_base += 1
        self.bytes += packet.end - packet.start
        if packet.timestamp != self.last_timestamp and sequence == self.highest:
            self._measure_jitter(packet)
        return sequence

    def _unusual(self, packet: RtpPacket, step: int) -> int:
        number = packet.sequence
        if self.highest < 0:
            return self._restart(0x10000 + number)
        if 0 < step < MAX_DROPOUT:
            self.highest += step
            return self.highest
        near = step == 0 or step > 0x10000 - MAX_MISORDER
        if self._started_anew(packet, near=near):
            return self._restart(((self.highest >> 16) + 2) << 16 | number)
        if not near:
            return REJECTED
        return self.highest + (step - 0x10000 if step else 0)

    def _started_anew(self, packet: RtpPacket, *, near: bool) -> bool:
        """Whether numbers that do not follow the newest follow each other, while the stream itself stands still."""
        self._in_a_row = self._in_a_row + 1 if packet.sequence == self._following else 1
        self._following = (packet.sequence + 1) & 0xFFFF
        still = packet.arrival - self.last_arrival
        return (self._in_a_row >= 8 and still > STANDSTILL) if near else (self._in_a_row >= 2 and still > SILENT)

    def _restart(self, sequence: int) -> int:
        self.highest = self._base = sequence
        self._since_base = self._expected_before = self._received_before = 0
        self._following = -1
        self._transit = None
        return sequence

    def _measure_jitter(self, packet: RtpPacket) -> None:
        """RFC 3550 A.8, on the first packet of each frame: the others leave the sender when the network lets them."""
        self.last_timestamp, self.last_arrival = packet.timestamp, packet.arrival
        arrival = (packet.arrival - self._origin) * self.clock_rate // SECOND
        transit = (arrival - packet.timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            difference = (transit - self._transit) & 0xFFFFFFFF
            if difference & 0x80000000:
                difference = 0x100000000 - difference
            if difference < self.clock_rate * 10:  # more is a jump of the sender's clock, not the network
                self._jitter_q4 += difference - ((self._jitter_q4 + 8) >> 4)
        self._transit = transit

    @property
    def jitter(self) -> int:
        """Interarrival jitter in ticks of the RTP clock."""
        return self._jitter_q4 >> 4

    @property
    def jitter_ns(self) -> int:
        """The same in nanoseconds."""
        return self.jitter * SECOND // self.clock_rate

    @property
    def expected(self) -> int:
        """Packets that should have come since the sender (re)started."""
        return self.highest - self._base + 1 if self.highest >= 0 else 0

    @property
    def lost(self) -> int:
        """Packets that did not come; negative with duplicates (RFC 3550 6.4.1)."""
        return self.expected - self._since_base

    def sender_report(self, ntp: int, now: int) -> None:
        """A sender report came: the next blocks refer to it."""
        self._sr_middle, self._sr_arrival = ntp >> 16 & 0xFFFFFFFF, now

    def block(self, ssrc: int, now: int) -> ReportBlock:
        """The report block since the one before (RFC 3550 A.3)."""
        expected, received = self.expected - self._expected_before, self._since_base - self._received_before
        self._expected_before, self._received_before = self.expected, self._since_base
        fraction = min(255, (expected - received << 8) // expected) if expected > received > -1 else 0
        delay = (now - self._sr_arrival) * 0x10000 // SECOND if self._sr_middle else 0
        highest = (self.highest - 0x10000) & 0xFFFFFFFF
        return ReportBlock(ssrc, fraction, self.lost, highest, self.jitter, self._sr_middle, delay & 0xFFFFFFFF)
