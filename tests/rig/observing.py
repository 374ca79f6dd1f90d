"""What is written down during a soak: every picture's arrival, sound against picture, memory and descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Self

import av
import psutil

from openmpu.clients import reading
from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.glimpses import Watched
from openmpu.clients.receive import Receiver
from openmpu.clients.watching import Watcher
from openmpu.model.layouts import Layout
from openmpu.timing.ticks import MILLISECOND
from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import Tag
from tests.rig.processes import Rig
from tests.rig.score import SECOND, Arrival, Life, Sample, life

APART_MS = 80.0
FRESH = SECOND
"""Nanoseconds: a stream is well when its pictures come with at most so much more delay than at best."""
SAMPLE_S = 2.0
LEAST_LIFE_S = 15.0
_MOVING = 0.7
"""Share of pictures that must differ, for lips to be judged: a frozen picture has none."""
_HOLE = SECOND // 10
"""Nanoseconds: blocks that come in while the others are looked at are none."""
_WHOLE = SECOND // 2
"""Nanoseconds: they must have been there since that long after the begin of the window."""


class LiveWatcher(Watcher):
    """Judges lips only of people who are there all the time, and move; and not over a hole in the sound."""

    def _offset(
        self, name: str, sights: Sequence[reading.Sight], samples: reading.Samples, start: int, now: int
    ) -> int | None:
        seen = [sight for sight in sights if sight.mark and sight.pts >= start]
        marks = {sight.mark.number for sight in seen if sight.mark}
        if not seen or seen[0].pts > start + _WHOLE or len(marks) < _MOVING * len(seen) or self._has_hole(samples):
            return None
        return super()._offset(name, sights, samples, start, now)

    def _hear(self, block: av.AudioFrame) -> None:
        """As before; when times begin anew (another worker), what was heard and seen under the old ones is dropped."""
        with self._lock:
            if self._blocks and (block.pts or 0) * MILLISECOND < self._blocks[-1][0]:
                self._blocks.clear()
                for sights in self._sights.values():
                    sights.clear()
        super()._hear(block)

    def _has_hole(self, samples: reading.Samples) -> bool:
        """Whether the sound that is kept lasts shorter than its times say: a connection was lost in between."""
        with self._lock:
            span = self._blocks[-1][0] - self._blocks[0][0] if self._blocks else 0
        return span - len(samples) * SECOND // SAMPLE_RATE > _HOLE


class Station:
    """One receiver and what came in there. A context."""

    def __init__(self, people: Mapping[str, Watched], layouts: Sequence[Layout]) -> None:
        self.receiver = Receiver("rtmp://127.0.0.1:0/live/x", on_tag=self._take)
        self.arrivals: list[Arrival] = []
        self.offsets_ms: list[tuple[float, str, float]] = []
        """(seconds since the watch began, user, offset)."""
        self._watcher = LiveWatcher(people, layouts)
        self._best: int | None = None

    async def __aenter__(self) -> Self:
        await self.receiver.start()
        self._watcher.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.receiver.stop()
        await asyncio.to_thread(self._watcher.stop)

    @property
    def left_out(self) -> int:
        """Pictures that were not looked at, because looking did not keep up."""
        return self._watcher.left_out

    def fresh_since(self, moment: int) -> bool:
        """Whether a picture came after `moment` (monotonic nanoseconds) without more delay than usual."""
        latest = self.arrivals[-1] if self.arrivals else None
        return latest is not None and latest.at > moment and latest.at - latest.pts <= (self._best or 0) + FRESH

    async def watch(self) -> None:
        """Judge lips once a second, until cancelled."""
        began = time.monotonic()
        while True:
            await asyncio.sleep(1)
            glimpse = await asyncio.to_thread(self._watcher.glimpse, time.time_ns())
            at = round(time.monotonic() - began, 1)
            self.offsets_ms += [(at, user, offset) for user, offset in glimpse.av_offset_ms.items()]

    @property
    def apart(self) -> list[str]:
        """Where sound and picture were far apart: when, who, milliseconds."""
        return [f"{at} s {user} {offset:+.0f} ms" for at, user, offset in self.offsets_ms if abs(offset) > APART_MS]

    def _take(self, tag: Tag, now: int) -> None:
        self._watcher.take(tag)
        if about(tag).role in (Role.KEY_FRAME, Role.FRAME):
            arrival = Arrival(now, tag.timestamp * 1_000_000)
            if self.arrivals and arrival.pts < self.arrivals[-1].pts:
                self._best = None  # times begin anew: another worker makes the stream now
            self.arrivals.append(arrival)
            delay = arrival.at - arrival.pts
            self._best = delay if self._best is None else min(self._best, delay)


class Census:
    """Memory and descriptors of every process of a rig, time after time."""

    def __init__(self, house: Rig) -> None:
        self._house = house
        self._samples: defaultdict[int, list[Sample]] = defaultdict(list)
        self._titles: dict[int, str] = {}

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            await asyncio.to_thread(self._look, time.monotonic())
            await asyncio.sleep(SAMPLE_S)

    def lives(self) -> dict[str, Life]:
        """Of each process that lived long enough, by title and process id."""
        long = {pid: samples for pid, samples in self._samples.items() if len(samples) > 2}
        lives = {f"{self._titles[pid]} [{pid}]": life(samples) for pid, samples in long.items()}
        return {name: one for name, one in lives.items() if one.seconds >= LEAST_LIFE_S}

    def samples(self) -> dict[str, list[tuple[float, float, int]]]:
        """All of it, for whoever wants to draw it: seconds, megabytes, descriptors."""
        return {
            f"{self._titles[pid]} [{pid}]": [(round(s.at_s, 1), round(s.rss_mb, 2), s.fds) for s in samples]
            for pid, samples in self._samples.items()
        }

    def _look(self, now: float) -> None:
        for pid, title in self._house.processes().items():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                rss = process.memory_info().rss / (1 << 20)
                self._samples[pid].append(Sample(now, rss, process.num_fds()))
                self._titles[pid] = _short(title)


def _short(title: str) -> str:
    """`openmpu: worker a/b` as it is; a command by its name and user: paths say nothing."""
    if title.startswith("openmpu: "):
        return title.removeprefix("openmpu: ").strip()
    words = title.split()
    user = words[words.index("--user") + 1] if "--user" in words[:-1] else ""
    return f"publish {user}" if "publish" in words else " ".join(words)[-40:]
