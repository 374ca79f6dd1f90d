"""What a mix does when it is given less CPU than it needs: a job paced by the clock, in a control group with a quota.

First free, then with a share of what it used, then free again. Told for each: pictures a second that were painted anew,
the longest time between two of them, pictures repeated and missed, whether `degraded` was told, holes in the sound. Needs
root and the kernel's CPU quota (control groups of either version).
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.jobs import JOBS, inputs_of, looped
from bench.worker import Counting, Mix
from openmpu.media.clock import MonotonicClock
from openmpu.media.packets import Packet
from openmpu.media.pipeline import MixPipeline
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND, SECOND

PERIOD_US = 20_000
CLIP_S = 4.0
NAME = "openmpu-bench"


@dataclass
class Watching(Counting):
    """Notes which pictures are new, and when the sound is."""

    pipeline: MixPipeline | None = None
    fresh: list[int] = field(default_factory=list)
    sound: list[int] = field(default_factory=list)
    repeated: int = 0

    def put(self, packet: Packet) -> None:
        """One of either."""
        if packet.kind is Kind.AUDIO:
            self.sound.append(packet.pts)
            return
        assert self.pipeline is not None
        repeated = self.pipeline.pictures.counts.repeated
        if repeated == self.repeated:
            self.fresh.append(packet.pts)
        self.repeated = repeated


class Quota:
    """This process's own control group."""

    def __init__(self) -> None:
        first = Path("/sys/fs/cgroup/cpu")
        self._old = first.is_dir()
        self._home = first if self._old else Path("/sys/fs/cgroup")
        self._group = self._home / NAME

    def limit(self, share: float | None) -> None:
        """So many cores; None: as many as there are."""
        quota = -1 if share is None else max(1000, round(share * PERIOD_US))
        if self._old:
            (self._group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self._group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self._group / "cpu.max").write_text(f"{'max' if quota < 0 else quota} {PERIOD_US}")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This process is in it."""
        self._group.mkdir(exist_ok=True)
        (self._group / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            self.limit(None)
            (self._home / "cgroup.procs").write_text(str(os.getpid()))
            self._group.rmdir()


def phase(mix: Mix, watching: Watching, length: float) -> dict[str, Any]:
    """What happens in so many seconds, the first of them left out: what just changed takes effect."""
    time.sleep(1)
    counts = mix.pipeline.pictures.counts
    first, heard, begun = len(watching.fresh), len(watching.sound), time.process_time()
    before, told = (counts.ticks, counts.repeated, counts.missed), []
    for _ in range(round(length / 0.1)):
        time.sleep(0.1)
        told.append(mix.pipeline.pictures.degraded)
    gaps = [later - earlier for earlier, later in pairwise(watching.fresh[first:])]
    steps = [later - earlier for earlier, later in pairwise(watching.sound[heard:])]
    ticks, repeated, missed = (
        now - then for now, then in zip((counts.ticks, counts.repeated, counts.missed), before, strict=True)
    )
    return {
        "cpu": (time.process_time() - begun) / length,
        "fresh_fps": len(gaps) / length,
        "longest_gap_ms": max(gaps, default=0) / MILLISECOND,
        "shortest_gap_ms": min(gaps, default=0) / MILLISECOND,
        "ticks": ticks,
        "repeated": repeated,
        "missed": missed,
        "degraded": sum(told) / len(told),
        "sound_seconds": len(steps) * 1024 / 48_000 / length,
        "sound_hole_ms": (max(steps, default=0) - 1024 * SECOND / 48_000) / MILLISECOND,
    }


def run(name: str, share: float, length: float) -> dict[str, Any]:
    """Free, short, free."""
    job = JOBS[name]
    watching = Watching()
    inputs = looped(inputs_of(job, "h264", CLIP_S), CLIP_S, round((3 * length + 8) / CLIP_S) + 1)
    mix = Mix(job, inputs, "h264", sink=watching)
    watching.pipeline = mix.pipeline
    clock, over, quota, found = MonotonicClock(), threading.Event(), Quota(), dict[str, Any]()
    epoch = clock.now()
    feeder = threading.Thread(target=mix.feed_paced, args=(clock, epoch, over), daemon=True)
    with quota.entered():
        mix.pipeline.start(clock, epoch, lambda _: None)
        feeder.start()
        found["free"] = phase(mix, watching, length)
        quota.limit(found["free"]["cpu"] * share)
        found["short"] = phase(mix, watching, length)
        quota.limit(None)
        found["free again"] = phase(mix, watching, length)
        over.set()
        feeder.join()
        mix.pipeline.stop()
    return found


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", default="J4", choices=list(JOBS))
    parser.add_argument("--share", type=float, default=0.6, help="of the CPU that it used when free")
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = run(options.job, options.share, options.seconds)
    for name, row in found.items():
        print(f"{name:11} " + ", ".join(f"{key} {value:.2f}" for key, value in row.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
