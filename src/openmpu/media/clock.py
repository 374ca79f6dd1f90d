"""The clock that paces a worker: handed in, so that tests run a minute in a blink. Only the outermost loops read it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock that never goes back and is never set."""

    def now(self) -> int:
        """Nanoseconds from an arbitrary zero."""
        ...


class MonotonicClock:
    """The machine's own."""

    def now(self) -> int:
        """Nanoseconds since some moment, usually the machine's start."""
        return time.monotonic_ns()
