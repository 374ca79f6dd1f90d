"""One sender's clock behind all of their tracks: what makes picture and sound move together.

Sender reports (RFC 3550 6.4.1) tell each track's media time on the sender's one NTP clock. From that, every track gets
the same distance between NTP time and task time: that of the track whose frames are least delayed. Reports are data
from a stranger: what contradicts itself, or would tear tracks apart by more than a network can, is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from openmpu.timing.ticks import MILLISECOND, SECOND

MAX_STEP: Final = 100 * MILLISECOND
"""A track's reports agree within this; a larger step is believed only after `STEP_AFTER`: then the clock was set."""

STEP_AFTER: Final = 5 * SECOND
MAX_SPREAD: Final = 500 * MILLISECOND
"""Two tracks of one sender differ in delay by no more (encoding, pacing, retransmission); more is a lie."""


@dataclass(slots=True)
class TrackReport:
    """What one track's reports say.

    Attributes:
        relation: Sender's NTP time minus media time; None before the first report.
        transit: Least of (arrival in task time minus media time).
    """

    relation: int | None = None
    transit: int = 0
    doubted_since: int | None = None


@dataclass(slots=True)
class SenderClock:
    """Shared by the tracks of one user's source.

    Attributes:
        rejected: Readings that were not believed.
        news: Counts what gives all tracks another target: a track's first report, a track that left.
    """

    rejected: int = 0
    news: int = 0
    tracks: list[TrackReport] = field(default_factory=list)

    def join(self) -> TrackReport:
        """A new track's place."""
        report = TrackReport()
        self.tracks.append(report)
        return report

    def leave(self, report: TrackReport) -> None:
        """The track is over."""
        self.news += report.relation is not None
        self.tracks = [track for track in self.tracks if track is not report]

    def hear(self, report: TrackReport, relation: int, at: int) -> None:
        """Take one frame's NTP reading (NTP time minus media time) of a track."""
        self.news += report.relation is None
        if report.relation is None or abs(relation - report.relation) <= MAX_STEP:
            report.relation, report.doubted_since = relation, None
            return
        self.rejected += 1
        if report.doubted_since is None:
            report.doubted_since = at
        elif at - report.doubted_since >= STEP_AFTER:
            report.relation, report.doubted_since = relation, None

    def offset(self, report: TrackReport) -> int | None:
        """What to add to the track's media time; None where its reports say nothing that can be believed."""
        if report.relation is None:
            return None
        delays = [track.transit - track.relation for track in self.tracks if track.relation is not None]
        if max(delays) - min(delays) > MAX_SPREAD:
            return None
        return report.relation + min(delays)
