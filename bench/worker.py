"""A job in the worker's own pipeline, as fast as it can or paced by the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bench.dressing import Walls
from bench.jobs import Inputs, Job, arrivals, people_of, scene_of, spec_of
from openmpu.media.clock import MonotonicClock
from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.pipeline import MixPipeline
from openmpu.model.roster import Kind
from openmpu.timing.ticks import SECOND


@dataclass
class Counting:
    """Takes the packets; keeps those of the picture."""

    pictures: list[bytes] = field(default_factory=list)
    keep: bool = False
    bytes: int = 0

    def put(self, packet: Packet) -> None:
        """Count it."""
        self.bytes += len(packet.data)
        if self.keep and packet.kind is Kind.VIDEO:
            self.pictures.append(packet.data)

    def change(self, stream: StreamFormat) -> None:
        """Nothing to do."""


class Mix:
    """The job at work."""

    def __init__(
        self, job: Job, inputs: Inputs, codec: str, *, sound: bool = True, sink: Counting | None = None
    ) -> None:
        self.sink, self._sound = sink or Counting(), sound
        people = people_of(job, codec, sound=sound)
        self.tracks = {track.track_id: TrackInput(track, SyncGroup()) for user in people for track in user.tracks}
        overlays = Overlays(Walls(), Fonts()) if job.overlays else None
        self.pipeline = MixPipeline(self.tracks, Interleaver(self.sink), lambda _: None, overlays)
        self.scene = scene_of(job, people)
        if overlays is not None:
            overlays.prepare(self.scene, 0)
        self.pipeline.set_scene(self.scene, spec_of(job))
        self._coming, self._next = arrivals(inputs, sound=sound), 0
        self._pictures_due = self._sound_due = 0

    def run(self, until: int, each: Callable[[], None] | None = None) -> None:
        """Let time pass as fast as it can; `each` is called before every picture."""
        while (now := min(self._pictures_due, self._sound_due)) < until:
            self._feed(now)
            if now == self._pictures_due:
                if each is not None:
                    each()
                self._pictures_due = max(now + 1, self.pipeline.pictures.step(now, 0))
            if now == self._sound_due:
                self._sound_due = max(now + 1, self.pipeline.sound.step(now)) if self._sound else 1 << 62

    def _feed(self, now: int) -> None:
        while self._next < len(self._coming) and self._coming[self._next][0] <= now:
            arrival, track_id, frame = self._coming[self._next]
            self._next += 1
            self.tracks[track_id].put(frame, arrival)

    def painted(self, since: int, until: int) -> list[np.ndarray]:
        """The pictures that are encoded in that time."""
        self.run(since)
        wanted = []
        self.run(until, lambda: wanted.append(self.pipeline.pictures.snapshot()))
        return [future.result()[0] for future in wanted]

    def paced(self, warm_s: float, seconds: float) -> dict[str, float]:
        """In its own threads by the clock: CPU per second without that of feeding, late and missed ticks a second."""
        clock = MonotonicClock()
        epoch, feeding = clock.now(), threading.Event()
        feeder = threading.Thread(target=self.feed_paced, args=(clock, epoch, feeding), daemon=True)
        self.pipeline.start(clock, epoch, lambda _: None)
        feeder.start()
        time.sleep(warm_s)
        fed = time.pthread_getcpuclockid(feeder.ident or 0)
        before, begun = self.pipeline.figures(0), (time.process_time(), time.clock_gettime(fed), time.monotonic())
        time.sleep(seconds)
        after = self.pipeline.figures(0)
        took = time.monotonic() - begun[2]
        spent = time.process_time() - begun[0] - (time.clock_gettime(fed) - begun[1])
        feeding.set()
        feeder.join()
        self.pipeline.stop()
        told = ("ticks", "late_ticks", "repeated", "missed_ticks")
        return {"cpu": spent / took} | {name: float(after[name] or 0) - float(before[name] or 0) for name in told}

    def feed_paced(self, clock: MonotonicClock, epoch: int, over: threading.Event) -> None:
        """Put frames in as they come by the clock."""
        while not over.is_set() and self._next < len(self._coming):
            self._feed(clock.now() - epoch)
            over.wait(0.004)


def seconds(count: float) -> int:
    """Nanoseconds."""
    return round(count * SECOND)
