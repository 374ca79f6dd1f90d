"""Time that goes only when told to, for code that pauses, and a receiver of callbacks in it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from openmpu.errors import DestinationFailed
from tests.services.doubles import SECOND, START


class VirtualTime:
    """A clock and the pauses that hang on it."""

    def __init__(self, *others: Watched) -> None:
        self.time = START
        self._others = others
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self.time

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return (self.time - START) / SECOND

    async def pause(self, seconds: float) -> None:
        """Come back when that much has passed."""
        wake = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.time + round(seconds * SECOND), next(self._order), wake))
        await wake

    async def go(self, seconds: float) -> None:
        """Pass so much time; whoever wakes meanwhile does so at its own moment."""
        end = self.time + round(seconds * SECOND)
        await self.quiet()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                self.time = at
                wake.set_result(None)
                await self.quiet()
        self.time = end

    async def quiet(self) -> None:
        """Let everybody do what is to be done now."""
        await quiet(*self._others)


class Watched:
    """Somebody with asynchronous methods, and how many of them are under way."""

    def __init__(self, other: Any) -> None:
        self._other = other
        self.under_way = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._other, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.under_way += 1
            try:
                return await method(*args, **kwargs)
            finally:
                self.under_way -= 1

        return call


async def quiet(*others: Watched) -> None:
    """Let everybody run until all that is left to do waits for the virtual time."""
    still = 0
    while still < 20:
        await asyncio.sleep(0)
        still = 0 if any(other.under_way for other in others) else still + 1


@dataclass
class Attempt:
    """One callback as it came in."""

    at: float
    url: str
    body: dict[str, Any]
    raw: bytes
    headers: dict[str, str]


@dataclass
class FakeReceiver:
    """A Poster whose other end answers as told: a status, None for no answer, after some seconds."""

    time: VirtualTime
    answer: Callable[[Attempt], int | None] = lambda _: 200
    takes_s: Callable[[Attempt], float] = lambda _: 0
    attempts: list[Attempt] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        attempt = Attempt(self.time.seconds, url, json.loads(body), body, headers)
        self.attempts.append(attempt)
        if self.takes_s(attempt):
            await self.time.pause(min(self.takes_s(attempt), timeout_s))
        status = self.answer(attempt)
        if status is None:
            raise DestinationFailed("callback", "no answer")
        return status
