"""How much a peer may send: the value of REMB (draft-alvestrand-rmcat-remb-03).

With transport-wide feedback the sender finds out by itself, and REMB only says what is wanted. Without, we watch for a
queue that stands in the path: if for half a second no frame came without QUEUE of delay on top of the least seen
lately, the path is full, and the estimate falls below what arrives; else it grows. Made not to strangle: it begins at
a full 720p and never falls below FLOOR.
"""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.wrapping import Unwrapper

FLOOR = 200_000
START = 2_500_000
CEILING = 20_000_000
WINDOW = 250 * MS
QUEUE = 60 * MS
_STANDING = 2
"""Windows in a row with a queue."""
_SETTLE = 4
"""Windows after a decrease in which the queue drains."""
_MEMORY = 40
"""Windows after which the least delay is forgotten: clocks drift, routes change."""


class Bandwidth:
    """The estimate for one peer.

    Attributes:
        estimate: Bits per second.
    """

    __slots__ = (
        "_age",
        "_bits",
        "_bytes",
        "_least",
        "_line",
        "_next_least",
        "_queue",
        "_rates",
        "_settling",
        "_ssrc",
        "_standing",
        "_window_end",
        "estimate",
    )

    def __init__(self, now: int) -> None:
        self.estimate = START
        self._least: int | None = None
        self._next_least: int | None = None
        self._queue: int | None = None
        self._age = self._standing = self._settling = self._bytes = 0
        self._rates = [0, 0]
        self._window_end = now + WINDOW
        self._line: Unwrapper | None = None
        self._bits, self._ssrc = 0, -1

    def received(self, size: int, now: int) -> bool:
        """A packet of `size` bytes came. True if the estimate fell: worth telling at once."""
        fell = now >= self._window_end and self._window_over(now)
        self._bytes += size
        return fell

    def timed(self, packet: RtpPacket) -> None:
        """When was a packet of video sent: by its absolute send time, else by the RTP clock of the first SSRC seen."""
        extras = packet.extras
        if extras is not None and extras.send_time is not None:
            self._on_line(extras.send_time, 24, 1 << 18, packet)
        elif self._ssrc in {-1, packet.ssrc}:
            self._ssrc = packet.ssrc
            self._on_line(packet.timestamp, 32, 90_000, packet)

    def _on_line(self, number: int, bits: int, rate: int, packet: RtpPacket) -> None:
        """Put a wrapping time on an endless line; it begins anew where the clock is another one or has jumped."""
        line = self._line
        if line is None or self._bits != bits:
            line = self._line = Unwrapper(1 << bits)
            self._bits = bits
            self._restart_timing()
        before = line.last
        sent = line.extend(number)
        if before is not None and abs(sent - before) > 5 * rate:
            self._restart_timing()
        if sent != before:
            self._timed(sent * SECOND // rate, packet.arrival)

    def _timed(self, sent: int, arrival: int) -> None:
        delay = arrival - sent
        self._least = delay if self._least is None else min(self._least, delay)
        self._next_least = delay if self._next_least is None else min(self._next_least, delay)
        queue = delay - self._least
        self._queue = queue if self._queue is None else min(self._queue, queue)

    def _restart_timing(self) -> None:
        self._least = self._next_least = self._queue = None
        self._standing = 0

    def _window_over(self, now: int) -> bool:
        rate = self._bytes * 8 * SECOND // (now - self._window_end + WINDOW)
        self._rates = [self._rates[1], rate]
        standing = self._queue is not None and self._queue > QUEUE
        self._standing = self._standing + 1 if standing else 0
        self._forget()
        self._bytes, self._queue = 0, None
        self._window_end = now + WINDOW
        self._settling = max(0, self._settling - 1)
        if self._standing >= _STANDING and not self._settling:
            return self._decrease()
        if not self._standing:
            self._increase()
        return False

    def _forget(self) -> None:
        self._age += 1
        if self._age >= _MEMORY:
            self._least, self._next_least, self._age = self._next_least, None, 0

    def _decrease(self) -> bool:
        """Below what comes through, and below what was allowed: some of that may be packets sent again."""
        before = self.estimate
        self.estimate = max(FLOOR, min(before * 90 // 100, sum(self._rates) // 2 * 85 // 100))
        self._settling = _SETTLE
        return self.estimate < before

    def _increase(self) -> None:
        """By 8 % a second, as far as something comes that could have met a queue."""
        most = max(START, 3 * max(self._rates) // 2 + FLOOR)
        self.estimate = min(self.estimate + self.estimate // 50, max(self.estimate, most), CEILING)
