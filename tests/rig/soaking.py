"""Plays a soak's schedule on a running house, and measures how soon each blow is over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from openmpu.errors import OpenMpuError
from tests.rig.observing import Station
from tests.rig.processes import Program, Rig
from tests.rig.proxy import Fault, FaultProxy
from tests.rig.schedule import Act, What

ANCHOR, GUESTS = "ann", ("bob", "cat", "dan")
TONES = {"ann": 600, "bob": 900, "cat": 1300, "dan": 1700}
INPUT_FPS = 30
LAYOUTS = ((1, 2, 5, 6), (1, 3, 5, 6), (1, 4, 5, 6))
"""All with panes of 16:9, in which test pictures fill their pane and can be read."""
BACK_WITHIN_S = 40.0
THROTTLE_KBPS = 250
_UPDATES: tuple[dict[str, object], ...] = (
    {"BackgroundColor": 0x203040},
    {"UserPanes.1.PaneId": 0, "UserPanes.1.UserId": ANCHOR},
    {"UserPanes.1.PaneId": 0, "UserPanes.1.UserId": "bob", "UserPanes.1.Texts.1.Text": "on air"},
    {"ClockWidgets.1.X": 0.02, "ClockWidgets.1.Y": 0.02, "ClockWidgets.1.FontSize": 16},
    {"UserPanes.1.PaneId": 1, "UserPanes.1.UserId": "cat"},
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """A row of the contract's table: its number and its frame rate."""

    number: int
    fps: int


USUAL, LIGHT = Encoding(52, 30), Encoding(1, 15)
"""640x360 at 30 and at 15 pictures a second."""


@dataclass
class Soak:
    """One soak under way.

    Attributes:
        way_in: What publishers take for the server: it, or bad weather before it.
    """

    house: Rig
    proxy: FaultProxy
    steady: Station
    hurt: Station
    encoding: Encoding
    way_in: str
    say: Callable[[str], None]
    people: dict[str, Program] = field(default_factory=dict)
    back_s: list[tuple[str, float | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    jobs: set[asyncio.Task[None]] = field(default_factory=set)
    painted: float = 1.0
    missed_ticks: int = 0
    _door: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def begin(self) -> None:
        """The anchor publishes, both tasks are on air.

        Raises:
            AssertionError: They are not, in time.
        """
        await self._join(ANCHOR, "h264")
        for task, port in (("steady", self.steady.receiver.port), ("hurt", self.proxy.port)):
            answer = await self.house.start_task(
                task, f"rtmp://127.0.0.1:{port}/live/x", MediaEncode=self.encoding.number
            )
            assert answer.exit_status == 0, answer.text
        for station in (self.steady, self.hurt):
            assert await _soon(lambda station=station: len(station.arrivals) > self.encoding.fps), "no stream"

    async def play(self, acts: tuple[Act, ...], seconds: float) -> None:
        """All acts at their times, then the rest of the time."""
        began = time.monotonic()
        for act in acts:
            await asyncio.sleep(max(0.0, began + act.at_s - time.monotonic()))
            self.say(f"{act.at_s:7.1f} s  {act.what.value} {act.who}{act.value if act.what is What.FAULT else ''}")
            job = asyncio.create_task(self._act(act))
            self.jobs.add(job)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        await asyncio.gather(*self.jobs)

    async def end(self) -> None:
        """Both tasks are stopped, in good order."""
        figures = (await self.house.task("steady"))["figures"]
        bad = float(figures["repeated"]) + float(figures["missed_ticks"])
        self.missed_ticks = int(figures["missed_ticks"])
        self.painted = 1 - bad / max(1.0, float(figures["ticks"]))
        for task in ("steady", "hurt"):
            await self._call("StopMPUTask", TaskId=task)
        if not await _soon(lambda: not self.house.pids("openmpu: worker")):
            self.refused.append("a worker did not end")

    async def _act(self, act: Act) -> None:
        match act.what:
            case What.JOIN:
                await self._join(act.who, act.value)
            case What.LEAVE:
                self.people.pop(act.who).kill(signal.SIGTERM)
            case What.VANISH:
                self.people.pop(act.who).kill(signal.SIGKILL)
            case What.FREEZE:
                await self._freeze(self.people[act.who], act.lasts_s)
            case What.UPDATE:
                await self._update(int(act.value))
            case What.FAULT:
                await self._fault(Fault(act.value), act.lasts_s)
            case _:
                await self._blow(act.what)

    async def _join(self, who: str, video: str) -> None:
        options = {"server": self.way_in, "video": video, "size": "320x180", "fps": INPUT_FPS, "tone": TONES[who]}
        self.people[who] = await self.house.publisher(who, **options)

    async def _freeze(self, program: Program, seconds: float) -> None:
        program.kill(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        program.kill(signal.SIGCONT)

    async def _update(self, number: int) -> None:
        layouts = {f"LayoutIds.{place}": layout for place, layout in enumerate(LAYOUTS[number % len(LAYOUTS)], 1)}
        changes = layouts if number % 2 else _UPDATES[number % len(_UPDATES)]
        for task in ("steady", "hurt"):
            await self._call("UpdateMPUTask", TaskId=task, **changes)

    async def _fault(self, fault: Fault, seconds: float) -> None:
        await self.proxy.set(fault, THROTTLE_KBPS)
        await asyncio.sleep(seconds)
        await self.proxy.set(Fault.NONE)
        lifted = time.monotonic_ns()
        await self._measure(f"fault {fault.value}", lambda: self.hurt.fresh_since(lifted))

    async def _blow(self, what: What) -> None:
        match what:
            case What.KILL_WORKER | What.STOP_WORKER:
                number = signal.SIGKILL if what is What.KILL_WORKER else signal.SIGSTOP
                await self._measure(what.value, await self._worker_gone(number))
            case What.KILL_GATEWAY:
                await self._measure(what.value, await self._gateway_gone())
            case _:
                await self._measure(what.value, self._has_both_tasks, self._next_server())

    async def _worker_gone(self, number: signal.Signals) -> Callable[[], bool]:
        pid = await self._pid("worker rigapp/hurt")
        connects, joined = self.hurt.receiver.figures().connects, list[int]()
        os.kill(pid, number)

        def back() -> bool:
            if not joined and self.hurt.receiver.figures().connects > connects:
                joined.append(time.monotonic_ns())
            return bool(joined) and self.hurt.fresh_since(joined[0])

        return back

    async def _gateway_gone(self) -> Callable[[], Awaitable[bool]]:
        pid = await self._pid("openmpu: gateway")
        connects = _connects(self.people[ANCHOR])
        os.kill(pid, signal.SIGKILL)

        async def back() -> bool:
            if _connects(self.people[ANCHOR]) == connects:
                return False
            figures = (await self.house.task("steady"))["figures"]
            age = figures.get(f"track.{ANCHOR}.camera.video.age_ms")
            return age is not None and age < 500

        return back

    async def _pid(self, title: str) -> int:
        """The process of that title, once there is one."""
        await _soon(lambda: self.house.pids(title))
        return self.house.pids(title)[0]

    async def _next_server(self) -> None:
        assert self.house.server
        async with self._door:
            self.house.server.kill(signal.SIGKILL)
            await self.house.server.wait()
            await self.house.start_server()

    async def _has_both_tasks(self) -> bool:
        answers = [await self.house.call("GetMPUTaskStatus", TaskId=task) for task in ("steady", "hurt")]
        return all(answer.value()["Status"] == 1 for answer in answers)

    async def _measure(
        self,
        what: str,
        well: Callable[[], bool] | Callable[[], Awaitable[bool]],
        repair: Awaitable[None] | None = None,
    ) -> None:
        """How long until all is well again."""
        began = time.monotonic()
        if repair:
            await repair
        was = await _soon(well, BACK_WITHIN_S)
        took = round(time.monotonic() - began, 2) if was else None
        self.back_s.append((what, took))
        self.say(f"           {what}: well again after {took} s")

    async def _call(self, action: str, **parameters: object) -> None:
        async with self._door:
            answer = await self.house.call(action, **parameters)
        if answer.exit_status:
            self.refused.append(f"{action}: {answer.status} {answer.code}")


def _connects(program: Program) -> int:
    """How often a publisher was connected, as it says itself."""
    return max((int(part.split()[0]) for part in program.text.split("connects=")[1:]), default=0)


async def _soon(well: Callable[[], object], within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with contextlib.suppress(OpenMpuError, KeyError):
            found = well()
            if await found if isinstance(found, Awaitable) else found:
                return True
        await asyncio.sleep(0.05)
    return False
