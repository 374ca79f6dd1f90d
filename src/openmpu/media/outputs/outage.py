"""A row of failures: how long to wait before the next attempt, and when to give up. Time and chance are arguments."""

from __future__ import annotations

from enum import StrEnum

from openmpu.media.outputs.failure import AttemptFailed, ErrorCode
from openmpu.media.outputs.settings import Policy


class GivenUp(StrEnum):
    """Why there will be no further attempt; leads to Status 5 or 6 (operations.md 2.2)."""

    NETWORK = "network"
    URL = "url"


class Outage:
    """Counts what failed since the target last worked."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._failures = self._refusals = self._held = 0
        self._began = 0
        self._was_slow, self._pushed = False, policy.pushed_before

    def failed(self, failure: AttemptFailed, now: int, chance: float) -> int | GivenUp:
        """Note a failure: nanoseconds to wait before the next attempt, or why there is none."""
        if not self._failures:
            self._began = now
        self._failures += 1
        self._refusals += self._refused(failure)
        self._held += failure.name_in_use
        self._was_slow = failure.code is ErrorCode.TOO_SLOW
        return self._verdict(failure, now) or self._wait(failure, chance)

    def pushed_for(self, duration: int) -> None:
        """The present connection has pushed for so long; if that is steady, the row of failures is over."""
        self._pushed = True
        enough = self._policy.steady_after_slow if self._was_slow else self._policy.steady
        if duration >= enough:
            self._failures = self._refusals = self._held = 0

    def _refused(self, failure: AttemptFailed) -> bool:
        """Whether the URL is to blame. Once we have pushed, a name in use is our own old connection's (troubles 19)."""
        return failure.code.by_url and not (failure.name_in_use and self._pushed)

    def _verdict(self, failure: AttemptFailed, now: int) -> GivenUp | None:
        policy = self._policy
        if self._refused(failure) and policy.max_refusals is not None and self._refusals >= policy.max_refusals:
            return GivenUp.URL
        tired = policy.max_attempts is not None and self._failures >= policy.max_attempts
        return GivenUp.NETWORK if tired and now - self._began >= policy.least else None

    def _wait(self, failure: AttemptFailed, chance: float) -> int:
        delay = self._policy.backoff.delay(self._failures, chance)
        if failure.name_in_use:
            soon = self._pushed and self._held <= self._policy.soon
            return delay if soon else max(delay, self._policy.in_use_wait)
        return max(delay, self._policy.refusal_wait) if failure.code.by_url else delay
