"""The unfinished tasks, in memory: an index of what the store holds, and one lock a task.

The store is the truth: a record is put here after it was saved there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from openmpu.model.ids import ChannelKey, TaskKey
from openmpu.services.ports import TaskRecord


def channels_of(record: TaskRecord) -> list[ChannelKey]:
    """Every channel that the task takes users from, its own first."""
    return [ChannelKey(record.spec.app_id, channel) for channel in record.spec.channels]


class Book:
    """Records of unfinished tasks by key and by channel."""

    def __init__(self) -> None:
        self._records: dict[TaskKey, TaskRecord] = {}
        self._by_channel: defaultdict[ChannelKey, set[TaskKey]] = defaultdict(set)
        self._locks: dict[TaskKey, asyncio.Lock] = {}
        self._users: defaultdict[TaskKey, int] = defaultdict(int)

    @asynccontextmanager
    async def holding(self, key: TaskKey) -> AsyncIterator[None]:
        """Be the only one who changes that task, in order of coming."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._locks[key]

    def get(self, key: TaskKey) -> TaskRecord | None:
        """The unfinished task of that key."""
        return self._records.get(key)

    def put(self, record: TaskRecord) -> None:
        """Take the newest record; a finished one leaves the book."""
        self._remove(record.spec.key)
        if record.state.final:
            return
        self._records[record.spec.key] = record
        for channel in channels_of(record):
            self._by_channel[channel].add(record.spec.key)

    def _remove(self, key: TaskKey) -> None:
        old = self._records.get(key)
        if old is None:
            return
        for channel in channels_of(old):
            self._by_channel[channel].discard(key)
            if not self._by_channel[channel]:
                del self._by_channel[channel]
        del self._records[key]

    def in_channel(self, channel: ChannelKey) -> Sequence[TaskKey]:
        """Tasks that take users from the channel."""
        return sorted(self._by_channel.get(channel, ()))

    def all(self) -> Sequence[TaskRecord]:
        """All unfinished tasks, oldest first."""
        return sorted(self._records.values(), key=lambda record: record.created_at)
