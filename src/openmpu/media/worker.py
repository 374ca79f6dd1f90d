"""The process of one task: control socket and links in, one stream out, until it is told to stop.

One asyncio thread for the network; the production (a mix or a relay) has threads of its own. Heavy modules are
imported by the production that needs them, so that a relay has no OpenCV.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any, Final

import setproctitle
import structlog

from openmpu.errors import Busy, OpenMpuError
from openmpu.media.clock import Clock, MonotonicClock
from openmpu.media.figures import ProcessFigures, Rates
from openmpu.media.inputs.switch import Switch
from openmpu.media.interleave import Interleaver
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.production import Production
from openmpu.media.targets import Targets
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.task import Mode, TaskSpec
from openmpu.processes.child import Child
from openmpu.processes.logs import set_up_logs

REPORT_EVERY_S: Final = 1.0
LOOK_EVERY_S: Final = 0.1
DRAIN_WITHIN_S: Final = 4.0
ENCODER_FAILURE: Final = 2001
"""callbacks.md 2.4."""
_ANSWER_S: Final = 0.05
"""For the answer to a stop to leave."""
_log = structlog.get_logger()


def main(options: WorkerOptions | Mapping[str, Any]) -> None:
    """Run one worker to its end; what the zygote calls in a new process."""
    options = options if isinstance(options, WorkerOptions) else from_plain(WorkerOptions, dict(options))
    setproctitle.setproctitle(f"openmpu: worker {options.app_id}/{options.task_id}")
    set_up_logs(f"worker {options.app_id}/{options.task_id}", json=options.log_json)
    if not asyncio.run(Worker(options, MonotonicClock()).run()):
        raise SystemExit(1)


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
        self._crashed = self._draining = False
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
            self._job = Job(self._options, self._clock, self._tell, self._crash)
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
        if self._job and not self._draining:
            self._draining = True
            await self._job.stop(within_s)
            self._tell()

    async def _tell_regularly(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self._tell()

    def _tell(self, failed: tuple[int, str] | None = None) -> None:
        if self._job:
            report = self._job.report(self._key, self._lease, failed, self._process)
            self._child.tell("report", report=to_plain(report))


class Job:
    """What a worker does for its spec: inputs, a production, targets."""

    def __init__(
        self,
        options: WorkerOptions,
        clock: Clock,
        on_change: Callable[[], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._clock, self._epoch = clock, clock.now()
        self._loop = asyncio.get_running_loop()
        self._on_failure = on_failure
        self._rates = Rates()
        self._targets = Targets(options, self._force_key, on_change)
        self._out = Interleaver(self)
        self._switch = Switch(AppId(options.app_id), clock, self._epoch, self._replan)
        self._production: Production | None = None
        self._spec: TaskSpec | None = None
        self._applying = asyncio.Lock()
        self._keeping = self._loop.create_task(self.keep_connected())

    @property
    def production(self) -> Production:
        """What is being made."""
        if self._production is None:
            raise Busy("task", "the worker is only just starting")
        return self._production

    async def apply(self, spec: TaskSpec, gateways: Mapping[ChannelId, str]) -> None:
        """Take a spec over, whole: the first one or a changed one."""
        async with self._applying:
            before, self._spec = self._spec, spec
            self._switch.connect(gateways)
            if before is None or before.mode is not spec.mode:
                self._begin(spec)
            self._replan()
            await self._connect()

    async def keep_connected(self) -> None:
        """Open and close connections as the production wants it, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            async with self._applying:
                await self._connect()

    async def stop(self, within_s: float) -> None:
        """End in good order: encoders emptied, streams ended properly, links closed."""
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        if self._production:
            await asyncio.to_thread(self._production.stop)
        await asyncio.sleep(0)
        await self._targets.stop(max(0.5, within_s - 0.5))
        await self._switch.stop()

    def report(
        self,
        key: TaskKey,
        lease: int,
        failed: tuple[int, str] | None = None,
        process: ProcessFigures | None = None,
    ) -> WorkerReport:
        """How it is going."""
        now = self._clock.now() - self._epoch
        figures = self._rates.tell(now) | (process.tell() if process else {})
        if self._production:
            figures |= self._production.figures(now)
        notes = self._spec.notes if self._spec else ()
        return WorkerReport(key, lease, self._targets.reports(), figures, notes, failed)

    # Sink: called in the output threads

    def put(self, packet: Packet) -> None:
        """Hand a packet over to the network thread."""
        self._loop.call_soon_threadsafe(self._send, packet)

    def change(self, stream: StreamFormat) -> None:
        """Hand a change of format over, in its place between the packets."""
        self._loop.call_soon_threadsafe(self._targets.change, stream)

    def _send(self, packet: Packet) -> None:
        self._rates.count(packet)
        self._targets.put(packet)

    async def _connect(self) -> None:
        stream = self._production.stream() if self._production else None
        if self._spec and stream:
            await self._targets.sync(self._spec.targets, stream)
        else:
            await self._targets.sync((), StreamFormat(None, None))

    def _begin(self, spec: TaskSpec) -> None:
        if self._production:
            self._production.stop()
        self._production = _production(spec.mode)(self._switch, self._out, self._clock, self._epoch, self._fail)

    def _replan(self) -> None:
        if self._spec and self._production:
            self._production.apply(self._spec, self._switch.roster)

    def _force_key(self) -> None:
        if self._production:
            self._production.force_key()

    def _fail(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._on_failure, error)


_Maker = Callable[[Switch, Interleaver, Clock, int, Callable[[Exception], None]], Production]


def _production(mode: Mode) -> _Maker:
    """Each mode loads only what it needs."""
    if mode is Mode.RELAY:
        from openmpu.media.relay import RelayProduction  # noqa: PLC0415

        return RelayProduction
    from openmpu.media.mixing import MixProduction  # noqa: PLC0415

    return MixProduction
