"""How much goes on one machine at once: many relays and mixes together, or one large mix, and what any of them lost.

Real server, gateway and workers, nginx-rtmp as the CDN, publishers that send ready-made clips untouched (they stand for
people elsewhere; their CPU is told apart). As `engine.md` and the goals have it: 20 relays of 1280x720 at 30 fps and 10
mixes of two such publishers into 640x360 at 15 fps; `--panes` is one mix of 16 into 1920x1080 at 30 fps instead. Counts
are of the measured time: ticks missed, repeated or late, frames dropped anywhere, pictures a second of every task.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import psutil
from tests.rig.nginx_rtmp import nginx_rtmp
from tests.rig.processes import Rig, rig

from bench.clips import camera

ROOMS = 4
"""Channels of two publishers each, shared by all tasks: one track has many readers, as it has in life."""
CLIP_S = 10
KINDS = ("server", "gateway", "worker", "publisher")
COUNTED = ("missed_ticks", "repeated", "late_ticks", "ticks", "frames")


@dataclass(frozen=True)
class Load:
    """What is started."""

    relays: int
    mixes: int
    panes: int = 0


def clip(directory: Path, size: tuple[int, int], fps: int, kbps: int) -> Path:
    """Camera-like H.264 in a file."""
    path = directory / f"{size[1]}.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_mux_stream("h264", rate=fps, width=size[0], height=size[1])
        for frame in camera("h264", *size, fps, kbps, CLIP_S, 1):
            packet = av.Packet(frame.data)
            packet.pts = packet.dts = frame.rtp_time
            packet.duration = 90_000 // fps
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 90_000), stream, frame.key
            out.mux(packet)
    return path


async def people(house: Rig, path: Path, rooms: Mapping[str, int]) -> None:
    """So many in each room."""
    programs = []
    for room, count in rooms.items():
        for number in range(count):
            words = ["--channel", room, "--user", f"{room}u{number:02}", "--input", str(path)]
            given = ["publish", "--config", str(house.config), *words]
            programs.append(await house.start(*given, log=f"publisher-{room}-{number}.log"))
    async with asyncio.timeout(180):
        while not all("state=publishing" in program.text for program in programs):
            await asyncio.sleep(0.2)


async def begin(house: Rig, load: Load, urls: list[str]) -> list[str]:
    """Start the tasks; their names."""
    names = []
    for number in range(load.relays):
        room = f"r{number % ROOMS}"
        name = f"relay{number}"
        usual = {"ChannelId": room, "TaskId": name, "MixMode": 0, "StreamURL": urls[len(names)]}
        await house.call("StartMPUTask", **usual, **{"SubSpecUsers.1": f"{room}u00"})
        names.append(name)
    for number in range(load.mixes):
        name = f"mix{number}"
        await house.start_task(
            name, urls[len(names)], channel=f"r{number % ROOMS}", MediaEncode=1, **{"LayoutIds.1": 2}
        )
        names.append(name)
    if load.panes:
        name, wide = f"panes{load.panes}", {"LayoutIds.1": 9016, "MediaEncode": 30}
        await house.start_task(name, urls[len(names)], channel="hall", **wide)
        names.append(name)
    return names


def usage(house: Rig) -> dict[str, float]:
    """CPU seconds so far by kind of process."""
    found = dict.fromkeys(KINDS, 0.0)
    for pid, title in house.processes().items():
        kind = next((kind for kind in KINDS if kind in title), None)
        if kind:
            times = psutil.Process(pid).cpu_times()
            found[kind] += times.user + times.system
    return found


async def counts(house: Rig, names: list[str]) -> dict[str, dict[str, float]]:
    """Of every task: ticks, and what was dropped on its way in or out."""
    found = {}
    for name in names:
        told = await house.task(name)
        figures = told["figures"]
        row = {key: float(figures.get(key) or 0) for key in COUNTED}
        row["dropped"] = float(sum(target.get("dropped", 0) for target in told.get("targets", [])))
        row["dropped"] += sum(float(value) for key, value in figures.items() if key.endswith("dropped"))
        found[name] = row
    return found


async def measure(load: Load, settle: float, length: float) -> dict[str, Any]:
    """One load."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for name in ("cdn", "house"):
            (place / name).mkdir()
        async with nginx_rtmp(place / "cdn") as cdn, rig(place / "house") as house:
            if load.relays or load.mixes:
                path = await asyncio.to_thread(clip, place, (1280, 720), 30, 1500)
                await people(house, path, {f"r{number}": 2 for number in range(ROOMS)})
            if load.panes:
                path = await asyncio.to_thread(clip, place, (640, 360), 15, 500)
                await people(house, path, {"hall": load.panes})
            names = await begin(house, load, [cdn.url(f"t{number}") for number in range(64)])
            await asyncio.sleep(settle)
            before, used, began = await counts(house, names), usage(house), time.monotonic()
            await asyncio.sleep(length)
            after, spent, took = await counts(house, names), usage(house), time.monotonic() - began
    tasks = {name: {key: after[name][key] - before[name][key] for key in after[name]} for name in names}
    cpu = {kind: (spent[kind] - used[kind]) / took for kind in KINDS}
    return {"seconds": took, "cpu": cpu, "tasks": tasks, "load_average": psutil.getloadavg()[0]}


def show(title: str, found: dict[str, Any]) -> None:
    """As lines."""
    cpu = ", ".join(f"{kind} {value:.3f}" for kind, value in found["cpu"].items())
    ours = sum(found["cpu"][kind] for kind in ("server", "gateway", "worker"))
    print(f"{title}: {ours:.3f} CPU-s/s ({cpu}); load average {found['load_average']:.1f}")
    for kind in ("relay", "mix", "panes"):
        rows = [row for name, row in found["tasks"].items() if name.startswith(kind)]
        if rows:
            sums = {key: sum(row[key] for row in rows) for key in rows[0]}
            rates = sorted(row["frames"] / found["seconds"] for row in rows)
            lost = ", ".join(f"{sums[key]:.0f} {key}" for key in ("missed_ticks", "repeated", "late_ticks", "dropped"))
            print(f"    {len(rows)} x {kind}: {rates[0]:.2f} to {rates[-1]:.2f} pictures a second, {lost}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relays", type=int, default=20)
    parser.add_argument("--mixes", type=int, default=10)
    parser.add_argument("--panes", type=int, default=16, help="of the large mix, measured alone afterwards; 0: not")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--settle", type=float, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    for title, load in {
        f"{options.relays} relays and {options.mixes} mixes": Load(options.relays, options.mixes),
        f"{options.panes} panes at 1080p30": Load(0, 0, options.panes),
    }.items():
        if load.relays or load.mixes or load.panes:
            found[title] = asyncio.run(measure(load, options.settle, options.seconds))
            show(title, found[title])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
