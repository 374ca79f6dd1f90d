"""RTP time stamps unrolled: 32 bit and wrapping in, a running count out (RFC 3550 5.1)."""

from __future__ import annotations

from openmpu.timing.ticks import SECOND

_WRAP = 1 << 32
_HALF = 1 << 31


class RtpTime:
    """Follows one track's RTP time. Of two readings of a stamp, the one nearer to the last is taken."""

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._last: int | None = None

    def unroll(self, rtp_time: int) -> int:
        """The stamp in nanoseconds of the track's own clock, from an arbitrary zero."""
        if self._last is None:
            self._last = rtp_time
        ahead = (rtp_time - self._last + _HALF) % _WRAP - _HALF
        count = self._last + ahead
        self._last = count
        return count * SECOND // self._rate
