"""What a relay costs, and what further targets cost: CPU seconds per second of the worker, and its private memory.

A real server; one publisher of 1280x720 H.264 at 30 fps who speaks, in Opus. Beside one another, on the same publisher: a relay
of picture and sound, a relay of the picture alone, and a mix of him into 1280x720 at 25 fps. Then the mix has one and six
targets in turn, a few rounds, so that what else runs on the machine hits both alike.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tests.rig.processes import Rig, rig

from bench.clips import talking
from openmpu.clients.receive import Receiver

CHANNEL = "room"
MORE = 5
LIKE_20: dict[str, Any] = {
    "EncodeParams": {
        "VideoWidth": 1280, "VideoHeight": 720, "VideoFramerate": 25, "VideoGop": 50, "VideoBitrate": 1000,
        "AudioSampleRate": 48000, "AudioChannels": 2, "AudioBitrate": 128,
    },
    "Layout": {"UserPanes": [{"X": 0, "Y": 0, "Width": 1, "Height": 1, "ZOrder": 0}]},
}  # fmt: skip
"""MediaEncode 20 with one pane, as a Live-2 task: those can change their targets."""
SETTLE_S = 3.0


class Worker:
    """A task's process."""

    def __init__(self, house: Rig, task_id: str) -> None:
        (pid,) = house.pids(f"worker rigapp/{task_id}")
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """Seconds so far."""
        times = self._process.cpu_times()
        return times.user + times.system

    def memory(self) -> tuple[float, float]:
        """MB: private, resident."""
        memory = self._process.memory_full_info()
        return round(memory.uss / 1e6, 1), round(memory.rss / 1e6, 1)

    def loads(self, name: str) -> bool:
        """Whether a library of that name is mapped."""
        return any(name in mapped.path for mapped in self._process.memory_maps())


async def spent(workers: dict[str, Worker], seconds: float) -> dict[str, float]:
    """CPU seconds per second of each, over the same time."""
    before, began = {name: worker.cpu() for name, worker in workers.items()}, time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    return {name: round((worker.cpu() - before[name]) / took, 4) for name, worker in workers.items()}


async def receivers(stack: contextlib.AsyncExitStack, count: int) -> list[Receiver]:
    """Targets that listen."""
    made = [Receiver(f"rtmp://127.0.0.1:0/live/{number}") for number in range(count)]
    for receiver in made:
        await receiver.start()
        stack.push_async_callback(receiver.stop)
    return made


async def flowing(receiver: Receiver, frames: int = 30) -> None:
    """Wait until pictures, or sound, come in."""
    while max(receiver.figures().video_frames, receiver.figures().audio_frames) < frames:
        await asyncio.sleep(0.1)


async def ask(house: Rig, action: str, **named: object) -> None:
    """Call.

    Raises:
        RuntimeError: It is refused.
    """
    answer = await house.call(action, ChannelId=CHANNEL, **named)
    if answer.status != 200:
        raise RuntimeError(answer.text)


async def costs(house: Rig, seconds: float, rounds: int) -> dict[str, Any]:
    """Relays beside a mix."""
    tasks: dict[str, dict[str, object]] = {
        "relay": {"MixMode": 0},
        "relay of the picture": {"MixMode": 0, "StreamType": 2},
        "mix": {"MixMode": 1, "MediaEncode": 20, "LayoutIds.1": 1},
    }
    async with contextlib.AsyncExitStack() as stack:
        targets = await receivers(stack, len(tasks))
        for place, (more, receiver) in enumerate(zip(tasks.values(), targets, strict=True)):
            await ask(house, "StartMPUTask", TaskId=f"cost{place}", StreamURL=receiver.url, **more)
            await flowing(receiver)
        workers = {name: Worker(house, f"cost{place}") for place, name in enumerate(tasks)}
        await asyncio.sleep(SETTLE_S)
        used = [await spent(workers, seconds) for _ in range(rounds)]
        found = {
            name: {
                "cpu": [one[name] for one in used],
                "memory_mb": worker.memory(),
                "opencv": worker.loads("cv2"),
            }
            for name, worker in workers.items()
        }
        for place in range(len(tasks)):
            await house.call("StopMPUTask", TaskId=f"cost{place}")
    return found


async def targets(house: Rig, seconds: float, rounds: int) -> dict[str, list[float]]:
    """The same mix with one target and with six, in turn."""
    used: dict[str, list[float]] = {"one": [], "six": []}
    async with contextlib.AsyncExitStack() as stack:
        first, *others = await receivers(stack, 1 + MORE)
        await ask(house, "StartLiveMPUTask", TaskId="many", TranscodeParams=json.dumps(LIKE_20), **_to([first]))
        await flowing(first)
        worker = {"": Worker(house, "many")}
        for _ in range(rounds):
            for name, reached in (("one", [first]), ("six", [first, *others])):
                counts = {one: one.figures().video_frames for one in reached}
                await ask(house, "UpdateLiveMPUTask", TaskId="many", **_to(reached))
                for one, count in counts.items():
                    await flowing(one, count + 30)
                used[name].append((await spent(worker, seconds))[""])
        await house.call("StopMPUTask", TaskId="many")
    return used


def _to(reached: list[Receiver]) -> dict[str, str]:
    return {"MultiStreamURL": json.dumps([{"URL": one.url} for one in reached])}


async def measure(seconds: float, rounds: int) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as name:
        async with rig(Path(name)) as house:
            clip = talking(Path(name) / "talking.mkv", 1280, 720, 30, 1500, 10, seed=1)
            publisher = await house.publisher("alice", input=clip)
            while "state=publishing" not in publisher.text:
                await asyncio.sleep(0.1)
            found = await costs(house, seconds, rounds)
            return {"costs": found, "targets": await targets(house, seconds, rounds)}


def show(found: dict[str, Any]) -> None:
    """As a table."""
    table = Table("worker", "CPU seconds per second", "private MB", "resident MB", "OpenCV")
    for name, told in found["costs"].items():
        private, resident = told["memory_mb"]
        table.add_row(name, f"{statistics.median(told['cpu']):.3f}", f"{private}", f"{resident}", str(told["opencv"]))
    for name, cpu in found["targets"].items():
        table.add_row(f"mix to {name}", f"{statistics.median(cpu):.3f}", "", "", "")
    ratios = [six / one for one, six in zip(found["targets"]["one"], found["targets"]["six"], strict=True)]
    table.add_row("five targets more", f"+ {100 * (statistics.median(ratios) - 1):.1f} %", "", "", "")
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each figure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.seconds, options.rounds))
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
