"""When something must be done next, kept so cheaply that it may be asked after every packet."""

from __future__ import annotations

NEVER = 1 << 63
"""Later than any time."""

MS = 1_000_000
SECOND = 1_000_000_000


class Alarm:
    """The earliest time that anybody asked for. Who runs the timers sets `at` anew.

    Attributes:
        at: Nanoseconds; NEVER where nothing is due.
    """

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = NEVER

    def by(self, when: int) -> None:
        """Not later than `when`."""
        if when < self.at:  # noqa: PLR1730 - half the cost of min(), and asked for every packet
            self.at = when


class RoundTrip:
    """The way to the sender and back, measured by answered NACKs and by DLRR.

    Attributes:
        ns: Smoothed, nanoseconds; a careful guess before the first measure.
        spread: How far measures lie from it, smoothed.
        known: Whether it was measured.
    """

    __slots__ = ("known", "ns", "spread")

    GUESS = 80 * MS
    LONGEST = 2 * SECOND

    def __init__(self) -> None:
        self.ns = self.GUESS
        self.spread = 0
        self.known = False

    def measured(self, sample: int) -> None:
        """One measure: an eighth of it counts, a quarter for the spread, the first whole (RFC 6298 2.3)."""
        if not 0 <= sample <= self.LONGEST:
            return
        if self.known:
            self.spread += abs(sample - self.ns) - self.spread >> 2
            self.ns += sample - self.ns >> 3
        else:
            self.ns, self.known = sample, True

    @property
    def answer(self) -> int:
        """After so long an answer will not come any more."""
        return self.ns + 3 * self.spread

    def answered(self, now: int, sent: int, delay: int) -> None:
        """An answer to our reference time came (RFC 3611 4.5); middle 32 bits of NTP, `delay` in 1/65536 s."""
        trip = (now - sent - delay) & 0xFFFFFFFF
        if trip < 0x80000000:
            self.measured(trip * SECOND >> 16)


class Reordering:
    """How long packets that were overtaken take to come after all: grows at once, shrinks slowly.

    Attributes:
        ns: Wait this long for an overtaken packet.
    """

    __slots__ = ("_least", "_most", "_shrunk_at", "ns")

    def __init__(self, least: int, most: int, now: int) -> None:
        self._least, self._most = least, most
        self.ns = least
        self._shrunk_at = now

    def seen(self, delay: int, now: int) -> None:
        """A packet came `delay` after the first that overtook it; an eighth is put on top."""
        wanted = min(delay + (delay >> 3), self._most)
        if wanted > self.ns:
            self.ns, self._shrunk_at = wanted, now

    def shrink(self, now: int) -> None:
        """A sixteenth less for each second since the last time: forgotten within half a minute."""
        for _ in range(min(60, (now - self._shrunk_at) // SECOND)):
            self.ns -= self.ns - self._least + 15 >> 4
            self._shrunk_at += SECOND
