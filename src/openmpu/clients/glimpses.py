"""What a moment of a received stream shows: who is in which pane, who is heard, how picture and sound lie together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from openmpu.clients import reading
from openmpu.model.geometry import PixelRect, to_pixels
from openmpu.model.layouts import Layout

_HEARD_DB = -46.0
"""10 dB below the hum of the test sound."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Somebody whose test picture and sound are looked for: tag in the mark, tone, frames per second."""

    tag: int
    tone_hz: int
    fps: int


@dataclass(frozen=True, slots=True)
class Seating:
    """Who is where in one picture.

    Attributes:
        layout_id: The layout whose panes hold the most marks that can be read; 0: none holds any.
        seats: User by pane.
    """

    layout_id: int = 0
    seats: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """From `pts` (nanoseconds of the stream) on, people sat like this, for `pictures` pictures."""

    pts: int
    seating: Seating
    pictures: int


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The latest of the stream.

    Attributes:
        heard: The users whose tone was in the last second.
        av_offset_ms: By user: how much their sound comes after their picture.
    """

    seating: Seating = Seating()
    heard: frozenset[str] = frozenset()
    av_offset_ms: Mapping[str, float] = field(default_factory=dict)


class Usher:
    """Finds people in pictures of one size; looks first where they sat before."""

    def __init__(self, people: Mapping[str, Watched], layouts: Sequence[Layout], width: int, height: int) -> None:
        canvas = PixelRect(0, 0, width, height)
        self._names = {who.tag: name for name, who in people.items()}
        self._layouts = {
            int(layout.layout_id): {pane.pane_id: to_pixels(pane.rect, canvas) for pane in layout.panes}
            for layout in layouts
        }
        self.seating = Seating()

    def look(self, luma: reading.Luma, pts: int) -> dict[str, reading.Sight]:
        """What each one's picture says; `seating` is then up to date. `pts`: of this picture."""
        sights = self._look_in(self.seating.layout_id, luma, pts)
        if len(sights) < max(1, len(self.seating.seats)) or len(sights) < len(self._panes(self.seating.layout_id)):
            found = {number: self._look_in(number, luma, pts) for number in self._layouts}
            best = max(found, key=lambda number: (len(found[number]), number == self.seating.layout_id))
            sights = found[best]
            self._seat(best if sights else 0, sights)
        elif {pane: self._names[sight.mark.tag] for pane, sight in sights.items() if sight.mark} != self.seating.seats:
            self._seat(self.seating.layout_id, sights)
        return {self._names[sight.mark.tag]: sight for sight in sights.values() if sight.mark}

    def _seat(self, layout_id: int, sights: Mapping[int, reading.Sight]) -> None:
        seats = {pane: self._names[sight.mark.tag] for pane, sight in sights.items() if sight.mark}
        self.seating = Seating(layout_id, seats)

    def _panes(self, layout_id: int) -> Mapping[int, PixelRect]:
        return self._layouts.get(layout_id, {})

    def _look_in(self, layout_id: int, luma: reading.Luma, pts: int) -> dict[int, reading.Sight]:
        sights = {pane: reading.look(luma, rect, pts) for pane, rect in self._panes(layout_id).items()}
        return {pane: sight for pane, sight in sights.items() if sight.mark and sight.mark.tag in self._names}


def hear(samples: reading.Samples, people: Mapping[str, Watched]) -> frozenset[str]:
    """Whose tone is in the samples."""
    return frozenset(name for name, who in people.items() if reading.tone_level(samples, who.tone_hz) > _HEARD_DB)
