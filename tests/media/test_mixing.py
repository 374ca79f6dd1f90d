"""The production of a mix: scenes are drawn beside the running one, and only the newest is shown."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from openmpu.media.clock import MonotonicClock
from openmpu.media.inputs.switch import Switch
from openmpu.media.interleave import Interleaver
from openmpu.media.mixing import MixProduction
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.production import Stage
from openmpu.model.colours import Colour
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.ids import AppId
from openmpu.model.roster import Kind, Roster
from openmpu.timing.ticks import MILLISECOND, SECOND, Ticks
from tests.media.studio import spec_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
P360 = MEDIA_ENCODES[1].video


class Tape:
    """Keeps the packets."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []

    def put(self, packet: Packet) -> None:
        self.packets.append(packet)

    def change(self, stream: StreamFormat) -> None:
        pass

    @property
    def pictures(self) -> list[int]:
        return [packet.pts for packet in self.packets if packet.kind is Kind.VIDEO]


@asynccontextmanager
async def production(tape: Tape) -> AsyncIterator[MixProduction]:
    """One that runs."""
    clock = MonotonicClock()
    epoch, failures = clock.now(), list[Exception]()
    switch = Switch(AppId("a"), clock, epoch, lambda: None)
    stage = Stage(
        WorkerOptions("", "a", "t"), switch, Interleaver(tape), clock, epoch, failures.append, lambda *_: None
    )
    made = MixProduction(stage)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)
        await switch.stop()
    assert failures == []


def coloured(number: int):
    """A task whose background tells its number."""
    spec = spec_of((1,), video=P360)
    return replace(spec, mix=replace(spec.mix, background=Colour(number % 256, 40, 200 - number // 4)))


async def background(made: MixProduction) -> list[int]:
    """What is on screen."""
    return np.asarray(Image.open(io.BytesIO(await made.picture())))[100, 100].tolist()


async def on_screen(made: MixProduction, number: int) -> None:
    """Wait until the numbered scene shows."""
    wanted = coloured(number).mix.background
    async with asyncio.timeout(10):
        while await background(made) != pytest.approx([wanted.red, wanted.green, wanted.blue], abs=3):
            await asyncio.sleep(0.02)


async def test_a_scene_that_is_superseded_while_it_waits_is_dropped(monkeypatch) -> None:
    """Forty updates while one is drawn: that one and the last are shown, the others never drawn; no tick waits."""
    tape, gate, drawn = Tape(), threading.Event(), list[int]()
    async with production(tape) as made:
        made.apply(coloured(0), Roster.of())
        await on_screen(made, 0)

        def prepare(scene, _now: int) -> None:
            drawn.append(scene.background.red)
            gate.wait(10)

        monkeypatch.setattr(made._scenery.overlays, "prepare", prepare)
        made.apply(coloured(1), Roster.of())
        async with asyncio.timeout(5):
            while not drawn:
                await asyncio.sleep(0.01)
        for number in range(2, 42):
            made.apply(coloured(number), Roster.of())
        before = len(tape.pictures)
        async with asyncio.timeout(5):
            while len(tape.pictures) < before + 8:
                await asyncio.sleep(0.02)
        await on_screen(made, 0)
        gate.set()
        await on_screen(made, 41)
    assert drawn == [1, 41]


async def test_ten_updates_a_second_leave_the_last_one_on_screen_and_miss_no_tick() -> None:
    """Each with another background; the picture comes at every tick."""
    tape = Tape()
    async with production(tape) as made:
        for number in range(50):
            made.apply(coloured(number), Roster.of())
            await asyncio.sleep(0.1)
        await on_screen(made, 49)
        figures = made.figures(5 * SECOND)
    assert figures["missed_ticks"] == 0
    assert figures["paint_errors"] == 0
    ticks = Ticks(P360.fps, base=tape.pictures[0])
    assert tape.pictures == [ticks.pts(number) for number in range(len(tape.pictures))]
    assert all(later - earlier <= SECOND // P360.fps + MILLISECOND for earlier, later in pairwise(tape.pictures))
