"""The server's handle on its zygote: asks for workers, hears when they end, and starts another zygote if it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from openmpu.errors import Busy

_log = structlog.get_logger()
RESTART_S = 0.5

Exited = Callable[[int, int], None]
"""Called with a worker's pid and its exit status (negative: the signal that killed it)."""


class Nursery:
    """Forks workers.

    Args:
        entry: `module:function` that a worker runs.
        modules: Loaded before any worker is forked, so that none has to.
        exited: Told of every worker that ended while this zygote lived.
    """

    def __init__(self, entry: str, exited: Exited, modules: Sequence[str] = ()) -> None:
        self._entry, self._exited, self._modules = entry, exited, modules
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._spawned: dict[tuple[str, str, int], asyncio.Future[int]] = {}

    async def spawn(self, options: dict[str, Any]) -> int:
        """Fork a worker with these options (`app_id`, `task_id` and `lease` among them); its pid.

        Raises:
            Busy: The zygote died meanwhile; asking again helps.
        """
        await self._ready.wait()
        key = (str(options["app_id"]), str(options["task_id"]), int(options["lease"]))
        future: asyncio.Future[int]
        future = self._spawned[key] = asyncio.get_running_loop().create_future()
        self._write({"spawn": options})
        return await future

    async def run(self) -> None:
        """Keep a zygote until cancelled."""
        while True:
            try:
                await self._live()
            finally:
                self._ready.clear()
                self._fail_waiting()
            _log.error("the zygote ended; starting another")
            await asyncio.sleep(RESTART_S)

    async def _live(self) -> None:
        command = (sys.executable, "-m", "openmpu.engines.zygote", self._entry, *self._modules)
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment())
        try:
            assert self._process.stdout  # noqa: S101 - asked for by PIPE
            async for line in self._process.stdout:
                self._hear(json.loads(line))
        finally:
            await self._end()

    async def _end(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _hear(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            self._ready.set()
        elif "exited" in message:
            self._exited(message["exited"], message["status"])
        elif "spawned" in message:
            app_id, task_id = message["task"]
            future = self._spawned.pop((app_id, task_id, message["lease"]), None)
            if future and not future.done():
                future.set_result(message["spawned"])

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process  # noqa: S101 - `spawn` waited for it
        assert self._process.stdin  # noqa: S101
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def _fail_waiting(self) -> None:
        for future in self._spawned.values():
            if not future.done():
                future.set_exception(Busy("task", "the zygote ended before it forked a worker"))
        self._spawned.clear()


SECRETS = ("OPENMPU_", "AWS_", "ALIBABA_")


def environment() -> dict[str, str]:
    """The environment without our settings, which hold keys: a worker handles other people's bytes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
