"""How long to wait before the n-th try again; arithmetic only, chance is an argument."""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow from `first` by `factor` to `top` (nanoseconds), each shortened by up to `jitter` of itself.

    Jitter only shortens, so that `first` and `top` are promises: many clients of one server spread, none waits longer.
    """

    first: int = SECOND // 2
    top: int = 10 * SECOND
    factor: int = 2
    jitter: float = 0.3

    def delay(self, failures: int, chance: float) -> int:
        """Nanoseconds to wait after so many failures in a row (1: the first), with a `chance` from 0 to 1."""
        doublings = min(max(failures, 1) - 1, 32)  # beyond that every sensible top is reached
        full = min(self.first * int(self.factor**doublings), self.top)
        return full - int(full * self.jitter * chance)
