"""Who is heard when only so many may be (layouts.md 7).

The loudest over 400 ms; a voice keeps its place for 1 s after it falls silent.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, Generic, TypeVar

from openmpu.media.sound.levels import SILENT_DB
from openmpu.timing.ticks import SECOND

V = TypeVar("V", bound=Hashable)

HOLD: Final = SECOND
ADVANTAGE_DB: Final = 1.0
"""Who has a place is taken to be this much louder, so that equals do not swap at every block."""


class Loudest(Generic[V]):
    """Remembers who has a place, and since when they have been silent."""

    def __init__(self) -> None:
        self._placed: dict[V, int] = {}

    def choose(self, levels: Mapping[V, float], limit: int | None, pts: int) -> frozenset[V]:
        """The voices to be heard now.

        Args:
            levels: dBFS over 400 ms of everybody.
            limit: At most so many; None: all.
            pts: Now.
        """
        if limit is None or len(levels) <= limit:
            self._placed = dict.fromkeys(levels, pts)
            return frozenset(levels)
        spoke = {voice: pts if level > SILENT_DB else self._placed.get(voice) for voice, level in levels.items()}
        ranked = sorted(levels, key=lambda voice: self._rank(voice, levels[voice], spoke[voice], pts), reverse=True)
        chosen = ranked[:limit]
        self._placed = {voice: last for voice in chosen if (last := spoke[voice]) is not None}
        return frozenset(chosen)

    def _rank(self, voice: V, level: float, spoke: int | None, pts: int) -> tuple[int, float]:
        """Those fallen silent for less than HOLD first, then by level."""
        holds = voice in self._placed and level <= SILENT_DB and spoke is not None and pts - spoke < HOLD
        return int(holds), level + (ADVANTAGE_DB if voice in self._placed else 0.0)
