"""From RTP time to the sender's NTP time, one SSRC: by sender reports (RFC 3550 6.4.1) or absolute capture time.

A report is believed only if it fits when its packets came, as the reports before it did (troubles.md 8). One that lies
by more than TOLERANCE is counted and left out; if the following ones agree with it and not with the old, they are the
new truth, so that a sender that sets its clock is followed after a few seconds (troubles.md 32).
"""

from __future__ import annotations

from openmpu.wire.rtp.alarm import SECOND
from openmpu.wire.rtp.wrapping import time_step

TOLERANCE = SECOND
"""Between two reports: the network's delay and the sender's drift; a lie worth rejecting is larger."""
CONVINCING = 3
"""So many reports in a row that agree with each other are believed against the older ones."""
NTP_EPOCH = 2_208_988_800 * SECOND
"""Nanoseconds from 1900 to 1970."""
_CAPTURE_LIFE = 10
"""Seconds for which one absolute capture time is carried on."""
_PLAUSIBLE = 5 * SECOND
"""A frame whose NTP time is further off from when it came: its RTP clock has jumped since the last report."""


def from_ntp(ntp: int) -> int:
    """NTP 32.32 fixed point as nanoseconds of Unix time; the era that began in 2036 is not told apart (RFC 5905 6)."""
    return (ntp * SECOND >> 32) - NTP_EPOCH


def to_ntp(unix: int) -> int:
    """Nanoseconds of Unix time as NTP 32.32 fixed point."""
    return ((unix + NTP_EPOCH << 32) // SECOND) & 0xFFFFFFFFFFFFFFFF


class SenderClock:
    """Maps RTP time stamps of one SSRC to Unix nanoseconds on the sender's clock.

    Attributes:
        rejected: Reports that were not believed.
        offset: NTP time minus arrival time of the report believed last; None before the first. What it is does not
            matter (the clocks of two machines), that it stays does.
    """

    __slots__ = ("_capture", "_doubts", "_last", "_pair", "_rate", "_suspect", "offset", "rejected")

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._pair: tuple[int, int] | None = None
        self._capture: tuple[int, int] | None = None
        self._last: tuple[int, int] | None = None
        self._suspect, self._doubts = 0, 0
        self.offset: int | None = None
        self.rejected = 0

    def report(self, ntp: int, rtp_time: int, arrival: int, reference: int | None = None) -> bool:
        """A sender report came.

        Args:
            ntp: Its NTP time, 32.32 fixed point; 0 says that the sender has no clock.
            rtp_time: Its RTP time.
            arrival: When a packet of that RTP time came, or would have come.
            reference: `offset` of another SSRC of the same peer, to measure the first report by.

        Returns:
            Whether it was believed.
        """
        if not ntp:
            return False
        unix = from_ntp(ntp)
        offset = unix - arrival
        known = self.offset if self.offset is not None else reference
        if known is not None and abs(offset - known) > TOLERANCE and not self._convinced(offset):
            self.rejected += 1
            return False
        self.offset, self._doubts = offset, 0
        self._pair = (rtp_time, unix)
        return True

    def _convinced(self, offset: int) -> bool:
        """Whether enough reports in a row say the same against what is known."""
        self._doubts = self._doubts + 1 if self._doubts and abs(offset - self._suspect) <= TOLERANCE else 1
        self._suspect = offset
        if self._doubts < CONVINCING or self.offset is None:
            return False
        self._last = None
        return True

    def capture(self, rtp_time: int, capture_time: int, capture_offset: int) -> None:
        """A packet told when its content was captured; `capture_offset` puts that on the sender's own clock."""
        self._capture = (rtp_time, from_ntp(capture_time + capture_offset))

    def ntp_of(self, rtp_time: int, arrival: int) -> int | None:
        """Unix nanoseconds of the sender's clock at `rtp_time`, which came at `arrival`.

        Never earlier for a later RTP time. None before the first report, and after a jump of the RTP time until the
        next.
        """
        pair = self._capture
        if pair is None or abs(time_step(rtp_time, pair[0])) > _CAPTURE_LIFE * self._rate:
            pair = self._pair
            if pair is None:
                return None
        ntp = pair[1] + time_step(rtp_time, pair[0]) * SECOND // self._rate
        if self.offset is not None and abs(ntp - arrival - self.offset) > _PLAUSIBLE:
            return None
        last = self._last
        if last is not None and 0 <= time_step(rtp_time, last[0]) < self._rate and ntp < last[1]:
            ntp = last[1]
        self._last = (rtp_time, ntp)
        return ntp
