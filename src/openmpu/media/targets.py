"""The outputs of a task: one for each target; an update keeps those whose URL is the same.

Network thread only. Every output runs by itself: none waits for another.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openmpu.media.options import WorkerOptions
from openmpu.media.outputs.connection import Surroundings
from openmpu.media.outputs.output import RtmpOutput
from openmpu.media.outputs.report import OutputReport
from openmpu.media.outputs.settings import ConnectionSettings, OutputSettings, Policy
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.reports import TargetReport
from openmpu.model.urls import IngestUrl
from openmpu.timing.ticks import SECOND
from openmpu.wire.guard import Guard

CLOSE_WITHIN_S: Final = 2.0
"""For a target that an update took away."""


def _policy(options: WorkerOptions) -> Policy:
    """When a target is given up; 0 in the settings: never. Not the first worker of its task: it takes the URLs over."""
    attempts, refusals = options.push_attempts or None, options.push_refusals or None
    return Policy(attempts, round(options.push_attempts_s * SECOND), refusals, pushed_before=options.lease > 1)


@dataclass(slots=True)
class _Target:
    output: RtmpOutput
    job: asyncio.Task[None]
    place: int
    stream: StreamFormat


class Targets:
    """Where the stream goes.

    Args:
        options: Certificates and networks that are allowed.
        need_key_frame: Called when some output can only begin with a key frame.
        on_change: Called when any output's state changed.
    """

    def __init__(
        self, options: WorkerOptions, need_key_frame: Callable[[], None], on_change: Callable[[], None]
    ) -> None:
        guard = Guard.allowing(options.allow_networks)
        self._surroundings = Surroundings(_allowed_by(guard))
        ca_file = Path(options.ca_file) if options.ca_file else None
        self._settings = OutputSettings(connection=ConnectionSettings(ca_file=ca_file), policy=_policy(options))
        self._need_key_frame, self._on_change = need_key_frame, on_change
        self._targets: dict[IngestUrl, _Target] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._stream = StreamFormat(None, None)

    async def sync(self, urls: Sequence[IngestUrl], stream: StreamFormat) -> None:
        """Push to exactly these; what is no longer wanted is closed before anything new is opened."""
        await asyncio.gather(*(self._close(url, CLOSE_WITHIN_S) for url in self._targets.keys() - set(urls)))
        for place, url in enumerate(urls):
            if url in self._targets:
                self._targets[url].place = place
            else:
                self._open(url, place, stream)

    def put(self, packet: Packet) -> None:
        """Hand a packet to every output; nobody waits."""
        for target in self._targets.values():
            target.output.put(packet)

    def change(self, stream: StreamFormat) -> None:
        """The packets from now on are of that form."""
        self._stream = stream
        for target in self._targets.values():
            if target.stream != stream:
                target.stream = stream
                target.output.change(stream)

    def reports(self) -> tuple[TargetReport, ...]:
        """How each is doing, in the spec's order."""
        ordered = sorted(self._targets.values(), key=lambda target: target.place)
        return tuple(_report(target.output.report(), target.place) for target in ordered)

    async def stop(self, within_s: float) -> None:
        """End all of them in good order, side by side; their last reports stay."""
        await asyncio.gather(*(_end(target, within_s) for target in self._targets.values()))

    def _open(self, url: IngestUrl, place: int, stream: StreamFormat) -> None:
        output = RtmpOutput(
            url,
            stream,
            self._surroundings,
            need_key_frame=self._need_key_frame,
            on_change=lambda _: self._on_change(),
            settings=self._settings,
        )
        self._targets[url] = _Target(output, asyncio.get_running_loop().create_task(output.run()), place, stream)

    async def _close(self, url: IngestUrl, within_s: float) -> None:
        await _end(self._targets[url], within_s)
        self._on_change()
        del self._targets[url]


async def _end(target: _Target, within_s: float) -> None:
    if not target.job.done():
        await target.output.stop(within_s)
    await asyncio.gather(target.job, return_exceptions=True)


def _allowed_by(guard: Guard) -> Callable[[ipaddress.IPv4Address | ipaddress.IPv6Address], bool]:
    return lambda address: guard.may_reach(str(address))


def _report(report: OutputReport, place: int) -> TargetReport:
    return TargetReport(
        url=report.target,
        place=place,
        state=report.state.value,
        step=report.step.value,
        retries=report.retries,
        connects=report.connects,
        error_code=int(report.error_code),
        last_error=report.last_error,
        bytes_sent=report.bytes_sent,
        dropped=report.frames_dropped + report.audio_dropped,
        queue_ms=report.queue_ms,
    )
