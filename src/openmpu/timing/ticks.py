"""Instants at a constant rate: video ticks, sound blocks.

The n-th instant is computed from n, never added up, so that nothing drifts however long a task runs. All times are
integer nanoseconds since the task began (`pts`).
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Ticks:
    """`rate` instants in each `per` seconds, the first (number 0) at `base`.

    25 frames a second: `Ticks(25)`; blocks of 960 samples at 48 kHz: `Ticks(48_000, 960)`.
    """

    rate: int
    per: int = 1
    base: int = 0

    def pts(self, number: int) -> int:
        """When instant `number` is, rounded down to the nanosecond."""
        return self.base + number * SECOND * self.per // self.rate

    def due(self, pts: int) -> int:
        """Number of the last instant that is not after `pts`; negative before the first."""
        return ((pts - self.base + 1) * self.rate - 1) // (SECOND * self.per)

    def interval(self) -> int:
        """Nanoseconds from one instant to the next, rounded down."""
        return SECOND * self.per // self.rate
