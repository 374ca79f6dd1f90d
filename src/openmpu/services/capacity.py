"""Whether one more task fits on this machine: what runs is measured, what was just accepted is booked.

A start that would push the machine over its share is refused, so that those on air keep their frames
(troubles.md 36). Fixed costs per task would be wrong both ways: what a megapixel costs is learned from the workers
that run. Time is an argument; who reads the machine's figures is not known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from openmpu.errors import Busy
from openmpu.model.ids import TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.task import Mode, TaskSpec, TaskState
from openmpu.services.ports import TaskRecord

SECOND = 1_000_000_000
MIX_CORES_PER_MEGAPIXEL = 0.024
"""Where learning begins: per megapixel of output a second, four publishers (docs/figures.md: 0.54 core at 720p25)."""
SMALL_CORES = 0.03
"""A relay or a mix without picture, likewise."""
SETTLED_AFTER = 20 * SECOND
"""From then on a running worker counts with what it uses, not with what was expected."""
LEARNING = 0.1
"""Weight of a settled worker's latest second in what is expected of the next one."""
MEASURED_OVER = 5 * SECOND
WINDOW = 5
"""Samples of the machine, one a second; their median counts: a start is itself a peak."""


class Machine(Protocol):
    """The whole machine, whoever uses it."""

    @property
    def cores(self) -> float:
        """How many there are for us."""
        ...

    def busy_cores(self) -> float:
        """In use since the last time this was asked."""
        ...


@dataclass(slots=True)
class _Use:
    """One worker: CPU seconds so far and when that was read, since when it runs, cores in use at last."""

    lease: int
    cpu_seconds: float
    at: int
    since: int
    cores: float = 0.0


class Capacity:
    """Measured and booked load.

    Args:
        machine: Where it runs.
        share: The part of its cores (0 to 1) up to which new tasks are taken; 0: any number is.
    """

    def __init__(self, machine: Machine, share: float) -> None:
        self._machine, self._limit = machine, share * machine.cores
        self._busy: deque[float] = deque(maxlen=WINDOW)
        self._uses: dict[TaskKey, _Use] = {}
        self._per_megapixel, self._small = MIX_CORES_PER_MEGAPIXEL, SMALL_CORES

    def expected(self, spec: TaskSpec) -> float:
        """Cores that a task will use once people are there."""
        size = _megapixels(spec)
        return size * self._per_megapixel if size else self._small

    def check(self, spec: TaskSpec, unfinished: Sequence[TaskRecord], now: int) -> None:
        """Whether a new task may start. The first one always may: nobody is hurt.

        Args:
            spec: What it is to do.
            unfinished: All other tasks; those that use less than expected, because they have just begun or wait for
                people, are booked with what is expected.
            now: Nanoseconds of Unix time.

        Raises:
            Busy: It would hurt those that run.
        """
        if not self._limit or not unfinished:
            return
        busy = median(self._busy) if self._busy else 0.0
        load = busy + sum(self._booked(record, now) for record in unfinished) + self.expected(spec)
        if load > self._limit:
            raise Busy("machine", f"no room for another task: {load:.1f} of {self._limit:.1f} cores (limits.max_load)")

    def measure(
        self, unfinished: Sequence[TaskRecord], report: Callable[[TaskKey], WorkerReport | None], now: int
    ) -> None:
        """Read the machine and the workers' reports; to be called once a second."""
        self._busy.append(self._machine.busy_cores())
        for record in unfinished:
            told = report(record.spec.key)
            if told and isinstance(seconds := told.figures.get("cpu_seconds"), int | float):
                self._take(record, told.lease, seconds, now)
        self._uses = {record.spec.key: use for record in unfinished if (use := self._uses.get(record.spec.key))}

    def _take(self, record: TaskRecord, lease: int, seconds: float, now: int) -> None:
        use = self._uses.get(record.spec.key)
        if use is None or use.lease != lease:
            self._uses[record.spec.key] = _Use(lease, seconds, now, now)
        elif now - use.at >= MEASURED_OVER:
            use.cores = (seconds - use.cpu_seconds) * SECOND / (now - use.at)
            use.cpu_seconds, use.at = seconds, now
            if record.state is TaskState.RUNNING and now - use.since >= SETTLED_AFTER:
                self._learn(record.spec, use.cores)

    def _learn(self, spec: TaskSpec, cores: float) -> None:
        if size := _megapixels(spec):
            self._per_megapixel += LEARNING * (cores / size - self._per_megapixel)
        else:
            self._small += LEARNING * (cores - self._small)

    def _booked(self, record: TaskRecord, now: int) -> float:
        """What a task is expected to use beyond what the machine's own figure shows of it by now."""
        use = self._uses.get(record.spec.key)
        if use and record.state is TaskState.RUNNING and now - use.since >= SETTLED_AFTER:
            return 0.0
        return max(0.0, self.expected(record.spec) - (use.cores if use else 0.0))


def _megapixels(spec: TaskSpec) -> float:
    """Painted and encoded per second; 0 for what is neither."""
    if spec.mode is not Mode.MIX or spec.video is None:
        return 0.0
    return spec.video.width * spec.video.height * spec.video.fps / 1e6
