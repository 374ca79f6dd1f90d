"""The process of one task: control socket and links in, one stream out, until it is told to stop.

One asyncio thread for the network; the production (a mix or a relay, `job.py`) has threads of its own.
"""

from __future__ import annotations

import asyncio
import base64
import os
import resource
import signal
import time
from collections.abc import Mapping
from typing import Any, Final

import setproctitle
import structlog

from openmpu.errors import Busy, OpenMpuError
from openmpu.media.clock import Clock, MonotonicClock
from openmpu.media.figures import ProcessFigures
from openmpu.media.job import Job
from openmpu.media.options import WorkerOptions
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.model.task import TaskSpec
from openmpu.processes.child import Child
from openmpu.processes.event_loop import loop_factory
from openmpu.processes.logs import set_up_logs
from openmpu.wire.callbacks import Speaker, VoiceReport

REPORT_EVERY_S: Final = 1.0
DRAIN_WITHIN_S: Final = 4.0
MOST_MEMORY: Final = 4 << 30
"""Bytes: sixteen publishers of the largest pictures that are decoded."""
ENCODER_FAILURE: Final = 2001
"""callbacks.md 2.4."""
_ANSWER_S: Final = 0.05
"""For the answer to a stop to leave."""
_log = structlog.get_logger()


def main(options: WorkerOptions | Mapping[str, Any]) -> None:
    """Run one worker to its end; what the zygote calls in a new process."""
    options = options if isinstance(options, WorkerOptions) else from_plain(WorkerOptions, dict(options))
    setproctitle.setproctitle(f"openmpu: worker {options.app_id}/{options.task_id}")
    _bound()
    set_up_logs(f"worker {options.app_id}/{options.task_id}", json=options.log_json)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        in_good_order = runner.run(Worker(options, MonotonicClock()).run())
    if not in_good_order:
        raise SystemExit(1)


def _bound() -> None:
    """Bounds that hold whatever decoders do with a stranger's bytes: memory, and no dumps, which would hold secrets."""
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, MOST_MEMORY)):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, hard))


class Worker:
    """One task's worker.

    Args:
        options: Who it is, where its server listens.
        clock: Paces everything.
    """

    def __init__(self, options: WorkerOptions, clock: Clock) -> None:
        self._options, self._clock = options, clock
        self._key = TaskKey(AppId(options.app_id), TaskId(options.task_id))
        self._lease = options.lease
        self._over = asyncio.Event()
        self._crashed = False
        self._draining: asyncio.Task[None] | None = None
        self._child = Child(options.control_path, self._hello, self._handle, options.grace_s)
        self._job: Job | None = None
        self._process = ProcessFigures()

    async def run(self) -> bool:
        """Until told to stop, or without a server for the grace time; whether it ended in good order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        serving = loop.create_task(self._child.run())
        telling = loop.create_task(self._tell_regularly())
        ending = loop.create_task(self._over.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        await self._drain(DRAIN_WITHIN_S)
        for job in (serving, telling, ending):
            job.cancel()
        await asyncio.gather(serving, telling, ending, return_exceptions=True)
        return not self._crashed

    def _hello(self) -> dict[str, Any]:
        return {
            "process": "worker",
            "app_id": self._key.app_id,
            "task_id": self._key.task_id,
            "lease": self._lease,
            "pid": os.getpid(),
        }

    async def _handle(self, message: dict[str, Any]) -> Any:
        match message.get("do") or message.get("tell"):
            case "run" | "update":
                await self._apply(message)
            case "stop":
                await self._drain(float(message.get("within_s", DRAIN_WITHIN_S)))
                asyncio.get_running_loop().call_later(_ANSWER_S, self._over.set)
            case "sei":
                self._running().production.send_sei(str(message["text"]))
            case "picture":
                png = await self._running().production.picture()
                return {"png": base64.b64encode(png).decode()}
            case _:
                _log.debug("an order that is not known", order=str(message)[:80])
        return None

    async def _apply(self, message: dict[str, Any]) -> None:
        spec = from_plain(TaskSpec, message["spec"])
        gateways = {ChannelId(name): str(address) for name, address in message["gateways"].items()}
        self._lease = max(self._lease, int(message.get("lease", 0)))
        if self._draining or self._over.is_set():
            raise Busy("task", "the worker is ending")
        if self._job is None:
            self._job = Job(self._options, self._clock, self._tell, self._crash, self._tell_voices)
        await self._job.apply(spec, gateways)
        self._tell()

    def _running(self) -> Job:
        if self._job is None:
            raise Busy("task", "the worker has no orders yet")
        return self._job

    def _crash(self, error: Exception) -> None:
        """The production cannot go on: a known kind of error ends the task, anything else a new worker may mend."""
        if isinstance(error, OpenMpuError):
            self._tell((ENCODER_FAILURE, error.message))
        else:
            self._crashed = True
            self._over.set()

    async def _drain(self, within_s: float) -> None:
        """End the job; who asks meanwhile waits for the same end."""
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._stop_job(within_s))
        await asyncio.shield(self._draining)

    async def _stop_job(self, within_s: float) -> None:
        if self._job:
            await self._job.stop(within_s)
            self._tell()

    async def _tell_regularly(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self._tell()

    def _tell_voices(self, interval_ms: int, speakers: tuple[Speaker, ...]) -> None:
        report = VoiceReport(interval_ms, speakers, time.time_ns())
        self._child.tell("voices", report=to_plain(report))

    def _tell(self, failed: tuple[int, str] | None = None) -> None:
        if self._job:
            report = self._job.report(self._key, self._lease, failed, self._process)
            self._child.tell("report", report=to_plain(report))
