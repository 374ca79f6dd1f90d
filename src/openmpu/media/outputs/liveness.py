"""Is the peer still there and reading? Arithmetic over counters and time.

Two signs, because each alone is blind: TCP acknowledges into the buffer of a peer that reads no more, and RTMP
acknowledgements are sent by servers that keep to the standard only.
"""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.wire.rtmp.messages import TIME_MASK


@dataclass(frozen=True, slots=True)
class Flow:
    """A socket at one moment, in bytes: handed over but not taken by the peer's TCP, and taken so far."""

    outstanding: int
    taken: int


class Liveness:
    """Watches one connection from `now` on.

    Args:
        now: Nanoseconds.
        stall: Nanoseconds without progress that mean the peer is gone.
        window: Bytes after which the peer was asked to acknowledge.
    """

    def __init__(self, now: int, stall: int, window: int) -> None:
        self._stall = stall
        self._moved_at = self._acked_at = now
        self._taken = 0
        self._window = window
        self._total: int | None = None
        self._written_at_ack = 0

    def acknowledged(self, now: int, total: int, written: int) -> None:
        """The peer says it has received `total` bytes (modulo 2^32); we had written `written` by then.

        Some servers choose the distance between acknowledgements themselves: the longest seen is taken for theirs.
        """
        self._window = max(self._window, (total - (self._total or 0)) & TIME_MASK)
        self._total, self._acked_at, self._written_at_ack = total, now, written

    def trouble(self, now: int, flow: Flow, written: int) -> str | None:
        """What is wrong with the peer, or None."""
        if not flow.outstanding or flow.taken != self._taken:
            self._moved_at, self._taken = now, flow.taken
        if now - self._moved_at >= self._stall:
            return "the server takes no more data"
        overdue = self._total is not None and written - self._written_at_ack > 2 * self._window
        if overdue and now - self._acked_at >= self._stall:
            return "the server reads no more"
        return None
