"""What an output tells about itself; nothing in it is secret."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from openmpu.media.outputs.failure import ErrorCode, Step
from openmpu.media.outputs.outage import GivenUp
from openmpu.timing.backoff import SECOND


class OutputState(StrEnum):
    """State of one target (callbacks.md 2.3: EventCode 0 to 4 in this order)."""

    CONNECTING = "connecting"
    PUSHING = "pushing"
    INTERRUPTED = "interrupted"
    GIVEN_UP = "given_up"
    ENDED = "ended"

    @property
    def event_code(self) -> int:
        """EventCode of callbacks.md 2.3."""
        return list(OutputState).index(self)


@dataclass(frozen=True, slots=True)
class OutputReport:
    """How one target is doing.

    Attributes:
        target: Redacted URL.
        step: Where the connection stands; after a failure, where it failed.
        retries: Attempts beyond the first.
        connects: Attempts that were accepted.
        error_code: Of callbacks.md 2.4; NONE while all is well.
        last_error: One sentence; kept after recovery.
        given_up: Why there are no more attempts.
        frames_sent: Pictures handed to the network.
        frames_dropped: Pictures left out because the target was slow.
        frames_missed: Pictures that came while there was no connection.
        audio_dropped: Sound frames left out because the target was slow.
        queue_ms: Milliseconds of media waiting for the socket, in `queue_length` packets.
        bitrate_kbps: Over the last seconds.
    """

    target: str
    state: OutputState = OutputState.CONNECTING
    step: Step = Step.DNS
    retries: int = 0
    connects: int = 0
    error_code: ErrorCode = ErrorCode.NONE
    last_error: str = ""
    given_up: GivenUp | None = None
    bytes_sent: int = 0
    frames_sent: int = 0
    frames_dropped: int = 0
    frames_missed: int = 0
    audio_dropped: int = 0
    queue_length: int = 0
    queue_ms: int = 0
    bitrate_kbps: int = 0


class Rate:
    """Bits per second over the last WINDOW, from readings of a growing byte counter."""

    WINDOW = 3 * SECOND

    def __init__(self) -> None:
        self._readings: deque[tuple[int, int]] = deque()

    def read(self, now: int, total: int) -> None:
        """Note the counter."""
        self._readings.append((now, total))
        while now - self._readings[0][0] > self.WINDOW:
            self._readings.popleft()

    def clear(self) -> None:
        """The counter begins anew."""
        self._readings.clear()

    @property
    def kbps(self) -> int:
        """Kilobits per second; 0 while there are not two readings."""
        if len(self._readings) < 2:
            return 0
        (began, first), (ended, last) = self._readings[0], self._readings[-1]
        return (last - first) * 8 * 1_000_000 // (ended - began) if ended > began else 0
