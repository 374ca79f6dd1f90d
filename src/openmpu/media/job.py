"""What a worker does for its spec: inputs, a production (mix or relay), targets. Network thread.

Heavy modules are imported by the production that needs them, so that a relay loads no OpenCV.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from openmpu.errors import Busy
from openmpu.media.air import Air, Outlet
from openmpu.media.automatic import AutoRelay
from openmpu.media.clock import Clock
from openmpu.media.decoding.wish import KeyFrameWish
from openmpu.media.figures import ProcessFigures, Rates
from openmpu.media.inputs.switch import Switch
from openmpu.media.interleave import Interleaver
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.playing import Playing
from openmpu.media.production import Production, Stage
from openmpu.media.sound.speakers import TellVoices
from openmpu.media.targets import Targets
from openmpu.model.alone import may_relay
from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.task import Mode, TaskSpec
from openmpu.wire.callbacks import Speaker

LOOK_EVERY_S: Final = 0.04
SETTLED_S: Final = 0.1
"""Between two looks where nothing is about to change."""
PATIENCE_S: Final = 3.0
"""A production that comes goes on air after so long, also without pictures: those begin with its first key frame."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Making:
    """One production and what belongs to it alone: its links and its way out."""

    mode: Mode
    production: Production
    switch: Switch
    outlet: Outlet
    began: float

    async def stop(self) -> None:
        """End it."""
        await asyncio.to_thread(self.production.stop)
        await self.switch.stop()


class Job:
    """One task at work.

    A change of mode begins a second production beside the first, with links of its own; it goes on air when it has
    pictures, so that the stream has no hole.

    Args:
        options: The worker's.
        clock: Paces the output.
        on_change: Called when a target's state changed.
        on_failure: Called when the production cannot go on.
        tell_voices: Hears who spoke in what is on air.
    """

    def __init__(
        self,
        options: WorkerOptions,
        clock: Clock,
        on_change: Callable[[], None],
        on_failure: Callable[[Exception], None],
        tell_voices: TellVoices,
    ) -> None:
        self._options, self._clock, self._epoch = options, clock, clock.now()
        self._loop = asyncio.get_running_loop()
        self._on_failure, self._tell_voices = on_failure, tell_voices
        self._rates = Rates()
        self._targets = Targets(options, self._force_key, on_change)
        task = TaskKey(AppId(options.app_id), TaskId(options.task_id))
        self._playing = Playing(task, options.lease, time.time_ns(), self._force_key)
        self._air = Air(self)
        self._spec: TaskSpec | None = None
        self._on_air: Making | None = None
        self._coming: Making | None = None
        self._armed: Making | None = None
        self._wish = KeyFrameWish()
        self._auto = AutoRelay()
        self._gateways: Mapping[ChannelId, str] = {}
        self._applying = asyncio.Lock()
        self._keeping = self._loop.create_task(self._keep())

    @property
    def production(self) -> Production:
        """What is being made."""
        if self._on_air is None:
            raise Busy("task", "the worker is only just starting")
        return self._on_air.production

    async def apply(self, spec: TaskSpec, gateways: Mapping[ChannelId, str]) -> None:
        """Take a spec over, whole: the first one or a changed one."""
        async with self._applying:
            self._spec, self._gateways = spec, gateways
            self._auto.look(self._now(), alone=self._alone(spec))
            self._playing.connect(gateways.get(spec.channel_id))
            await self._adapt(spec)
            await self._connect()

    async def stop(self, within_s: float) -> None:
        """End in good order: encoders emptied, streams ended properly, links closed."""
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        for making in self._makings():
            await making.stop()
        await asyncio.sleep(0)
        await asyncio.gather(self._playing.stop(), self._targets.stop(max(0.5, within_s - 0.5)))

    def report(
        self,
        key: TaskKey,
        lease: int,
        failed: tuple[int, str] | None = None,
        process: ProcessFigures | None = None,
    ) -> WorkerReport:
        """How it is going."""
        now = self._now()
        figures = self._rates.tell(now) | self._playing.figures() | (process.tell() if process else {})
        notes: list[str] = []
        if self._on_air and self._spec:
            figures |= self._on_air.production.figures(now)
            notes += [*self._spec.notes, *self._on_air.production.notes()]
        return WorkerReport(key, lease, self._targets.reports(), figures, tuple(notes), failed)

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
        self._playing.put(packet)

    def _makings(self) -> list[Making]:
        return [making for making in (self._on_air, self._coming) if making]

    async def _keep(self) -> None:
        """Hand over to the production that is ready; open and close connections as the one on air wants it."""
        try:
            while True:
                await asyncio.sleep(SETTLED_S if self._settled else LOOK_EVERY_S)
                async with self._applying:
                    await self._hand_over()
                    await self._reconsider()
                    await self._connect()
                self._look_for_key()
        except Exception as error:  # noqa: BLE001 - without its keeper no change would ever come on air: better begin anew
            _log.exception("the keeper of the stream failed")
            self._on_failure(error)

    @property
    def _settled(self) -> bool:
        return self._on_air is not None and self._coming is None and not self._air.waits_for_key

    def _look_for_key(self) -> None:
        """While what is to be seen waits for a key frame, ask again and again: whatever was lost, it heals."""
        awaited = self._armed or (self._on_air if self._air.waits_for_key else None)
        if awaited is None or not awaited.production.has_pictures:
            self._wish = KeyFrameWish()
        elif self._wish.ask(self._clock.now()):
            awaited.production.force_key()

    async def _reconsider(self) -> None:
        """Relay instead of mixing, or mix again, as somebody publishes alone or does not."""
        if self._spec and self._auto.look(self._now(), alone=self._alone(self._spec)):
            await self._adapt(self._spec)

    def _alone(self, spec: TaskSpec) -> bool:
        may = may_relay(spec, usual=self._options.auto_relay)
        return may and self._on_air is not None and self._on_air.production.alone

    def _mode(self, spec: TaskSpec) -> Mode:
        return Mode.RELAY if self._auto.relaying else spec.mode

    async def _adapt(self, spec: TaskSpec) -> None:
        """Make what is wanted now, from who is there."""
        await self._make(self._mode(spec))
        for making in self._makings():
            making.switch.connect(self._gateways)
        self._replan()

    async def _make(self, mode: Mode) -> None:
        """See that a production of that mode is on air or coming."""
        if self._coming and self._coming.mode is not mode:
            await self._change_back()
        if self._on_air is None:
            self._on_air = self._begin(mode)
            self._air.open(self._on_air.outlet)
        elif self._on_air.mode is not mode and self._coming is None:
            self._coming = self._begin(mode)

    async def _change_back(self) -> None:
        """What comes is no longer wanted; should it have gone on air this very moment, its predecessor is to come."""
        if self._coming and not self._coming.outlet.disarm():
            coming, self._coming, self._armed = self._coming, None, None
            await coming.stop()
        else:
            await self._hand_over()

    def _begin(self, mode: Mode) -> Making:
        outlet = self._air.outlet()
        switch = Switch(AppId(self._options.app_id), self._clock, self._epoch, self._replan)

        def tell_voices(interval_ms: int, speakers: tuple[Speaker, ...]) -> None:
            self._loop.call_soon_threadsafe(self._voices, outlet, interval_ms, speakers)

        out = Interleaver(outlet)
        continues = self._on_air is not None
        tap = self._playing.tap(lambda: self._air.is_open(outlet))
        stage = Stage(self._options, switch, out, self._clock, self._epoch, self._fail, tell_voices, continues, tap)
        return Making(mode, _production(mode, stage), switch, outlet, self._loop.time())

    async def _hand_over(self) -> None:
        """The one that comes goes on air by itself, with a key frame, once it may; then the one before ends."""
        coming, before = self._coming, self._on_air
        if coming is None:
            return
        asked_for = self._spec is not None and coming.mode is self._spec.mode
        if asked_for and self._loop.time() - coming.began > PATIENCE_S:
            self._air.open(coming.outlet)
            coming.production.force_key()
        elif coming.production.ready() and coming is not self._armed:
            self._armed = coming
            coming.outlet.arm(pictures=coming.production.has_pictures)
            coming.production.force_key()
        if self._air.is_open(coming.outlet):
            self._on_air, self._coming, self._armed = coming, None, None
            if before:
                await before.stop()

    async def _connect(self) -> None:
        stream = self._on_air.production.stream() if self._on_air else None
        self._playing.sync(stream)
        if self._spec and stream:
            await self._targets.sync(self._spec.targets, stream)
        else:
            await self._targets.sync((), StreamFormat(None, None))

    def _replan(self) -> None:
        """A roster or the spec changed: every production of the spec's mode plans anew."""
        for making in self._makings():
            if self._spec and making.mode is self._mode(self._spec):
                making.production.apply(self._spec, making.switch.roster)

    def _force_key(self) -> None:
        if self._on_air:
            self._on_air.production.force_key()

    def _voices(self, outlet: Outlet, interval_ms: int, speakers: tuple[Speaker, ...]) -> None:
        if self._air.is_open(outlet):
            self._tell_voices(interval_ms, speakers)

    def _now(self) -> int:
        return self._clock.now() - self._epoch

    def _fail(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._on_failure, error)


def _production(mode: Mode, stage: Stage) -> Production:
    """Each mode loads only what it needs."""
    if mode is Mode.RELAY:
        from openmpu.media.relay import RelayProduction  # noqa: PLC0415

        return RelayProduction(stage)
    from openmpu.media.mixing import MixProduction  # noqa: PLC0415

    return MixProduction(stage)
