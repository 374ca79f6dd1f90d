"""What keeps events until they are told, so that a crash loses none; see `Notices`, whose memory it is.

Never fails and never holds up whoever has news: an event that cannot be kept is told all the same, if the server lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import structlog

from openmpu.services.ports import Delivery, Notice, Store

_log = structlog.get_logger()


class Outbox:
    """Writes to the store beside the deliveries.

    Args:
        store: Keeps the events, and takes the delivery log.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keeping: dict[str, asyncio.Task[Any]] = {}
        self._forgetting: set[asyncio.Task[Any]] = set()

    async def waiting(self) -> Sequence[Notice]:
        """What the last server left, oldest first."""
        return await _unhurt(self._store.notices(), "events could not be taken up") or ()

    def keep(self, notice: Notice) -> None:
        """Begin to keep an event."""
        job = _unhurt(self._store.keep_notice(notice), "an event could not be kept")
        task = self._keeping[notice.msg_id] = asyncio.create_task(job)
        task.add_done_callback(lambda _: self._keeping.pop(notice.msg_id, None))

    async def kept(self, msg_id: str | None = None) -> None:
        """Wait until that event, or all that there are now, are kept or cannot be."""
        found = self._keeping.get(msg_id) if msg_id else None
        jobs = [found] if found else [] if msg_id else list(self._keeping.values())
        if jobs:
            await asyncio.wait(jobs)

    def forget(self, msg_id: str) -> None:
        """Nobody is to be told any more."""
        task = asyncio.create_task(self._forget(msg_id))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    async def _forget(self, msg_id: str) -> None:
        await self.kept(msg_id)
        await _unhurt(self._store.drop_notice(msg_id), "an event could not be forgotten")

    async def attempted(self, delivery: Delivery, *, last: bool) -> None:
        """Log an attempt; after the last one the event is forgotten in the same moment."""
        await _unhurt(self._store.add_delivery(delivery, last=last), "a callback could not be logged")


async def _unhurt(job: Awaitable[Any], words: str) -> Any:
    """What a job of the store gives; None if it failed, which is told by the log only."""
    try:
        return await job
    except Exception:  # noqa: BLE001 - a failing store must not end the deliveries
        _log.exception(words)
        return None
