"""When to ask a sender for a key frame: wishes of many merged into few requests (troubles.md 25).

At most one request per 500 ms; half as often once several were not answered, so that an encoder that answers but does
not get through is not asked for more than it can send. Where packets were lost each goes out twice: its own loss would
freeze the picture for as long.
"""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, NEVER, Alarm

LEAST_INTERVAL = 500 * MS
LONG_INTERVAL = 1_000 * MS
"""Not longer: a picture must be back within a second of the sender's being able to send one."""
PATIENT_AFTER = 4
"""Requests without an answer."""
AGAIN = 6 * MS
"""From a request to its second copy; both come before the sender's next picture, or it passes over the second."""
COMING = 1_000 * MS
"""A large key frame on a slow path, with some of its packets sent again."""


class KeyFrameRequests:
    """The wish for a key frame of one SSRC.

    Attributes:
        sent: Requests sent, copies not counted.
        repeated: The latest was a second copy.
        wake: When `take` will have something to say.
    """

    __slots__ = ("_alarm", "_allowed_at", "_lossy", "_next_at", "_unanswered", "_wanted", "repeated", "sent", "wake")

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._wanted = self._lossy = self.repeated = False
        self._allowed_at = self._next_at = 0
        self._unanswered = 0
        self.sent = 0
        self.wake = NEVER

    @property
    def wanted(self) -> bool:
        """Whether a key frame is being waited for."""
        return self._wanted

    def want(self, now: int, *, lossy: bool = False) -> None:
        """Somebody needs a key frame, from now on until one comes; `lossy`: because packets were lost."""
        if not self._wanted:
            self._wanted, self._lossy, self._next_at = True, lossy, 0
            self.wake = max(now, self._allowed_at)
            self._alarm.by(self.wake)

    def coming(self, now: int) -> None:
        """The beginning of a key frame is here: the rest of it gets time before another one is asked for."""
        if self._wanted:
            self.wake = max(self.wake, now + COMING)

    def came(self) -> None:
        """A key frame was handed out: every wish is granted."""
        self._wanted = False
        self._unanswered = 0
        self.wake = NEVER

    def take(self, now: int) -> bool:
        """Whether a request goes out now."""
        if not self._wanted or now < self.wake:
            return False
        self.repeated = now < self._next_at
        if not self.repeated:
            self._count(now)
        self.wake = now + AGAIN if self._lossy and not self.repeated else self._next_at
        return True

    def _count(self, now: int) -> None:
        self.sent += 1
        self._unanswered += 1
        self._allowed_at = now + LEAST_INTERVAL
        self._next_at = now + (LEAST_INTERVAL if self._unanswered < PATIENT_AFTER else LONG_INTERVAL)
