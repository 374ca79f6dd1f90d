"""From the moment somebody begins to join to their first picture at the RTMP receiver, by the wall clock.

A real server and a mix that pushes a layout of one or two; a publisher of 1280x720 H.264 with sound enters and leaves
again and again. Told apart: until the WebRTC connection stands, and from then on until the picture is there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.odd_publisher import OddPublisher
from tests.rig.processes import Rig, rig
from tests.rig.rtp_faults import Fault

from bench.system import FPS, Arrivals, enter
from openmpu.clients import reading
from openmpu.clients.marks import tag_of
from openmpu.clients.picture import Look
from openmpu.clients.receive import Receiver
from openmpu.clients.sound import Voice
from openmpu.clients.test_source import PictureFeed, SoundFeed
from openmpu.model.colours import Colour

GUEST = "guest"
SIZE, KBPS, TONE = (1280, 720), 1500, 1100
STAY_S = 1.5


async def users(house: Rig, count: int) -> None:
    """Wait until the task has so many."""
    while (await house.task("join"))["figures"].get("users") != count:
        await asyncio.sleep(0.05)


async def join(house: Rig) -> tuple[int, int]:
    """Enter, stay, leave: when that began and when the connection stood, nanoseconds of Unix time."""
    look = Look(*SIZE, FPS, Colour(200, 60, 40), GUEST, tag_of(GUEST))
    feeds = [PictureFeed(look, "h264", KBPS), SoundFeed(Voice(TONE))]
    publisher = OddPublisher(house.url, GUEST, feeds, Fault())
    began = time.time_ns()
    async with publisher:
        connected = publisher.connected_at
        await users(house, 2)
        await asyncio.sleep(STAY_S)
    await users(house, 1)
    return began, connected


async def measure(rounds: int) -> dict[str, Any]:
    """Milliseconds of each join."""
    with tempfile.TemporaryDirectory() as name:
        async with rig(Path(name)) as house:
            await enter(house, 1)
            arrivals, saved = Arrivals(), Path(name) / "join.flv"
            receiver = Receiver("rtmp://127.0.0.1:0/live/join", saved, on_tag=arrivals.take)
            await receiver.start()
            await house.start_task("join", receiver.url, **{"LayoutIds.1": 1, "LayoutIds.2": 2})
            await asyncio.wait_for(arrivals.key.wait(), 20)
            await users(house, 1)
            moments = [await join(house) for _ in range(rounds)]
            await house.call("StopMPUTask", TaskId="join")
            await receiver.stop()
        seen = await asyncio.to_thread(sights, saved, arrivals)
    return told(moments, seen)


def sights(saved: Path, arrivals: Arrivals) -> list[tuple[int, int]]:
    """Of each picture with the guest in it: when the guest's was made, and when it came in."""
    pane = contained(layout_panes(2, *SIZE)[1], *SIZE)
    found = []
    for sight in Recording(saved).watch({GUEST: pane})[GUEST]:
        arrived = arrivals.pictures.get(sight.pts // 1_000_000)
        if arrived and sight.mark and sight.mark.tag == tag_of(GUEST):
            found.append((reading.captured(sight.mark, FPS, arrived), arrived))
    return sorted(found)


def told(moments: Sequence[tuple[int, int]], seen: Sequence[tuple[int, int]]) -> dict[str, list[float]]:
    """Milliseconds: from the first word to the picture, and from the connection to it."""
    shown = [next(arrived for made, arrived in seen if made > began) for began, _ in moments]
    whole = [(at - began) / 1e6 for at, (began, _) in zip(shown, moments, strict=True)]
    after = [(at - connected) / 1e6 for at, (_, connected) in zip(shown, moments, strict=True)]
    return {"join to screen": sorted(whole), "connected to screen": sorted(after)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds))
    table = Table("ms", "median", "p95", "most", "n")
    for name, values in found.items():
        most = values[int(len(values) * 0.95) if len(values) > 1 else 0]
        table.add_row(
            name, *(f"{value:.0f}" for value in (statistics.median(values), most, values[-1])), f"{len(values)}"
        )
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
