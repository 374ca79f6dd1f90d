"""Work that is done whole although whoever asked for it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Finishing:
    """Jobs that a cancelled caller does not cut in two: memory and store would say different things."""

    def __init__(self) -> None:
        self._jobs: set[asyncio.Task[Any]] = set()

    async def whole(self, job: Coroutine[Any, Any, T]) -> T:
        """What the job gives; if the caller is cancelled, the job goes on without it."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._jobs.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, in case its caller is gone
