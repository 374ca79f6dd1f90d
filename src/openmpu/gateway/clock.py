"""The gateway's clock: Unix time when it started, monotonic from then on, so that arrivals never jump."""

from __future__ import annotations

import time


class SteadyClock:
    """Nanoseconds of Unix time that only move forward, whatever is done to the machine's clock meanwhile."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        """Nanoseconds."""
        return time.monotonic_ns() + self._offset
