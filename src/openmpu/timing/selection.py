"""Which item of a track counts at a moment: the newest that is not after it.

A bounded list by pts: what is past and was overtaken goes when it is taken over; when the list is full the oldest
goes, and is counted (models.md 7).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from openmpu.timing.ticks import SECOND

T = TypeVar("T")

STALE_AFTER: Final = 3 * SECOND
"""layouts.md 5.1: the last picture of a track that sends nothing stays this long, then counts as not published."""


@dataclass(frozen=True, slots=True, order=True)
class Timed(Generic[T]):
    """An item and its time."""

    pts: int
    item: T = field(compare=False)


class Queue(Generic[T]):
    """Items of one track, waiting for their time; at most `size` of them."""

    def __init__(self, size: int) -> None:
        self.dropped = 0
        self._size = size
        self._items: list[Timed[T]] = []

    def __len__(self) -> int:
        return len(self._items)

    def put(self, pts: int, item: T) -> None:
        """Take one in, in order of time; those of equal time keep the order of coming."""
        insort(self._items, Timed(pts, item))
        if len(self._items) > self._size:
            del self._items[0]
            self.dropped += 1

    def due(self, pts: int) -> Iterator[Timed[T]]:
        """Those not after `pts`, oldest first; each leaves the list as it is given."""
        while self._items and self._items[0].pts <= pts:
            yield self._items.pop(0)

    def newest(self, pts: int) -> Timed[T] | None:
        """The newest not after `pts`; it and everything before it leave the list."""
        found = None
        for timed in self.due(pts):
            found = timed
        return found

    def first(self) -> Timed[T] | None:
        """The oldest, left in its place."""
        return self._items[0] if self._items else None

    def clear(self) -> None:
        """Throw all away."""
        self._items.clear()


def stale(last: int | None, pts: int) -> bool:
    """Whether a track whose newest frame was of `last` counts as not published at `pts`."""
    return last is None or pts - last > STALE_AFTER
