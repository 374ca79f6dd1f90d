"""What the scenarios have in common: people, waiting, and what one expects to see and hear of a person."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openmpu.clients.receive import Receiver
from openmpu.clients.rtmp_figures import Figures
from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from tests.rig.analysis import Recording, border_of, contained, flash_to_beep_ms
from tests.rig.pictures import Picture, distance, pane_edges
from tests.rig.processes import Program, Rig

LONG = bool(os.environ.get("OPENMPU_LONG"))
"""By hand: what depends on time runs for its whole minute, not only for some seconds (docs/figures.md)."""
COLOUR_LEVELS = 3
"""Issue: colours within 3 levels. Measured 1 to 2 after two encodes; a wrong matrix is off by 10 and more."""
LIPS_MS = 60
"""layouts.md 7 asks for 80; one output frame is 40."""


@dataclass(frozen=True, slots=True)
class Person:
    """A publisher of the test picture."""

    name: str
    colour: Colour
    tone_hz: int
    video: str = "h264"
    width: int = 640
    height: int = 360
    fps: int = 30

    def options(self, **more: object) -> dict[str, object]:
        """For `Rig.publisher`."""
        colour = f"#{self.colour.red:02x}{self.colour.green:02x}{self.colour.blue:02x}"
        size = f"{self.width}x{self.height}"
        return {"video": self.video, "size": size, "fps": self.fps, "colour": colour, "tone": self.tone_hz, **more}

    def place(self, pane: PixelRect) -> PixelRect:
        """Where their picture lies in a pane that shows it whole."""
        return contained(pane, self.width, self.height)


ALICE = Person("alice", Colour(40, 90, 200), 600, width=1280, height=720)
BOB = Person("bob", Colour(200, 60, 40), 900, "vp8")
CAROL = Person("carol", Colour(30, 150, 60), 1300)


async def until(condition: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """Wait for a condition (plain or a coroutine function); its value."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.05)


async def enter(house: Rig, person: Person, **options: object) -> Program:
    """Start a publisher and wait until it publishes."""
    program = await house.publisher(person.name, **person.options(**options))
    await until(lambda: "state=publishing" in program.text, f"{person.name} publishes: {program.text[-300:]}")
    return program


@contextlib.asynccontextmanager
async def receiving(save: Path | None = None, url: str = "rtmp://127.0.0.1:0/live/x") -> AsyncIterator[Receiver]:
    """Our own receiver as the CDN."""
    receiver = Receiver(url, save)
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()


async def received(receiver: Receiver, seconds: float, fps: int = 25) -> Figures:
    """Wait until so much more picture has come in."""
    wanted = receiver.figures().video_frames + round(seconds * fps)
    await until(lambda: receiver.figures().video_frames >= wanted, f"{seconds} s of picture", seconds * 2 + 20)
    return receiver.figures()


async def shows(house: Rig, task_id: str, *, users: int, layout: int) -> None:
    """Wait until the task says so."""

    async def told() -> bool:
        figures = (await house.task(task_id))["figures"]
        return (figures.get("users"), figures.get("layout_id")) == (users, layout)

    await until(told, f"{users} users in layout {layout}")


def is_there(picture: Picture, person: Person, pane: PixelRect) -> bool:
    """Whether the border of the person's picture has their colour."""
    return distance(picture.colour(border_of(person.place(pane))), person.colour) <= COLOUR_LEVELS


def assert_there(picture: Picture, person: Person, pane: PixelRect) -> None:
    """The same, with what was seen instead."""
    seen = picture.colour(border_of(person.place(pane)))
    assert distance(seen, person.colour) <= COLOUR_LEVELS, f"{person.name} in {pane}: {seen} is not {person.colour}"


def assert_edges(picture: Picture, person: Person, pane: PixelRect) -> None:
    """The person's picture ends where it should, within 2 pixels; the edges of the canvas itself cannot be seen."""
    place = person.place(pane)
    for side, edge in pane_edges(picture, place).items():
        wanted = getattr(place, side)
        assert edge is None or abs(edge - wanted) <= 2, f"{person.name}: {side} at {edge}, not {wanted}"


def assert_lips(recording: Recording, person: Person, pane: PixelRect, start_s: float, end_s: float) -> None:
    """Every flash of the person in the span has a beep within `LIPS_MS`."""
    flashes = recording.flashes(person.place(pane), start_s, end_s)
    offsets = flash_to_beep_ms(flashes, recording.beeps(person.tone_hz, start_s - 1, end_s + 1))
    assert len(offsets) >= (end_s - start_s) * 0.7, f"{person.name}: {len(offsets)} beeps for {len(flashes)} flashes"
    assert max(abs(offset) for offset in offsets) <= LIPS_MS, f"{person.name}: {offsets}"
