"""The outermost loop of an output thread: the only place that reads the clock and sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from openmpu.media.clock import Clock
from openmpu.timing.ticks import SECOND

Step = Callable[[int], int]
"""Does what is due at the task time given; when to be called again."""

_log = structlog.get_logger()


class Loop:
    """One thread that calls `step` whenever something is due.

    Args:
        name: Of the thread.
        clock: Read before each step.
        epoch: `clock.now()` at task time 0.
        on_failure: Called in the thread with what ended it.
    """

    def __init__(
        self, name: str, step: Step, clock: Clock, epoch: int, on_failure: Callable[[Exception], None]
    ) -> None:
        self._step, self._clock, self._epoch, self._on_failure = step, clock, epoch, on_failure
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """End after the step that runs now; whether it ended in time."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                due = self._step(self._clock.now() - self._epoch)
                wait = due - (self._clock.now() - self._epoch)
                if wait > 0:
                    self._stopping.wait(wait / SECOND)
        except Exception as error:  # noqa: BLE001 - the thread's owner decides what its end means
            _log.exception("output thread failed", thread=self._thread.name)
            self._on_failure(error)
