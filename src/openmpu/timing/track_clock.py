"""A track's RTP time in task time.

Anchored on arrival with the first frame, so that nobody waits for RTCP; from then on the least transit time of the
last seconds holds it (`minimum.py`), or the sender's reports where they can be believed (`sender_clock.py`), by
slewing (`slewing.py`). RTP time that leaps away from the wall clock is a sender that restarted its counter: the track
is anchored anew, at once where no network could explain it, else when it persists.
"""

from __future__ import annotations

from typing import Final

from openmpu.timing.minimum import SlidingMinimum
from openmpu.timing.rtp_time import RtpTime
from openmpu.timing.sender_clock import MAX_SPREAD, SenderClock
from openmpu.timing.slewing import Slewed
from openmpu.timing.ticks import MILLISECOND, SECOND

MAX_LATE: Final = 5 * SECOND
"""No network holds a frame longer: a frame later than this has a new time base."""

MAX_EARLY: Final = SECOND
"""Frames are not early: this much ahead of arrival is a new time base (less: the first ones had been held up)."""

PERSISTENT_LATE: Final = MAX_SPREAD
"""More than a playout delay covers: who stays so late would never be heard. A sender that stood still for a moment, and
whose counter stood still with it (Firefox short of CPU), is late so from then on."""
PERSISTENT_AFTER: Final = 500 * MILLISECOND


class TrackClock:
    """Maps frames of one track, in the order they come.

    Args:
        clock_rate: Of its RTP time.
        sender: Shared with the other tracks of the same user's source.
    """

    def __init__(self, clock_rate: int, sender: SenderClock) -> None:
        self.anchors = 0
        self._rtp = RtpTime(clock_rate)
        self._transit = SlidingMinimum()
        self._offset = Slewed(0, 0)
        self._sender = sender
        self._report = sender.join()
        self._news = sender.news
        self._late_since: int | None = None

    def pts(self, rtp_time: int, arrival: int, ntp: int | None = None) -> int:
        """Task time of a frame, before any playout delay: when it would have come with the least delay seen.

        Args:
            rtp_time: As sent.
            arrival: In task time.
            ntp: The frame's time on the sender's clock, as told by its reports.
        """
        media = self._rtp.unroll(rtp_time)
        if self._must_anchor(arrival - media, arrival):
            self._anchor(arrival - media, arrival)
        self._report.transit = self._transit.put(arrival, arrival - media)
        if ntp is not None:
            self._sender.hear(self._report, ntp - media, arrival)
        self._look_for_news(arrival)
        target = self._sender.offset(self._report)
        return media + self._offset.follow(self._report.transit if target is None else target, arrival)

    def close(self) -> None:
        """The track is over: the sender's other tracks no longer look at it."""
        self._sender.leave(self._report)

    def _look_for_news(self, arrival: int) -> None:
        """Another track's first report, or our own, is a reason to settle anew."""
        if self._news != self._sender.news:
            self._news = self._sender.news
            self._offset.settle(arrival)

    def _must_anchor(self, transit: int, arrival: int) -> bool:
        least = self._transit.value
        if least is None or not -MAX_EARLY <= transit - least <= MAX_LATE:
            return True
        if transit - least <= PERSISTENT_LATE:
            self._late_since = None
            return False
        if self._late_since is None:
            self._late_since = arrival
        return arrival - self._late_since >= PERSISTENT_AFTER

    def _anchor(self, transit: int, arrival: int) -> None:
        self.anchors += 1
        self._late_since = None
        self._transit.clear()
        self._report.relation = self._report.doubted_since = None
        self._offset.restart(transit, arrival)
