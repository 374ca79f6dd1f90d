"""The whole system on this machine: how soon, how late, how much. Real server, real publishers, a receiver in between.

Start: from the answer to StartMPUTask to the first key frame at the receiver. Delay: from the moment a picture is made in
the publisher to its arrival at the receiver, encoded. CPU: seconds per second of each process during a mix of four
1280x720 publishers into 1280x720 at 25 fps. Memory: private to each process (USS) and resident (RSS).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.processes import Rig, rig

from openmpu.clients import reading
from openmpu.clients.receive import Receiver
from openmpu.wire.rtmp.messages import Tag, TagKind

NAMES = ("alice", "bob", "carol", "dave")
TONES = (600, 900, 1300, 1700)
FPS = 30


class Arrivals:
    """When each picture came in: nanoseconds of Unix time by FLV time stamp."""

    def __init__(self) -> None:
        self.pictures: dict[int, int] = {}
        self.key = asyncio.Event()

    def take(self, tag: Tag, _now: int) -> None:
        """A tag from the receiver."""
        if tag.kind is TagKind.VIDEO and len(tag.payload) > 5 and tag.payload[1] == 1:
            self.pictures.setdefault(tag.timestamp, time.time_ns())
            if tag.payload[0] >> 4 == 1:
                self.key.set()


async def enter(house: Rig, count: int) -> None:
    """Publishers of 1280x720, H.264, each with a tone of its own."""
    programs = [
        await house.publisher(name, size="1280x720", tone=tone)
        for name, tone in zip(NAMES[:count], TONES, strict=False)
    ]
    while not all("state=publishing" in program.text for program in programs):
        await asyncio.sleep(0.1)


async def starts(house: Rig, rounds: int) -> list[float]:
    """Milliseconds from the API's answer to the first key frame, `rounds` tasks one after the other."""
    found = []
    for number in range(rounds):
        arrivals = Arrivals()
        receiver = Receiver(f"rtmp://127.0.0.1:0/live/start{number}", on_tag=arrivals.take)
        await receiver.start()
        await house.start_task(f"start{number}", receiver.url)
        answered = time.monotonic()
        await asyncio.wait_for(arrivals.key.wait(), 20)
        found.append((time.monotonic() - answered) * 1000)
        await house.call("StopMPUTask", TaskId=f"start{number}")
        await receiver.stop()
        while house.pids("worker"):
            await asyncio.sleep(0.1)
    return found


def _usage(house: Rig) -> dict[str, tuple[float, float, float]]:
    """CPU seconds, USS and RSS in MB by title."""
    found = {}
    for pid, title in house.processes().items():
        name = title.split(" rigapp")[0].strip()
        if name.startswith("openmpu: ") and "publisher" not in name:
            process = psutil.Process(pid)
            times, memory = process.cpu_times(), process.memory_full_info()
            found[name] = (times.user + times.system, memory.uss / 1e6, memory.rss / 1e6)
    return found


async def mix(house: Rig, seconds: float, directory: Path) -> dict[str, Any]:
    """One mix of four: delay, A/V offset, CPU and memory."""
    arrivals, saved = Arrivals(), directory / "mix.flv"
    receiver = Receiver("rtmp://127.0.0.1:0/live/mix", saved, on_tag=arrivals.take)
    await receiver.start()
    await house.start_task("mix", receiver.url)
    await asyncio.wait_for(arrivals.key.wait(), 20)
    await asyncio.sleep(3)
    before, began = _usage(house), time.monotonic()
    await asyncio.sleep(seconds)
    after, took = _usage(house), time.monotonic() - began
    figures = (await house.task("mix"))["figures"]
    await house.call("StopMPUTask", TaskId="mix")
    await receiver.stop()
    cpu = {name: round((after[name][0] - before[name][0]) / took, 4) for name in after}
    memory = {name: (round(after[name][1], 1), round(after[name][2], 1)) for name in after}
    return {"cpu": cpu, "memory_mb": memory, "figures": figures, **await asyncio.to_thread(_look, saved, arrivals)}


def _look(saved: Path, arrivals: Arrivals) -> dict[str, Any]:
    """Delay and A/V offset of each publisher, as received."""
    recording = Recording(saved)
    panes = {name: contained(layout_panes(6, 1280, 720)[place], 1280, 720) for place, name in enumerate(NAMES)}
    sights = recording.watch(panes, 4.0)
    delays, offsets = [], []
    for place, name in enumerate(NAMES):
        for sight in sights[name]:
            arrived = arrivals.pictures.get(sight.pts // 1_000_000)
            if sight.mark and arrived:
                delays.append((arrived - reading.captured(sight.mark, FPS, arrived)) / 1e6)
        offset = reading.av_offset(sights[name], recording.beeps(TONES[place], 4.0), FPS, time.time_ns())
        offsets.append(None if offset is None else round(offset / 1e6, 1))
    return {"delay_ms": delays, "av_offset_ms": offsets, "perfect_cadence": recording.cadence(25).perfect}


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as name:
        async with rig(Path(name)) as house:
            await enter(house, 1)
            begun = await starts(house, rounds)
            await enter(house, 4)
            found = await mix(house, seconds, Path(name))
    delays = sorted(found.pop("delay_ms"))
    return {
        "start_ms": _spread(sorted(begun)),
        "delay_ms": _spread(delays),
        **found,
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 1),
        "p95": round(values[int(len(values) * 0.95)], 1),
        "least": round(values[0], 1),
        "most": round(values[-1], 1),
        "count": len(values),
    }


def show(found: dict[str, Any]) -> None:
    """As a table."""
    table = Table("what", "figure")
    for name in ("start_ms", "delay_ms"):
        spread = found[name]
        table.add_row(
            name, f"median {spread['median']}, p95 {spread['p95']}, most {spread['most']} (n={spread['count']})"
        )
    table.add_row("A/V offset ms, each publisher", ", ".join(str(offset) for offset in found["av_offset_ms"]))
    table.add_row("every tick has its picture", str(found["perfect_cadence"]))
    for name, used in found["cpu"].items():
        private, resident = found["memory_mb"][name]
        table.add_row(name, f"{used:.3f} CPU s/s, {private:.0f} MB private, {resident:.0f} MB resident")
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="starts")
    parser.add_argument("--seconds", type=float, default=20, help="of the mix")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds, options.seconds))
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
