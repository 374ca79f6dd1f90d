"""Brings the engine to what is wanted: per task one job at a time, in order, the newest wish only.

Callers say what they want and never wait for the engine. Every life of a task has a worker of its own: a task that
begins anew under an old key is stopped and started, never turned into the new one by an update.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from openmpu.model.ids import TaskKey
from openmpu.model.task import TaskSpec
from openmpu.services.ports import Engine

TRIES = 6
"""With the pauses between them about six seconds."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Wish:
    life: int
    spec: TaskSpec


@dataclass(frozen=True, slots=True)
class _Stray:
    """A worker that runs without anybody's wish."""


@dataclass(slots=True)
class _Wheel:
    """One task's wish, and what the engine was brought to."""

    wanted: _Wish | None = None
    applied: _Wish | _Stray | None = None
    busy: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Steering:
    """The hand on the engine.

    Args:
        engine: What is steered.
        next_lease: Raises a task's lease.
        gave_up: Hears that the engine could not be brought to run a task.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        engine: Engine,
        next_lease: Callable[[TaskKey], Awaitable[int]],
        gave_up: Callable[[TaskKey, str], Awaitable[None]],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine, self._next_lease, self._gave_up, self._pause = engine, next_lease, gave_up, pause
        self._wheels: dict[TaskKey, _Wheel] = {}
        self._lives = itertools.count(1)
        self._dirty: asyncio.Queue[TaskKey] = asyncio.Queue()  # at most one entry a wheel

    def want(self, spec: TaskSpec) -> None:
        """The task is to run with this spec; the first wish after `drop` begins a new life."""
        wheel = self._wheels.setdefault(spec.key, _Wheel())
        if wheel.wanted and (wheel.wanted.spec is spec or wheel.wanted.spec == spec):
            return
        life = wheel.wanted.life if wheel.wanted else next(self._lives)
        wheel.wanted = _Wish(life, spec)
        self._wake(spec.key, wheel)

    def drop(self, key: TaskKey) -> None:
        """The task is to have no worker."""
        wheel = self._wheels.get(key)
        if wheel and wheel.wanted:
            wheel.wanted = None
            self._wake(key, wheel)

    def end_stray(self, key: TaskKey) -> None:
        """The engine has a worker for this task, and it is not wanted."""
        wheel = self._wheels.setdefault(key, _Wheel(applied=_Stray()))
        if wheel.wanted is None:
            self._wake(key, wheel)

    def wants(self, key: TaskKey) -> bool:
        """Whether the task is to have a worker."""
        wheel = self._wheels.get(key)
        return wheel is not None and wheel.wanted is not None

    def _wake(self, key: TaskKey, wheel: _Wheel) -> None:
        if not wheel.busy:
            wheel.busy = True
            wheel.idle.clear()
            self._dirty.put_nowait(key)

    async def run(self) -> None:
        """Follow all wishes until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._follow(await self._dirty.get()))

    async def settled(self) -> None:
        """Wait until the engine is where it is wanted; one that cannot start a task is given up on."""
        while busy := [wheel for wheel in self._wheels.values() if wheel.busy]:
            await busy[0].idle.wait()

    async def _follow(self, key: TaskKey) -> None:
        """Step until all is as wanted. A start is given up at last; an end never is."""
        wheel = self._wheels[key]
        failures = 0
        while wheel.wanted != wheel.applied and (failures < TRIES or wheel.wanted is None):
            failures = 0 if await self._step(key, wheel) else failures + 1
            if failures:
                await self._pause(min(FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S))
        wheel.busy = False
        wheel.idle.set()
        if failures:
            wheel.applied = wheel.wanted  # no more tries until something else is wanted
            await self._gave_up(key, "the engine could not run it")
        if wheel.wanted is None and not wheel.busy and self._wheels.get(key) is wheel:
            del self._wheels[key]

    async def _step(self, key: TaskKey, wheel: _Wheel) -> bool:
        wanted = wheel.wanted
        try:
            await self._bring(key, wheel.applied, wanted)
        except Exception as error:  # noqa: BLE001 - whatever an engine fails by must not end the steering of others
            _log.warning("the engine did not follow", task=str(key), error=str(error), kind=type(error).__name__)
            if wanted:
                wheel.applied = None  # what it stands at is unknown: the next try starts it anew
            return False
        wheel.applied = wanted
        return True

    async def _bring(self, key: TaskKey, applied: _Wish | _Stray | None, wanted: _Wish | None) -> None:
        if wanted and isinstance(applied, _Wish) and wanted.life == applied.life:
            await self._engine.update(wanted.spec)
            return
        if applied or not wanted:
            await self._engine.stop(key)
        if wanted:
            await self._engine.start(wanted.spec, await self._next_lease(key))
