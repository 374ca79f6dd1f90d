"""One target for its whole life: packets in, a stream out; connects, sends, notes what went wrong, and tries again.

Everything here runs on one asyncio loop and nothing is shared between outputs, so that none can harm another. `put`
never waits: what the socket does not take waits in a short queue, what does not fit there is left out and counted.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from openmpu.media.outputs.connection import Connection, Surroundings, connect
from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step
from openmpu.media.outputs.outage import GivenUp, Outage
from openmpu.media.outputs.report import OutputReport, OutputState
from openmpu.media.outputs.sending import Sending
from openmpu.media.outputs.settings import OutputSettings
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.urls import IngestUrl

_log = structlog.get_logger()
_T = TypeVar("_T")
_POLL_S = 0.02
_LAST_WORK_S = 0.5
"""For `run` to leave its steps after the deadline."""


class RtmpOutput:
    """Pushes to one URL until stopped or given up. All methods are for the loop's own thread.

    Args:
        url: Where to.
        stream: What the packets will be.
        surroundings: Which addresses are allowed, the clock, the resolver.
        need_key_frame: Called when the stream can only (re)start with a key frame; may be called again and again.
        on_change: Gets the report whenever the state, the error or the number of retries changed.
        settings: Limits and policy.
        chance: Numbers from 0 to 1 for the jitter of waits.
    """

    def __init__(
        self,
        url: IngestUrl,
        stream: StreamFormat,
        surroundings: Surroundings,
        *,
        need_key_frame: Callable[[], None],
        on_change: Callable[[OutputReport], None],
        settings: OutputSettings | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._url, self._surroundings, self._chance = url, surroundings, chance
        self._settings = settings or OutputSettings()
        self._on_change = on_change
        self._sending = Sending(stream, self._settings, need_key_frame)
        self._outage = Outage(self._settings.policy)
        self._stopping, self._over = asyncio.Event(), asyncio.Event()
        self._stop_at = 0.0
        self._pushing_since = 0
        self._connection: Connection | None = None
        self._report = OutputReport(url.redacted)

    def put(self, packet: Packet) -> None:
        """Send the packet, or let it wait, or leave it out: never waits, never raises."""
        if not self._stopping.is_set():
            self._sending.put(packet)

    def change(self, stream: StreamFormat) -> None:
        """The packets put from now on are of that format; the connection stays."""
        self._sending.change(stream)

    def report(self) -> OutputReport:
        """How it is doing now."""
        return self._sending.fill(self._report)

    async def run(self) -> None:
        """Connect and push, again and again, until stopped, given up or cancelled. Call it once."""
        try:
            with structlog.contextvars.bound_contextvars(target=self._url.redacted):
                await self._push_until_over()
        finally:
            if self._connection:  # cancelled at the very moment when it was made
                self._connection.abort()
            if self._report.state is not OutputState.GIVEN_UP:
                self._set(state=OutputState.ENDED, error_code=ErrorCode.NONE)
            self._over.set()

    async def stop(self, within_s: float) -> None:
        """Let what waits go out, end the stream in good order, close: all within that time. `run` then returns.

        May be called more than once.
        """
        if not self._stopping.is_set():
            self._stop_at = asyncio.get_running_loop().time() + within_s
            self._stopping.set()
        with suppress(TimeoutError):  # of a `run` that was never begun
            async with asyncio.timeout(within_s + _LAST_WORK_S):
                await self._over.wait()

    async def _push_until_over(self) -> None:
        while not self._stopping.is_set():
            failure = await self._attempt()
            if failure is None:
                return
            verdict = self._outage.failed(failure, self._surroundings.now(), self._chance())
            self._note(failure, verdict)
            if isinstance(verdict, GivenUp):
                return
            await self._pause(verdict)

    async def _attempt(self) -> AttemptFailed | None:
        """One connection from beginning to end: how it failed, or None if it was ended on purpose."""
        try:
            self._set(state=OutputState.CONNECTING)
            connection = await self._unless_stopped(self._connect())
            if connection:
                await self._serve(connection)
        except AttemptFailed as failure:
            return failure
        except Exception:  # noqa: BLE001 - a bug of ours costs this attempt, not the stream
            _log.exception("target failed by a fault of ours")
            return AttemptFailed(
                self._report.step, ErrorCode.CONNECTION_LOST, "the connection failed by a fault of ours"
            )
        return None

    async def _connect(self) -> Connection:
        self._connection = await connect(
            self._url,
            self._sending.stream,
            self._settings.connection,
            self._surroundings,
            on_step=self._enter,
            on_room=self._sending.pump,
        )
        return self._connection

    async def _serve(self, connection: Connection) -> None:
        try:
            self._accepted(connection)
            await self._unless_stopped(connection.watch(lambda: self._check(connection)))
            await self._drain(connection)
        finally:
            self._sending.end()
            connection.abort()

    def _accepted(self, connection: Connection) -> None:
        self._pushing_since = 0
        self._enter(Step.MEDIA)
        self._report = replace(self._report, connects=self._report.connects + 1)
        self._sending.begin(connection, self._surroundings.now())

    def _check(self, connection: Connection) -> None:
        now = self._surroundings.now()
        self._sending.check(now)
        if self._pushing_since:
            self._outage.pushed_for(now - self._pushing_since)
        elif self._sending.flowing:
            connection.settle()
            self._pushing_since = now
            self._set(state=OutputState.PUSHING, error_code=ErrorCode.NONE)
            _log.info("pushing", connects=self._report.connects)

    async def _drain(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while not self._sending.idle and loop.time() < self._stop_at:  # noqa: ASYNC110 - once in a life, not per packet
            await asyncio.sleep(_POLL_S)
        await connection.close(max(0.0, self._stop_at - loop.time()))

    async def _pause(self, nanoseconds: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(nanoseconds / 1e9):
                await self._stopping.wait()

    async def _unless_stopped(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The work's result, or None if `stop` was called first; then the work is cancelled."""
        job = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({job, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return job.result() if job.done() else None
        finally:
            stopped.cancel()
            await _cancelled(job)

    def _enter(self, step: Step) -> None:
        self._report = replace(self._report, step=step)

    def _note(self, failure: AttemptFailed, verdict: int | GivenUp) -> None:
        given_up = verdict if isinstance(verdict, GivenUp) else None
        lost = OutputState.INTERRUPTED if self._report.state is OutputState.PUSHING else self._report.state
        log = _log.error if given_up else _log.warning
        log("target failed", step=failure.step, code=int(failure.code), error=failure.message, detail=failure.detail)
        self._set(
            state=OutputState.GIVEN_UP if given_up else lost,
            step=failure.step,
            error_code=failure.code,
            last_error=failure.message,
            given_up=given_up,
            retries=self._report.retries + (not given_up),
        )

    def _set(self, **changes: Any) -> None:
        """Change the report, and tell our owner; a fault of theirs must not end the stream."""
        changed = replace(self._report, **changes)
        if changed == self._report:
            return
        self._report = changed
        try:
            self._on_change(self.report())
        except Exception:  # noqa: BLE001 - whatever it is
            _log.exception("a listener failed")


async def _cancelled(job: asyncio.Future[Any]) -> None:
    """Make sure that the job is over; how it ended was looked at before, or does not matter any more."""
    job.cancel()
    with suppress(asyncio.CancelledError, AttemptFailed):
        await job
