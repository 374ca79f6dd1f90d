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

    def leaving(self, targets: Sequence[IngestUrl]) -> list[TargetEvent]:
        """Were these the targets: the others have ended as wanted, but for those given up and those never tried."""
        gone = [url for url in self._targets if url not in targets]
        return [TargetEvent(url, ENDED) for url in gone if self._codes.get(url, ENDED) not in (GIVEN_UP, ENDED)]

    def change(self, targets: Sequence[IngestUrl]) -> None:
        """These are the targets from now on."""
        self._targets = tuple(targets)
        self._codes = {url: code for url, code in self._codes.items() if url in targets}
