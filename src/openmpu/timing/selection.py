"""Which item of a track counts at a moment: the newest that is not after it.

A bounded list in the track's own order. An item is due when its time has come, and no later than what follows it: a
track's clock may still move in its first second, and frames must never overtake one another on the way to a decoder.
When the list is full the oldest goes, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from openmpu.timing.ticks import SECOND

T = TypeVar("T")

STALE_AFTER: Final = 3 * SECOND
"""layouts.md 5.1: the last picture of a track that sends nothing stays this long, then counts as not published."""

REORDERED: Final = SECOND
"""An item so much older than the last one was overtaken on the way; one that is older still began a new time base."""


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """An item: when it is due, and its place on the track's own clock (nanoseconds both)."""

    pts: int
    place: int
    item: T


class Queue(Generic[T]):
    """Items of one track, waiting for their time; at most `size` of them."""

    def __init__(self, size: int) -> None:
        self.dropped = 0
        self._size = size
        self._items: list[Timed[T]] = []

    def __len__(self) -> int:
        return len(self._items)

    def put(self, pts: int, place: int, item: T) -> None:
        """Take one in, at its place; those of equal place keep the order of coming."""
        index = len(self._items)
        while index and 0 < self._items[index - 1].place - place < REORDERED:
            index -= 1
        if index < len(self._items):
            pts = min(pts, self._items[index].pts)
        self._items.insert(index, Timed(pts, place, item))
        self._hurry(index, pts)
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

    def _hurry(self, index: int, pts: int) -> None:
        """What comes before an item is due no later than it."""
        while index and self._items[index - 1].pts > pts:
            index -= 1
            self._items[index] = replace(self._items[index], pts=pts)


def stale(last: int | None, pts: int) -> bool:
    """Whether a track whose newest frame was of `last` counts as not published at `pts`."""
    return last is None or pts - last > STALE_AFTER
