"""Workers as processes of this machine: placed, watched, brought back, taken over from an earlier server.

A worker dials the control socket and is told what to run. What is *wanted* is a slot here; the process behind it may
change (crash, restart) and may be older than this server (adoption). Never two processes for one task: before the first
start the engine waits for the workers that an earlier server left (`settle`), and a restarted one gets a higher lease.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from openmpu.engines.control import Member
from openmpu.engines.crashes import Crashes, Measure
from openmpu.engines.ledger import Ledger
from openmpu.engines.nursery import Nursery
from openmpu.engines.pids import alive, is_stopped, send
from openmpu.errors import Busy, Invalid, NotFound, OpenMpuError
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.ids import AppId, ChannelKey, TaskId, TaskKey
from openmpu.model.task import TaskSpec
from openmpu.services.ports import ReportListener, VoiceListener, WorkerReport
from openmpu.wire.callbacks import VoiceReport

HELLO_WITHIN_S = 15.0
"""A worker that said nothing by then is killed and started again."""
ADOPT_WITHIN_S = 3.0
SILENT_S = 10.0
"""A worker reports each second; one that is silent so long hangs."""
STOPPED_S = 1.5
"""... or so long while the kernel says that it is stopped (SIGSTOP, a debugger)."""
STOP_WITHIN_S = 4.0
ENCODER_FAILURE = 2001  # callbacks.md 2.4

_log = structlog.get_logger()


@dataclass(slots=True)
class _Slot:
    """One wanted task."""

    spec: TaskSpec
    lease: int
    member: Member | None = None
    pid: int | None = None
    heard_at: float = 0.0
    report: WorkerReport | None = None
    crashes: Crashes = field(default_factory=Crashes)
    job: asyncio.Task[None] | None = None


class LocalEngine:
    """The Engine port (services/ports.py) on this machine; owner of the children that say they are workers.

    Args:
        nursery: Forks workers.
        ledger: Which worker processes exist, kept on disk for the next server.
        options: What every worker is told at birth, besides its task and lease.
        next_lease: Raises a task's lease (the store's).
        link_of: Address of the gateway link on which a channel lives.
    """

    def __init__(
        self,
        nursery_of: Callable[[Callable[[int, int], None]], Nursery],
        ledger: Ledger,
        options: dict[str, Any],
        next_lease: Callable[[TaskKey], Awaitable[int]],
        link_of: Callable[[ChannelKey], str],
    ) -> None:
        self._nursery = nursery_of(self._exited)
        self._ledger, self._options = ledger, options
        self._next_lease, self._link_of = next_lease, link_of
        self._slots: dict[TaskKey, _Slot] = {}
        self._strays: dict[TaskKey, Member] = {}
        self._on_report: ReportListener | None = None
        self._on_voices: VoiceListener | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    def listen(self, on_report: ReportListener, on_voices: VoiceListener | None = None) -> None:
        """Who hears of reports, and of who spoke."""
        self._on_report, self._on_voices = on_report, on_voices

    async def run(self) -> None:
        """Keep the nursery and watch the workers until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nursery.run())
            group.create_task(self._watch())

    async def settle(self) -> None:
        """Wait for the workers that an earlier server left to dial in; kill those that do not."""
        deadline = time.monotonic() + ADOPT_WITHIN_S
        while time.monotonic() < deadline and not self._all_known():  # noqa: ASYNC110 - processes are no events
            await asyncio.sleep(0.05)
        for pid in set(self._ledger.living()) - self._member_pids():
            _log.warning("a worker of an earlier server does not answer; killed", worker_pid=pid)
            send(pid, signal.SIGKILL)
            self._ledger.forget(pid)

    async def shut_down(self) -> None:
        """End every worker in good order."""
        for key in [*self._slots, *self._strays]:
            await self.stop(key)
        while self._jobs:
            await asyncio.wait(self._jobs)

    # The Engine port

    async def start(self, spec: TaskSpec, lease: int) -> None:
        """Run a worker for the spec, or take over the one that runs already."""
        slot = self._slots.setdefault(spec.key, _Slot(spec, lease))
        slot.spec, slot.lease = spec, lease
        stray = self._strays.pop(spec.key, None)
        if stray:
            self._adopt(slot, stray)
        if slot.member:
            self._background(self._tell_run(slot, slot.member))
        elif slot.pid is None and slot.job is None:
            self._spawn_soon(slot, 0.0)

    async def update(self, spec: TaskSpec) -> None:
        """Hand the worker a new spec; one that is only just starting gets it with its first order."""
        slot = self._slots.get(spec.key)
        if slot is None:
            raise NotFound("task", f"{spec.key} has no worker")
        slot.spec = spec
        if slot.member:
            await slot.member.channel.ask("update", spec=to_plain(spec), gateways=self._links(spec))

    async def stop(self, key: TaskKey) -> None:
        """Decide the end; the worker drains in the background."""
        slot = self._slots.pop(key, None)
        stray = self._strays.pop(key, None)
        if slot and slot.job:
            slot.job.cancel()
        member = slot.member if slot else stray
        pid = slot.pid if slot else stray.pid if stray else None
        if pid is not None:
            self._background(self._end(member, pid))

    async def inject_sei(self, key: TaskKey, text: str) -> None:
        """Hand `text` to the worker for its next video frame."""
        await self.ask(key, "sei", text=text)

    def report(self, key: TaskKey) -> WorkerReport | None:
        """The latest report."""
        slot = self._slots.get(key)
        return slot.report if slot else None

    def running(self) -> Sequence[TaskKey]:
        """Tasks with a worker, adopted ones included."""
        return [*(key for key, slot in self._slots.items() if slot.pid is not None), *self._strays]

    async def ask(self, key: TaskKey, name: str, **fields: Any) -> Any:
        """Ask the task's worker something.

        Raises:
            NotFound: No worker runs for it now.
        """
        slot = self._slots.get(key)
        if slot is None or slot.member is None:
            raise NotFound("task", f"{key} has no running worker")
        return await slot.member.channel.ask(name, **fields)

    # The owner of workers (engines/control.py)

    async def joined(self, member: Member) -> None:
        """A worker dialled in: ours, an earlier server's, or one that nobody wants any more."""
        key = _key_of(member)
        slot = self._slots.get(key)
        if slot is None:
            self._strays[key] = member
            return
        if slot.pid not in (None, member.pid) and int(member.hello["lease"]) < slot.lease:
            _log.warning("a superseded worker dialled in; ended", task=str(key), lease=member.hello["lease"])
            self._background(self._end(member, member.pid))
            return
        self._adopt(slot, member)
        await self._tell_run(slot, member)

    async def heard(self, member: Member, message: dict[str, Any]) -> Any:
        """A worker's report, or who spoke in its task."""
        slot = self._slots.get(_key_of(member))
        if slot is None or slot.member is not member:
            return
        slot.heard_at = time.monotonic()
        if message.get("tell") == "voices":
            self._heard_voices(slot.spec, message.get("report"))
        if message.get("tell") != "report":
            return
        try:
            slot.report = from_plain(WorkerReport, message["report"])
        except Invalid as error:
            _log.error("a report that cannot be read", task=str(slot.spec.key), error=str(error))
            return
        if self._on_report:
            await self._on_report(slot.report)

    def _heard_voices(self, spec: TaskSpec, told: Any) -> None:
        try:
            report = from_plain(VoiceReport, told)
        except Invalid as error:
            _log.error("voices that cannot be read", task=str(spec.key), error=str(error))
            return
        if self._on_voices:
            self._on_voices(spec.key, spec.channel_id, report)

    async def left(self, member: Member) -> None:
        """A worker's socket closed: it died, or it will dial again."""
        key = _key_of(member)
        if self._strays.get(key) is member:
            del self._strays[key]
        slot = self._slots.get(key)
        if slot and slot.member is member:
            slot.member = None
            slot.heard_at = time.monotonic()

    # Inside

    def _adopt(self, slot: _Slot, member: Member) -> None:
        slot.member, slot.pid, slot.heard_at = member, member.pid, time.monotonic()

    async def _tell_run(self, slot: _Slot, member: Member) -> None:
        spec = slot.spec
        try:
            await member.channel.ask("run", spec=to_plain(spec), lease=slot.lease, gateways=self._links(spec))
        except OpenMpuError as error:
            _log.warning("a worker did not take its order", task=str(spec.key), error=str(error))

    def _links(self, spec: TaskSpec) -> dict[str, str]:
        return {channel: self._link_of(ChannelKey(spec.app_id, channel)) for channel in spec.channels}

    def _spawn_soon(self, slot: _Slot, delay: float) -> None:
        slot.job = asyncio.get_running_loop().create_task(self._spawn(slot, delay))
        self._jobs.add(slot.job)
        slot.job.add_done_callback(self._jobs.discard)

    async def _spawn(self, slot: _Slot, delay: float) -> None:
        key = slot.spec.key
        try:
            await asyncio.sleep(delay)
            options = {**self._options, "app_id": key.app_id, "task_id": key.task_id, "lease": slot.lease}
            pid = await self._nursery.spawn(options)
            self._ledger.note(pid, str(key), slot.lease)
            if self._slots.get(key) is not slot:
                send(pid, signal.SIGKILL)  # stopped while it was being born
                return
            slot.pid, slot.heard_at = pid, time.monotonic()
        except Busy:
            self._background(self._again(slot, 0.25))
        finally:
            slot.job = None

    def _exited(self, pid: int, status: int) -> None:
        """The nursery says: a worker ended."""
        self._ledger.forget(pid)
        for slot in self._slots.values():
            if slot.pid == pid:
                self._lost(slot, f"ended with status {status}")
                return

    def _lost(self, slot: _Slot, how: str) -> None:
        """A wanted worker is gone: the next one, at once the first time, later and later after that."""
        slot.member = slot.pid = None
        slot.crashes.note(time.monotonic())
        _log.error("worker lost", task=str(slot.spec.key), how=how, recent_crashes=slot.crashes.recent)
        if measure := slot.crashes.too_many:
            self._background(self._give_up(slot, measure, how))
        else:
            self._background(self._again(slot, slot.crashes.delay_s))

    async def _again(self, slot: _Slot, delay: float) -> None:
        slot.lease = await self._next_lease(slot.spec.key)
        if self._slots.get(slot.spec.key) is slot:
            self._spawn_soon(slot, delay)

    async def _give_up(self, slot: _Slot, measure: Measure, how: str) -> None:
        self._slots.pop(slot.spec.key, None)
        reason = f"the worker ended {measure.told}; last: {how}"
        if self._on_report:
            await self._on_report(WorkerReport(slot.spec.key, slot.lease, failed=(ENCODER_FAILURE, reason)))

    async def _end(self, member: Member | None, pid: int) -> None:
        """Stop is a conversation with a deadline: asked, then SIGTERM, then SIGKILL."""
        if member:
            with contextlib.suppress(OpenMpuError):
                await member.channel.ask("stop", within_s=STOP_WITHIN_S)
        else:
            send(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while alive(pid) and time.monotonic() < deadline:  # noqa: ASYNC110 - not always our own child
            await asyncio.sleep(0.05)
        if alive(pid):
            send(pid, signal.SIGKILL)
        self._ledger.forget(pid)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            for slot in tuple(self._slots.values()):
                self._check(slot, time.monotonic())

    def _check(self, slot: _Slot, now: float) -> None:
        if slot.pid is None or slot.job:
            return
        silent = now - slot.heard_at
        if not alive(slot.pid):
            self._ledger.forget(slot.pid)
            self._lost(slot, "vanished")
        elif silent > (SILENT_S if slot.member else HELLO_WITHIN_S) or (silent > STOPPED_S and is_stopped(slot.pid)):
            _log.warning("worker hangs; killed", task=str(slot.spec.key), silent_s=round(silent, 1))
            send(slot.pid, signal.SIGKILL)

    def _all_known(self) -> bool:
        return set(self._ledger.living()) <= self._member_pids()

    def _member_pids(self) -> set[int]:
        mine = {slot.member.pid for slot in self._slots.values() if slot.member}
        return mine | {member.pid for member in self._strays.values()}

    def _background(self, job: Any) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


def _key_of(member: Member) -> TaskKey:
    return TaskKey(AppId(str(member.hello["app_id"])), TaskId(str(member.hello["task_id"])))
