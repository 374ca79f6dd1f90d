"""Decoding of several tracks at one tick: one after the other while that fits, side by side when it does not.

One thread is cheapest (threads cost 3 to 7 % more) and is what a tick begins with; when ticks take most of their time
of late, tracks are decoded by a small pool, each track by one thread at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

A = TypeVar("A")
B = TypeVar("B")

HELP_FROM: Final = 0.75
HELP_UNTIL: Final = 0.4
MOST_HANDS: Final = 4
_WEIGHT: Final = 0.05


class Crew:
    """Does one tick's decoding. Used by one thread."""

    def __init__(self, hands: int | None = None) -> None:
        self.load = 0.0
        """Share of the tick that work took, smoothed."""
        self._hands = min(MOST_HANDS, hands or os.cpu_count() or 1)
        self._pool: ThreadPoolExecutor | None = None

    @property
    def helped(self) -> bool:
        """Whether the pool is in use."""
        return self._pool is not None

    @property
    def overloaded(self) -> bool:
        """Whether helpers were not enough: ticks still take most of their time."""
        return self.load > HELP_FROM and (self.helped or self._hands == 1)

    def note(self, worked: int, took: int, interval: int) -> None:
        """A tick is done.

        Args:
            worked: CPU time of the thread: alone, this says whether it keeps up; that others have the CPU is no reason
                for more threads.
            took: Wall time: with helpers, only this counts.
            interval: Nanoseconds from tick to tick.
        """
        busy = took if self.helped else worked
        self.load += _WEIGHT * (busy / interval - self.load)
        if self._pool is None and self.load > HELP_FROM and self._hands > 1:
            self._pool = ThreadPoolExecutor(self._hands, thread_name_prefix="decode")
        elif self._pool is not None and self.load < HELP_UNTIL:
            self.stop()

    def each(self, work: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """`work` of every item, in order."""
        return list(self._pool.map(work, items) if self._pool else map(work, items))

    def stop(self) -> None:
        """Send the helpers home."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
