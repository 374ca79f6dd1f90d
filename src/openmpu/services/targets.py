"""What a task's targets went through, as events to tell (callbacks.md 2.3); pure, one watch a running task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from openmpu.model.reports import TargetReport
from openmpu.model.urls import IngestUrl
from openmpu.services.ports import TargetEvent

CONNECTING, PUSHING, INTERRUPTED, GIVEN_UP, ENDED = range(5)
CODES: Mapping[str, int] = MappingProxyType(
    {
        "connecting": CONNECTING,
        "pushing": PUSHING,
        "interrupted": INTERRUPTED,
        "given_up": GIVEN_UP,
        "ended": ENDED,
    }
)
"""TargetReport.state -> EventCode."""

CONNECTING_EVERY = 5 * 10**9
"""Nanoseconds: "connecting" is told at most once per 5 s."""


class TargetWatch:
    """The targets of one task.

    Args:
        targets: As in the task's spec.
    """

    def __init__(self, targets: Sequence[IngestUrl]) -> None:
        self._targets = tuple(targets)
        self._codes: dict[IngestUrl, int] = {}
        self._connecting_told: dict[IngestUrl, int] = {}

    def take(self, reports: Iterable[TargetReport], now: int) -> list[TargetEvent]:
        """The events in a worker's report; one about a target that is no longer ours is ignored."""
        events = (self._take(report, now) for report in reports)
        return [event for event in events if event]

    def _take(self, report: TargetReport, now: int) -> TargetEvent | None:
        url = self._targets[report.place] if 0 <= report.place < len(self._targets) else None
        code = CODES.get(report.state)
        if url is None or code is None or url.redacted != report.url:
            return None
        if self._codes.get(url) in (code, GIVEN_UP):
            return None
        self._codes[url] = code
        if code == CONNECTING and not self._may_tell_connecting(url, now):
            return None
        return TargetEvent(url, code, report.error_code, report.last_error if report.error_code else "")

    def _may_tell_connecting(self, url: IngestUrl, now: int) -> bool:
        told = self._connecting_told.get(url)
        if told is not None and now - told < CONNECTING_EVERY:
            return False
        self._connecting_told[url] = now
        return True

    @property
    def all_given_up(self) -> bool:
        """Whether there are targets and none is left to hope for."""
        return bool(self._targets) and all(self._codes.get(url) == GIVEN_UP for url in self._targets)

    def change(self, targets: Sequence[IngestUrl]) -> list[TargetEvent]:
        """New targets: those that are no longer among them have ended as wanted."""
        gone = [url for url in self._targets if url not in targets]
        self._targets = tuple(targets)
        return self._end(gone)

    def end(self) -> list[TargetEvent]:
        """The task is over: its targets have ended as wanted, but for those given up and those never tried."""
        return self._end(self._targets)

    def _end(self, urls: Iterable[IngestUrl]) -> list[TargetEvent]:
        ended = [url for url in urls if self._codes.pop(url, ENDED) not in (GIVEN_UP, ENDED)]
        return [TargetEvent(url, ENDED) for url in ended]
