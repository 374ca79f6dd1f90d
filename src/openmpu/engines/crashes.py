"""How often a task's worker ended of late: when the next is started, and when there is to be none (security.md S24).

Two measures, since a worker that dies at once and one that dies after half a minute are both poison. Knows no process
and reads no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measure:
    """So many ends within so many seconds are too many."""

    ends: int
    within_s: float

    @property
    def told(self) -> str:
        """For the task's reason."""
        return f"{self.ends} times within {self.within_s:.0f} s"


QUICK: Final = Measure(6, 60.0)
SLOW: Final = Measure(20, 1200.0)
"""Less than a minute of life on average. Who lives longer is on air for more than 99 % of the time, and goes on."""

_FIRST_DELAY_S, _MOST_DELAY_S = 0.25, 10.0


class Crashes:
    """The ends of one task's workers, by a monotonic clock in seconds."""

    def __init__(self, measures: tuple[Measure, ...] = (QUICK, SLOW)) -> None:
        self._measures = measures
        self._ends: deque[float] = deque(maxlen=max(measure.ends for measure in measures))

    def note(self, now: float) -> None:
        """One ended."""
        self._ends.append(now)

    @property
    def too_many(self) -> Measure | None:
        """The measure that is full with the latest end."""
        return next((measure for measure in self._measures if self._since_latest(measure) >= measure.ends), None)

    @property
    def recent(self) -> int:
        """Ends within a minute, the latest among them."""
        return self._since_latest(QUICK)

    @property
    def delay_s(self) -> float:
        """How long to wait with the next start: not at all at first, then twice as long each time."""
        return 0.0 if self.recent <= 1 else min(_FIRST_DELAY_S * 2 ** (self.recent - 1), _MOST_DELAY_S)

    def _since_latest(self, measure: Measure) -> int:
        return sum(self._ends[-1] - end < measure.within_s for end in self._ends) if self._ends else 0
