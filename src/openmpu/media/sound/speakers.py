"""Who spoke, interval by interval (callbacks.md 7): what voice-activity callbacks tell. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from openmpu.media.sound.mixer import Speaker as Who
from openmpu.media.sound.talker import Talker
from openmpu.timing.ticks import MILLISECOND
from openmpu.wire.callbacks import Speaker

LEAST_VOICED_MS: Final = 100
"""Who is voiced for less in an interval did not speak."""

TellVoices = Callable[[int, tuple[Speaker, ...]], None]
"""Takes the interval in milliseconds and who spoke in it, loudest first; nobody: all fell silent."""


class Speakers:
    """Used by the sound thread.

    Args:
        tell: Hears of each interval in which somebody spoke, and of the first one in which nobody did any more.
    """

    def __init__(self, tell: TellVoices) -> None:
        self._tell = tell
        self._interval_ms = 0
        self._ends: int | None = None
        self._spoken = False

    def every(self, interval_ms: int) -> None:
        """How long an interval is from now on; 0: tell nothing."""
        if interval_ms != self._interval_ms:
            self._interval_ms, self._ends, self._spoken = interval_ms, None, False

    def step(self, pts: int, talkers: Mapping[Who, Talker]) -> None:
        """The block for `pts` was heard."""
        if not self._interval_ms:
            return
        if self._ends is None:
            self._ends = pts + self._interval_ms * MILLISECOND
        if pts < self._ends:
            return
        self._ends = max(pts, self._ends + self._interval_ms * MILLISECOND)
        self._report(talkers)

    def _report(self, talkers: Mapping[Who, Talker]) -> None:
        spoke = [_line(user, talker) for (_, user), talker in talkers.items() if talker.activity]
        spoke = sorted((one for one in spoke if one.speaking_ms >= LEAST_VOICED_MS), key=lambda one: -one.volume)
        if spoke or self._spoken:
            self._tell(self._interval_ms, tuple(spoke))
        self._spoken = bool(spoke)


def _line(user: str, talker: Talker) -> Speaker:
    activity = talker.activity
    assert activity is not None  # noqa: S101 - the caller looked
    return Speaker(user, talker.level.volume, activity.vad, activity.take_voiced_ms())
