"""How the cost of mixing grows: with people, with the size and the rate of the picture, and with the number of tasks.

One thing is varied at a time from 4 people with 640x360 cameras at 15 fps mixed into 1280x720 at 25 fps; tasks are
mixes of two of them into 640x360 at 15 fps, all in one process, each in turn for a fifth of a second. Everything through the worker's
own pipeline as fast as possible, with sound. CPU seconds per second of media, median of
rounds. Then a least-squares fit of what a task, a person and a million output pixels cost, and from it how many machines
thousands of channels take. `--svg` writes the charts.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import plot
from bench.jobs import JOBS, Job, inputs_of
from bench.mix import WARM_S, cpu
from bench.worker import Mix, seconds
from openmpu.model.encoder import VideoProfile

LAYOUT = {1: 1, 2: 2, 4: 6, 9: 11, 16: 9016}
BASE = replace(JOBS["J2"], people=4, layout=6)
SMALL = replace(BASE, people=2, layout=2, video=VideoProfile(640, 360, 15, 400, 30))
SIZES = ((640, 360), (960, 540), (1280, 720), (1920, 1080))
RATES = (10, 15, 25, 30)
TASKS = (1, 2, 5, 10, 20)
TURN_S = 0.2
GATEWAY = 0.010
"""CPU seconds per second and participant (docs/figures.md)."""
ROOM = 0.7
"""Of a machine that may be planned with: the rest is for joins, changes and a neighbour's bad moment."""


def sized(size: tuple[int, int]) -> Job:
    """The usual job on another canvas; the rate in bits follows."""
    kbps = max(200, round(1024 * size[0] * size[1] / (1280 * 720)))
    return replace(BASE, video=replace(BASE.video, width=size[0], height=size[1], bitrate_kbps=kbps))


def series() -> dict[str, dict[int, tuple[Job, int]]]:
    """What is measured: job and number of tasks by what is on the chart's axis."""
    return {
        "people": {n: (replace(BASE, people=n, layout=layout), 1) for n, layout in LAYOUT.items()},
        "canvas": {width * height // 1000: (sized((width, height)), 1) for width, height in SIZES},
        "fps": {n: (replace(BASE, video=replace(BASE.video, fps=n, gop=2 * n)), 1) for n in RATES},
        "tasks": {n: (SMALL, n) for n in TASKS},
    }


def cost(job: Job, tasks: int, length: float) -> float:
    """CPU seconds per second of all tasks together."""
    inputs = inputs_of(job, "h264", 4.0)
    mixes = [Mix(job, inputs, "h264") for _ in range(tasks)]
    step, total = seconds(TURN_S), 0.0
    for mix in mixes:
        mix.run(seconds(WARM_S))
    for now in range(seconds(WARM_S) + step, seconds(WARM_S + length) + 1, step):
        total += sum(cpu(mix.run, now) for mix in mixes)
    return total / length


def fit(points: list[tuple[Job, float]]) -> dict[str, float]:
    """What a task, a person, and a million painted and encoded pixels cost, by least squares."""
    rows, costs = [], []
    for job, value in points:
        width, height = job.video.width, job.video.height
        rows.append([1.0, job.people, width * height * job.video.fps / 1e6])
        costs.append(value)
    found = np.linalg.lstsq(np.array(rows), np.array(costs), rcond=None)[0]
    return dict(zip(("task", "person", "output megapixel"), (float(value) for value in found), strict=True))


def predicted(model: dict[str, float], people: int, video: VideoProfile) -> float:
    """CPU seconds per second of a mix and its people's share of a gateway."""
    pixels = video.width * video.height * video.fps / 1e6
    mixing = model["task"] + people * model["person"] + pixels * model["output megapixel"]
    return mixing + people * GATEWAY


def machines(model: dict[str, float], channels: int, cores: int, seed: int = 1) -> int:
    """Machines for so many channels of two to sixteen people, most of them small; each goes where there is room."""
    chance, free = random.Random(seed), list[float]()
    for _ in range(channels):
        people = chance.choices((2, 4, 9, 16), (60, 25, 10, 5))[0]
        need = predicted(model, people, BASE.video)
        place = next((n for n, left in enumerate(free) if left >= need), None)
        if place is None:
            free.append(cores * ROOM)
            place = len(free) - 1
        free[place] -= need
    return len(free)


def measure(length: float, rounds: int) -> dict[str, Any]:
    """All series, every point once a round."""
    wanted = series()
    values: dict[str, dict[int, list[float]]] = {name: {at: [] for at in points} for name, points in wanted.items()}
    for _ in range(rounds):
        for name, points in wanted.items():
            for at, (job, tasks) in points.items():
                values[name][at].append(cost(job, tasks, length))
    middle = {name: {at: statistics.median(all_) for at, all_ in points.items()} for name, points in values.items()}
    single = [(wanted[name][at][0], middle[name][at]) for name in ("people", "canvas", "fps") for at in wanted[name]]
    model = fit(single)
    plan = {str(n): {str(cores): machines(model, n, cores) for cores in (4, 16, 64)} for n in (100, 1000, 5000)}
    return {"cost": middle, "spread": values, "model": model, "machines": plan}


def charts(found: dict[str, Any]) -> list[plot.Chart]:
    """The four of them."""
    names = {
        "people": ("People in a mix", "people, 360p15 each, into 720p25"),
        "canvas": ("Size of the picture", "thousand pixels, 4 people, 25 fps"),
        "fps": ("Rate of the picture", "pictures a second, 4 people, 720p"),
        "tasks": ("Tasks at once", "mixes of two into 360p15"),
    }
    make = partial(plot.Chart, up="CPU seconds per second")
    return [make(title, across, lines={"": list(found["cost"][key].items())}) for key, (title, across) in names.items()]


def show(found: dict[str, Any]) -> None:
    """As lines."""
    for name, points in found["cost"].items():
        print(f"{name:8} " + "  ".join(f"{at}: {value:.3f}" for at, value in points.items()))
    print("fit      " + ", ".join(f"{name} {value:.4f}" for name, value in found["model"].items()))
    for channels, row in found["machines"].items():
        print(
            f"{channels:>5} channels: "
            + ", ".join(f"{count} machines of {cores} cores" for cores, count in row.items())
        )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--svg", type=Path, default=Path("build/growth.svg"))
    options = parser.parse_args()
    found = measure(options.seconds, options.rounds)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    plot.write(options.svg, charts(found))
    print(f"charts in {options.svg}")


if __name__ == "__main__":
    main()
