"""The sound jitter buffer: packets in order, without any delay as long as they come in order.

What follows a hole is held for as long as overtaken packets were seen to take (at least MIN_DELAY, at most MAX_DELAY),
then the missing ones are told as lost with the next packet, so that the decoder can conceal them or use the in-band
FEC of that packet. Where redundancy (RED) restored packets behind the hole, the time counts from when the first of
those was due: it was lost, not overtaken, and so is what stands before it. A gap in time without a gap in numbers is
silence (DTX), not loss. The mixer has a playout buffer of its own: steady jitter without reordering is its business.
"""

from __future__ import annotations

from collections.abc import Callable

from openmpu.wire.rtp.alarm import MS, NEVER, Alarm, Reordering
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.ring import PacketRing

CAPACITY = 64
"""Packets; 1.3 s of Opus in 20 ms packets."""
_RESTART = 1 << 15
MIN_DELAY = 12 * MS
MAX_DELAY = 120 * MS

Sink = Callable[[RtpPacket, int], None]
"""Takes a packet and how many were lost right before it."""


class AudioBuffer:
    """Packets of one SSRC in, the same in order out.

    Attributes:
        wake: When `tick` has something to do.
    """

    __slots__ = (
        "_alarm",
        "_counts",
        "_due",
        "_given_up",
        "_hole_since",
        "_late_since",
        "_lost_before",
        "_next",
        "_reordering",
        "_ring",
        "_sink",
        "wake",
    )

    def __init__(self, alarm: Alarm, counts: Counts, now: int, sink: Sink) -> None:
        self._alarm, self._counts, self._sink = alarm, counts, sink
        self._ring = PacketRing(CAPACITY)
        self._reordering = Reordering(MIN_DELAY, MAX_DELAY, now)
        self._next = self._given_up = -1
        self._hole_since = self._late_since = now
        self._due = NEVER
        self._lost_before = 0
        self.wake = NEVER

    @property
    def delay(self) -> int:
        """How long a hole is waited for at the moment, nanoseconds."""
        return self._reordering.ns

    def push(self, packet: RtpPacket, now: int) -> None:
        """A packet with extended sequence number came."""
        if packet.sequence == self._next:
            self._next += 1
            self._hand_out(packet)
            if self._ring.count:  # it was waited for, overtaken by those in the ring
                self._reordering.seen(now - self._hole_since, now)
                self._drain(now)
        else:
            self._push_apart(packet, now)

    def recover(self, packet: RtpPacket, due: int) -> None:
        """A packet restored from redundancy, to be followed by a `push`: taken if it is missing. It was `due` then."""
        if self._next <= packet.sequence < self._next + CAPACITY and self._next >= 0 and self._ring.put(packet):
            self._counts.recovered += 1
            self._due = min(self._due, due)

    def tick(self, now: int) -> None:
        """Give up what was waited for long enough."""
        if now >= self.wake and self._ring.count:
            self._skip(now)

    def _push_apart(self, packet: RtpPacket, now: int) -> None:
        if self._next < 0:
            self._next = packet.sequence
        distance = packet.sequence - self._next
        if distance < 0:
            self._behind(packet, now)
            return
        while distance >= CAPACITY and self._ring.count:
            self._skip(now)
            distance = packet.sequence - self._next
        if distance >= CAPACITY:
            self._jump(packet)
            return
        if not self._ring.put(packet):
            self._counts.duplicates += 1
        self._drain(now)

    def _jump(self, packet: RtpPacket) -> None:
        """An outage longer than the window: told as what it is. A sender that counts anew lost nothing."""
        missing = packet.sequence - self._next
        self._lose(missing if missing < _RESTART else 0)
        self._next = self._given_up = packet.sequence + 1
        self._hand_out(packet)

    def _behind(self, packet: RtpPacket, now: int) -> None:
        if packet.sequence < self._given_up:
            self._counts.late += 1
            self._reordering.seen(now - self._late_since, now)
        else:
            self._counts.duplicates += 1

    def _skip(self, now: int) -> None:
        """The hole at `_next` will not be filled in time."""
        first = self._next
        while self._ring.get(self._next) is None:
            self._next += 1
        self._lose(self._next - first)
        self._given_up = self._next
        self._late_since = self._hole_since
        self._due = NEVER
        self._drain(now)

    def _lose(self, count: int) -> None:
        self._counts.lost += count
        self._lost_before += count

    def _drain(self, now: int) -> None:
        """Hand out what lies ready in the ring, up to the next hole."""
        while self._ring.count:
            packet = self._ring.pop(self._next)
            if packet is None:
                self._wait(now)
                return
            self._next += 1
            self._hand_out(packet)
        self.wake = self._due = NEVER

    def _wait(self, now: int) -> None:
        self._reordering.shrink(now)
        self._hole_since = min(self._ring.earliest(), self._due)
        self.wake = self._hole_since + self._reordering.ns
        self._alarm.by(self.wake)

    def _hand_out(self, packet: RtpPacket) -> None:
        if packet.start < packet.end:  # else padding, which fills its number only
            lost, self._lost_before = self._lost_before, 0
            self._sink(packet, lost)
