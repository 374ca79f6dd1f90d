"""Publishers that send no more than is shown, beside those that send everything: J1 and J2 through the whole system.

Real server, gateway and worker; `openmpu publish` with its test picture as publishers, once as it is and once with
`--full-size`. CPU seconds per second of worker and gateway, sound, link and pushing included, beside the naive floor:
the same pictures, full-size, each decoded once, and one encode with x264's `veryfast` (`engine.md`'s floor), measured
in this process right after. Then how long a publisher takes to be large again when its pane has become large.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from tests.rig.processes import APP, APP_KEY, Rig, rig

from bench.floor import Decoding, Encoding
from bench.jobs import JOBS, Inputs, Job
from bench.mix import WARM_S, cpu
from bench.worker import Mix, seconds
from openmpu.clients.looks import colour_of
from openmpu.clients.picture import Look
from openmpu.clients.publish_options import PublishOptions
from openmpu.clients.receive import Receiver
from openmpu.clients.session import Session, Stream
from openmpu.clients.test_source import PictureFeed
from openmpu.clients.whip import WhipClient
from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import SECOND
from openmpu.wire.tokens import make_one_string

LAYOUTS = {"J1": 6, "J2": 9016}
SETTLE_S = 6.0
FLOOR_S = 2.0


def sent(job: Job, user: str, length: float) -> tuple[EncodedFrame, ...]:
    """What the user's publisher sends full-size, from a whole second on."""
    feed = PictureFeed(Look(*job.size, job.fps, colour_of(user), user, 1), "h264", job.kbps)
    begin = 1_700_000_000 * SECOND
    pieces = [feed.next_piece(begin) for _ in range(round(length * job.fps))]
    return tuple(
        EncodedFrame(piece.ticks & 0xFFFFFFFF, piece.moment - begin, piece.data, piece.key) for piece in pieces
    )


def naive_floor(job: Job) -> float:
    """CPU seconds per second."""
    warm, until = seconds(WARM_S), seconds(WARM_S + FLOOR_S)
    job = replace(job, video=replace(job.video, preset="veryfast"))
    clips = [sent(job, f"u{number}", WARM_S + FLOOR_S + 1) for number in range(2)]
    inputs = Inputs([clips[number % 2] for number in range(job.people)], [])
    pictures = Mix(job, inputs, "h264", sound=False).painted(warm, until)
    decoding, encoding = Decoding(inputs, "h264"), Encoding(job, pictures, warm)
    decoding.run(warm)
    return (cpu(decoding.run, until) + cpu(encoding.run, until)) / FLOOR_S


async def crowd(house: Rig, job: Job, *, full: bool) -> list[Any]:
    """The job's publishers."""
    more = ["--full-size"] if full else []
    size = f"{job.size[0]}x{job.size[1]}"
    programs = []
    for number in range(job.people):
        words = ["--channel", "room", "--user", f"u{number:02}", "--size", size, "--fps", str(job.fps), *more]
        given = ["publish", "--config", str(house.config), *words, "--bitrate", str(job.kbps)]
        programs.append(await house.start(*given, log=f"publisher-{full}-{number}.log"))
    while not all("state=publishing" in program.text for program in programs):
        await asyncio.sleep(0.2)
    return programs


def spent(house: Rig, title: str) -> float:
    """CPU seconds so far."""
    times = [psutil.Process(pid).cpu_times() for pid in house.pids(title)]
    return sum(one.user + one.system for one in times)


async def through(house: Rig, name: str, length: float, *, full: bool) -> dict[str, float]:
    """One run."""
    job, receiver = JOBS[name], Receiver(f"rtmp://127.0.0.1:0/live/{name}{full}")
    programs = await crowd(house, job, full=full)
    await receiver.start()
    await house.start_task(f"{name}{full}", receiver.url, MediaEncode=20, **{"LayoutIds.1": LAYOUTS[name]})
    await asyncio.sleep(SETTLE_S)
    titles = ("worker", "gateway")
    before, began = [spent(house, f"openmpu: {title}") for title in titles], time.monotonic()
    await asyncio.sleep(length)
    took = time.monotonic() - began
    used = [(spent(house, f"openmpu: {title}") - then) / took for title, then in zip(titles, before, strict=True)]
    figures = (await house.task(f"{name}{full}"))["figures"]
    await house.call("StopMPUTask", TaskId=f"{name}{full}")
    await receiver.stop()
    for program in programs:
        await program.stop()
    told = ("missed_ticks", "repeated", "late_ticks", "ticks")
    return dict(zip(titles, used, strict=True)) | {key: figures[key] for key in told}


async def back_up(house: Rig, rounds: int) -> list[float]:
    """Milliseconds from the answer to a change of layout until the publisher sends full-size pictures."""
    feed = PictureFeed(Look(1280, 720, 30, colour_of("solo"), "solo", 1), "h264", 1500)
    stream, client = Stream(feed), WhipClient()
    session = Session([stream])
    token = make_one_string(APP, APP_KEY, "solo", "solo", int(time.time()) + 3600)
    options = PublishOptions(house.url, APP, "solo", "solo", token=token)
    receiver, found = Receiver("rtmp://127.0.0.1:0/live/solo"), []
    await receiver.start()
    await session.open(client, options.endpoint(token))
    holding = asyncio.create_task(session.hold())
    await house.start_task("solo", receiver.url, channel="solo", **{"LayoutIds.1": 6})
    for _ in range(rounds):
        await until(feed, (640, 360))
        await house.call("UpdateMPUTask", TaskId="solo", **{"LayoutIds.1": 1})
        answered = time.monotonic()
        await until(feed, (1280, 720))
        found.append((time.monotonic() - answered) * 1000)
        await house.call("UpdateMPUTask", TaskId="solo", **{"LayoutIds.1": 6})
    await house.call("StopMPUTask", TaskId="solo")
    holding.cancel()
    await session.close(client, token)
    await client.close()
    await receiver.stop()
    await asyncio.to_thread(stream.close)
    return found


async def until(feed: PictureFeed, size: tuple[int, int]) -> None:
    """It sends that size."""
    async with asyncio.timeout(20):
        while feed.size != size:
            await asyncio.sleep(0.005)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        async with rig(Path(directory)) as house:
            if options.rounds:
                found["back_up_ms"] = await back_up(house, options.rounds)
            for name in options.jobs:
                rows = found[name] = {}
                for full in (False, True):
                    rows["full" if full else "willing"] = await through(house, name, options.seconds, full=full)
                    rows.setdefault("floor", []).append(await asyncio.to_thread(naive_floor, JOBS[name]))
    return found


def show(found: dict[str, Any]) -> None:
    """As lines."""
    if times := found.get("back_up_ms"):
        print(f"full size again after {statistics.median(times):.0f} ms, most {max(times):.0f} ms (n={len(times)})")
    for name in LAYOUTS:
        if name not in found:
            continue
        floor = statistics.median(found[name]["floor"])
        print(f"{name}  naive floor {floor:.3f}")
        for who in ("willing", "full"):
            row = found[name][who]
            both = row["worker"] + row["gateway"]
            print(
                f"    {who:8} worker {row['worker']:.3f} = {row['worker'] / floor:.2f} x floor,"
                f" with gateway {both:.3f} = {both / floor:.2f} x; {row['missed_ticks']} missed of {row['ticks']}"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=5, help="changes of layout")
    parser.add_argument("--jobs", nargs="*", default=list(LAYOUTS), choices=list(LAYOUTS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = asyncio.run(measure(options))
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
