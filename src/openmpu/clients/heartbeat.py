"""Whether the other side is still there, told by its reports. Seconds of any clock come as arguments."""

from __future__ import annotations

_LEAST_S = 3.0
_GAPS = 2.5
_FIRST_S = 12.0
"""Receivers that keep to RFC 3550 6.2 report every 2.5 to 7.5 s; many, ours too, about once a second."""
_KNOWN = 3


class Heartbeat:
    """Reports come at a pace that the other side chooses: it is lost when they stay out for much longer than ever."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._longest = 0.0
        self._beats = 0

    def beat(self, now: float) -> None:
        """A report came."""
        if self._last is not None:
            self._longest = max(self._longest, now - self._last)
        self._last = now
        self._beats += 1

    def silent(self, now: float) -> float | None:
        """For how many seconds nothing was heard, if that is too long; None while all is well, or before the first."""
        if self._last is None or now - self._last <= self._patience:
            return None
        return now - self._last

    @property
    def _patience(self) -> float:
        return max(_LEAST_S, _GAPS * self._longest) if self._beats >= _KNOWN else _FIRST_S
