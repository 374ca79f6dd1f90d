"""One task, one recording, and publishers who come and go, each with a fault of their own; an honest one stays.

What became of each is then read from the recording: what their pane showed, when they could not be heard.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from openmpu.clients import reading
from openmpu.clients.feeds import Feed
from openmpu.clients.marks import tag_of
from openmpu.clients.picture import Look
from openmpu.clients.sound import Voice
from openmpu.clients.test_source import PictureFeed, SoundFeed
from openmpu.model.colours import Colour
from tests.e2e.steps import received, receiving, until
from tests.rig import faithful
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.faithful import Seen, Sitter
from tests.rig.odd_feeds import OddPictures, OddSound
from tests.rig.odd_publisher import OddPublisher
from tests.rig.packets import SECOND
from tests.rig.processes import Rig
from tests.rig.rtp_faults import Fault
from tests.rig.shim import Weather, bad_weather

OUTPUT_FPS = 15
_LAYOUT, _SEATS, _CANVAS = 6, 4, (640, 360)
_LOOK = Look(320, 180, 15, Colour(40, 90, 200))
_KBPS = 400
_GRID = 60
"""Frames a second that the numbers of odd pictures count on."""
_TONES = (800, 1300, 1900)
_LEAVING = SECOND // 2
"""Nanoseconds: leaving shows at once, media is on its way for some tenths of a second."""

Span = tuple[float, float]
"""Seconds since somebody was connected."""


@dataclass(frozen=True, slots=True)
class Case:
    """A publisher with a fault.

    Attributes:
        name: For people.
        fault: What happens to packets.
        pictures: Other than the usual ones: arguments of `OddPictures`.
        sound: Likewise, of `OddSound`.
        away: When their cable is pulled; then `openmpu publish` publishes, which connects again by itself.
        restart_s: When ICE is restarted.
        unseen: When they may be frozen or not shown.
        unheard: When they may not be heard.
        off: By how many levels the worst block may differ from what was sent.
        still_s: How long a picture may stand otherwise.
        silent_s: How long they may not be heard otherwise.
    """

    name: str
    fault: Fault = field(default_factory=Fault)
    video: Any = "h264"
    pictures: Mapping[str, Any] | None = None
    sound: Mapping[str, Any] | None = None
    away: Span | None = None
    restart_s: float | None = None
    unseen: Span = (0.0, 0.0)
    unheard: Span = (0.0, 0.0)
    off: float = 25.0
    still_s: float = 0.6
    silent_s: float = 0.2

    def looks(self, seat: int) -> list[Look]:
        """What they send in each second in turn."""
        user, fps = f"s{seat}", _GRID if self.pictures else _LOOK.fps
        sizes = (self.pictures or {}).get("sizes", [(_LOOK.width, _LOOK.height)])
        return [
            replace(_LOOK, title=user, tag=tag_of(user), fps=fps, width=width, height=height) for width, height in sizes
        ]

    def feeds(self, seat: int) -> list[Feed]:
        """Picture and, but for the honest one in the first seat, sound."""
        look = self.looks(seat)[0]
        odd = self.pictures is not None
        picture: Feed = (
            OddPictures(look, self.video, **(self.pictures or {})) if odd else PictureFeed(look, self.video, _KBPS)
        )
        if not seat:
            return [picture]
        voice = Voice(_TONES[seat - 1], hum=self.hums)
        return [picture, OddSound(voice, **self.sound) if self.sound else SoundFeed(voice)]

    @property
    def hums(self) -> bool:
        """Whether they can be heard between beeps."""
        return not (self.sound or {}).get("dtx")


@dataclass
class Stay:
    """What became of a case. Spans and moments in seconds since it was connected.

    Attributes:
        seconds: How long it lasted.
        seen: What its pane showed; `begin`: the stream's time at which it was connected, nanoseconds.
        silent: When it was not heard.
    """

    case: Case
    seat: int
    begin: int
    seconds: float
    seen: Sequence[Seen] = ()
    silent: Sequence[Span] = ()
    beeps: Sequence[float] = ()

    @property
    def still(self) -> list[Span]:
        """When the same picture stood."""
        return self._since(faithful.still_spans(self.seen))

    @property
    def empty(self) -> list[Span]:
        """When nothing was shown."""
        return self._since(faithful.empty_spans(self.seen))

    def lips_ms(self, from_s: float) -> float:
        """By how much sound comes after the picture, from a moment on, in the median."""
        fps = self.case.looks(self.seat)[0].fps
        late = faithful.delay([one for one in self.seen if one.pts >= self.begin + from_s * SECOND], fps)
        beeps = [self.begin + round(beep * SECOND) for beep in self.beeps if beep >= from_s]
        return float(np.median(reading.sound_delays(beeps, late)) - late) / 1e6

    def _since(self, spans: Sequence[tuple[int, int]]) -> list[Span]:
        return [((start - self.begin) / SECOND, (end - self.begin) / SECOND) for start, end in spans]


class Stage:
    """Where they are recorded. `play`, then ask for the `stays`."""

    def __init__(self, house: Rig, save: Path) -> None:
        self.house, self.save = house, save
        self.figures: dict[str, Any] = {}
        self.connects = 0
        self._played: list[tuple[Case, int, int, int]] = []

    async def play(self, rounds: Sequence[tuple[float, Sequence[Case]]]) -> None:
        """All rounds, one after the other: so many seconds of those cases at once."""
        honest = Case("honest")
        async with receiving(self.save) as cdn, self._publisher(honest, 0) as began:
            answer = await self.house.start_task("inputs", cdn.url, **_seating())
            assert answer.status == 200, answer.text
            await received(cdn, 1, OUTPUT_FPS)
            for seconds, cases in rounds:
                await self._round(cases, lambda seconds=seconds: received(cdn, seconds, OUTPUT_FPS))
            self._played.append((honest, 0, began, time.time_ns()))
            self.figures, self.connects = (await self.house.task("inputs"))["figures"], cdn.figures().connects

    def stays(self) -> dict[str, Stay]:
        """What was recorded, by name of the case."""
        late = self._late()
        stays = [Stay(c, seat, begin + late, (end - begin - _LEAVING) / SECOND) for c, seat, begin, end in self._played]
        seen = faithful.watch(self.save, {stay.case.name: self._sitter(stay) for stay in stays})
        sound = Recording(self.save).sound
        for stay in stays:
            stay.seen = seen[stay.case.name]
            if stay.seat:
                begin, tone = stay.begin / SECOND, _TONES[stay.seat - 1]
                heard = sound.part(begin, begin + stay.seconds)
                silent = faithful.silences(heard.samples, tone, heard.start)
                stay.silent = [(start / SECOND - begin, end / SECOND - begin) for start, end in silent]
                stay.beeps = [beep / SECOND - begin for beep in heard.beeps(tone)]
        return {stay.case.name: stay for stay in stays}

    def _late(self) -> int:
        """The stream's time minus Unix time, as the honest one's first pictures tell it."""
        case, seat, *_ = self._played[-1]
        first = self._sitter(Stay(case, seat, 0, 5.0))
        return faithful.delay(faithful.watch(self.save, {"": first})[""], _LOOK.fps)

    def _sitter(self, stay: Stay) -> Sitter:
        place = contained(layout_panes(_LAYOUT, *_CANVAS)[stay.seat], _LOOK.width, _LOOK.height)
        end = stay.begin + round(stay.seconds * SECOND)
        return Sitter(stay.case.looks(stay.seat), place, stay.begin, end, time.time_ns())

    async def _round(self, cases: Sequence[Case], expose: Callable[[], Awaitable[object]]) -> None:
        async with contextlib.AsyncExitStack() as stack:
            began = [await stack.enter_async_context(self._publisher(case, seat)) for seat, case in enumerate(cases, 1)]
            await expose()
            ended = time.time_ns()
        self._played += [(case, seat, at, ended) for seat, (case, at) in enumerate(zip(cases, began, strict=True), 1)]

    @contextlib.asynccontextmanager
    async def _publisher(self, case: Case, seat: int) -> AsyncIterator[int]:
        """Somebody in a seat; when they were connected, nanoseconds of Unix time."""
        if case.away:
            async with self._absent(case, seat, *case.away) as began:
                yield began
            return
        feeds = await asyncio.to_thread(case.feeds, seat)
        async with (
            OddPublisher(self.house.url, f"s{seat}", feeds, case.fault) as publisher,
            asyncio.TaskGroup() as group,
        ):
            if case.restart_s is not None:
                group.create_task(_later(case.restart_s, publisher.restart_ice))
            yield publisher.connected_at

    @contextlib.asynccontextmanager
    async def _absent(self, case: Case, seat: int, from_s: float, to_s: float) -> AsyncIterator[int]:
        look = case.looks(seat)[0]
        red, green, blue = look.colour.red, look.colour.green, look.colour.blue
        given = {"size": f"{look.width}x{look.height}", "colour": f"#{red:02x}{green:02x}{blue:02x}", "fps": look.fps}
        async with bad_weather(self.house.url, Weather()) as shim, asyncio.TaskGroup() as group:
            program = await self.house.publisher(f"s{seat}", **given, tone=_TONES[seat - 1], server=shim.url)
            await until(lambda: "state=publishing" in program.text, f"publishes: {program.text[-300:]}")
            group.create_task(_later(from_s, shim.cut))
            group.create_task(_later(to_s, lambda: shim.cut(off=False)))
            yield time.time_ns()
            await program.stop()


def _seating() -> dict[str, object]:
    panes = {f"UserPanes.{seat + 1}.PaneId": seat for seat in range(_SEATS)}
    users = {f"UserPanes.{seat + 1}.UserId": f"s{seat}" for seat in range(_SEATS)}
    return {"LayoutIds.1": _LAYOUT, "CropMode": 2, "MediaEncode": 1, **panes, **users}


async def _later(seconds: float, action: Callable[[], Awaitable[None] | None]) -> None:
    await asyncio.sleep(seconds)
    if waiting := action():
        await waiting
