"""How fast a track's clock may be corrected: never by a jump that can be seen or heard.

Three ages, each with its rule. A track that begins (or was re-anchored, which is a beginning) has nothing on screen or
in the ear yet: SNAP lets it take the target at once. Then it is SETTLING: the first sender reports come in these
seconds, and 50 ms/s brings a typical error of 60 ms down in about a second. After that it is STEADY: 5 ms/s, which no
ear hears and which is still 25 times the worst drift of real clocks (200 ppm = 0.2 ms/s).
"""

from __future__ import annotations

from openmpu.timing.ticks import MILLISECOND, SECOND

SNAP_FOR = SECOND
SETTLE_FOR = 10 * SECOND
SETTLING_PER_S = 50 * MILLISECOND
STEADY_PER_S = 5 * MILLISECOND


def slew(value: int, target: int, elapsed: int, per_second: int) -> int:
    """`value` moved towards `target` by at most `per_second` nanoseconds in each second of `elapsed`."""
    most = max(0, elapsed) * per_second // SECOND
    return value + max(-most, min(most, target - value))


class Slewed:
    """A value that follows a target by the rule of its age."""

    def __init__(self, value: int, at: int) -> None:
        self.value = value
        self._born = self._moved = at

    def restart(self, value: int, at: int) -> None:
        """Begin anew with `value`."""
        self.value = value
        self._born = self._moved = at

    def settle(self, at: int) -> None:
        """Allow the settling rate for a while: a better target is known."""
        self._born = max(self._born, at - SNAP_FOR)

    def follow(self, target: int, at: int) -> int:
        """The value at time `at`, after moving towards `target`."""
        elapsed, self._moved = at - self._moved, max(at, self._moved)
        age = at - self._born
        if age < SNAP_FOR:
            self.value = target
        else:
            self.value = slew(self.value, target, elapsed, SETTLING_PER_S if age < SETTLE_FOR else STEADY_PER_S)
        return self.value
