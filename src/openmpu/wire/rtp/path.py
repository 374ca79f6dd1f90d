"""What all streams of one peer share: its timer, its round trip, how much its network reorders."""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, Alarm, Reordering, RoundTrip

MOST_NACK_DELAY = 80 * MS
"""Asking later than this for a packet that may only be overtaken would cost more than a needless retransmission."""


class Path:
    """The network between a peer and us.

    Attributes:
        alarm: When the peer's timers must be run.
        trip: Its round trip.
        reordering: How long an overtaken video packet is waited for before it is asked for again.
    """

    __slots__ = ("alarm", "reordering", "trip")

    def __init__(self, now: int) -> None:
        self.alarm = Alarm()
        self.trip = RoundTrip()
        self.reordering = Reordering(0, MOST_NACK_DELAY, now)
