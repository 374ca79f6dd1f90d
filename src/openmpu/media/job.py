"""What a worker does for its spec: inputs, a production (mix or relay), targets. Network thread.

Heavy modules are imported by the production that needs them, so that a relay loads no OpenCV.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from openmpu.errors import Busy
from openmpu.media.clock import Clock
from openmpu.media.figures import ProcessFigures, Rates
from openmpu.media.inputs.switch import Switch
from openmpu.media.interleave import Interleaver
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.production import Production, Stage
from openmpu.media.targets import Targets
from openmpu.model.ids import AppId, ChannelId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.task import Mode, TaskSpec

LOOK_EVERY_S: Final = 0.1


class Job:
    """What a worker does for its spec: inputs, a production, targets."""

    def __init__(
        self,
        options: WorkerOptions,
        clock: Clock,
        on_change: Callable[[], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._options, self._clock, self._epoch = options, clock, clock.now()
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
        notes = (*self._spec.notes, *self._production.notes()) if self._spec and self._production else ()
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
        stage = Stage(self._options, self._switch, self._out, self._clock, self._epoch, self._fail)
        self._production = _production(spec.mode, stage)

    def _replan(self) -> None:
        if self._spec and self._production:
            self._production.apply(self._spec, self._switch.roster)

    def _force_key(self) -> None:
        if self._production:
            self._production.force_key()

    def _fail(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._on_failure, error)


def _production(mode: Mode, stage: Stage) -> Production:
    """Each mode loads only what it needs."""
    if mode is Mode.RELAY:
        from openmpu.media.relay import RelayProduction  # noqa: PLC0415

        return RelayProduction(stage)
    from openmpu.media.mixing import MixProduction  # noqa: PLC0415

    return MixProduction(stage)
