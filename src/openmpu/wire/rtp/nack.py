"""Which packets are missing, and when each is asked for (RFC 4585 6.2.1): at once, then again after each round trip.

Every request goes out twice, lest its own loss cost a round trip: browsers pass over what they sent again just now.

Only what is missing costs anything. Knows sequence numbers (extended) and time, no packets and no bytes.
"""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, NEVER, Alarm, Reordering, RoundTrip

MAX_MISSING = 512
MAX_ATTEMPTS = 20
HOPELESS_ATTEMPTS = 5
"""The first of the third pair."""
HOPELESS = 60 * MS
"""On a short path three pairs of requests are out before a sender that paces has answered the first."""
LEAST_INTERVAL = 12 * MS
MARGIN = 6 * MS
"""On top of the time for an answer: browsers send nothing again within a round trip and 5 ms of the last time."""
AGAIN = 6 * MS
"""From the first of a pair of requests to the second."""
MOST_PAIRED = 8
"""With more packets missing than this the way is full, and one request has to do."""
REORDERED = 20 * MS
"""Where packets overtake one another by more, most that are asked for come by themselves: one has to do, too."""


class Missing:
    """One packet that did not come yet.

    Attributes:
        asked_at: When the latest pair of requests began.
        guessed: Nothing of its SSRC overtook it: it may not have been sent yet.
    """

    __slots__ = ("asked_at", "attempts", "due", "guessed", "hopeless", "since")

    def __init__(self, since: int, due: int, *, guessed: bool) -> None:
        self.since = since
        self.due = due
        self.guessed = guessed
        self.asked_at = 0
        self.attempts = 0
        self.hopeless = False


class NackList:
    """Missing packets of one SSRC.

    Args:
        enabled: Whether the sender understands NACK; else holes are only noted.
        rtx: Whether it answers on an SSRC of its own; else what comes half a round trip after a NACK is taken for the
            answer.

    Attributes:
        asked: Packets asked for, repeats counted.
        repaired: Packets that came after they had been asked for.
        hopeless: Packets that were asked for in vain, often and long enough, since this was last set to 0: time for a
            key frame.
    """

    __slots__ = (
        "_alarm",
        "_enabled",
        "_missing",
        "_reordering",
        "_rtx",
        "_trip",
        "asked",
        "hopeless",
        "repaired",
        "wake",
    )

    def __init__(self, alarm: Alarm, trip: RoundTrip, reordering: Reordering, *, enabled: bool, rtx: bool) -> None:
        self._alarm, self._trip, self._reordering = alarm, trip, reordering
        self._enabled, self._rtx = enabled, rtx
        self._missing: dict[int, Missing] = {}
        self.asked = self.repaired = self.hopeless = 0
        self.wake = NEVER

    def miss(self, first: int, last: int, now: int, *, guessed: bool = False) -> None:
        """Packets `first` to `last` were overtaken just now, or (`guessed`) seem to be lost."""
        due = now + self._reordering.ns if self._enabled else NEVER
        for sequence in range(max(first, last + 1 - MAX_MISSING), last + 1):
            self._missing[sequence] = Missing(now, due, guessed=guessed)
        for sequence in list(self._missing)[: max(0, len(self._missing) - MAX_MISSING)]:
            del self._missing[sequence]
        self._wake_by(due)

    def arrived(self, sequence: int, now: int, *, repaired: bool) -> None:
        """A packet that may have been missing came, by itself or (`repaired`, by RTX) because we asked."""
        missing = self._missing.pop(sequence, None)
        if missing is None:
            return
        answered = missing.attempts and (repaired if self._rtx else now - missing.asked_at > self._trip.ns >> 1)
        if answered:
            self.repaired += 1
            if missing.attempts <= 2:  # else nobody knows which request was answered (Karn)
                self._trip.measured(now - missing.asked_at)
        elif not missing.guessed:
            self._reordering.seen(now - missing.since, now)

    def since(self, sequence: int) -> int | None:
        """Since when that packet has been missing; None if it is not known to be."""
        missing = self._missing.get(sequence)
        return missing.since if missing else None

    def forget_below(self, sequence: int) -> None:
        """Packets before this one are no longer wanted."""
        missing = self._missing
        while missing:
            first = next(iter(missing))  # they are noted in rising order
            if first >= sequence:
                return
            del missing[first]

    def take(self, now: int) -> list[int]:
        """The packets to ask for now, ascending."""
        if now < self.wake:
            return []
        interval = max(LEAST_INTERVAL, self._trip.answer + MARGIN)
        due = [sequence for sequence, missing in self._missing.items() if missing.due <= now]
        for sequence in due:
            self._ask(self._missing[sequence], now, interval)
        self.asked += len(due)
        self.wake = min((missing.due for missing in self._missing.values()), default=NEVER)
        return sorted(due)

    def _ask(self, missing: Missing, now: int, interval: int) -> None:
        missing.attempts += 1
        if missing.attempts & 1:
            missing.asked_at, missing.due = now, now + AGAIN
            missing.attempts += len(self._missing) > MOST_PAIRED or self._reordering.ns > REORDERED
        if not missing.attempts & 1:
            missing.due = missing.asked_at + interval if missing.attempts < MAX_ATTEMPTS else NEVER
        if missing.attempts >= HOPELESS_ATTEMPTS and not missing.hopeless and now - missing.since >= HOPELESS:
            missing.hopeless = True
            self.hopeless += 1

    def _wake_by(self, when: int) -> None:
        if when < self.wake:
            self.wake = when
            self._alarm.by(when)
