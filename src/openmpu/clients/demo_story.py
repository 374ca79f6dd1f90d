"""What the demo plays, and whether what was received tells that story: who, when, in which panes, heard or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openmpu.clients.glimpses import Change, Glimpse, Seating, Watched
from openmpu.clients.looks import COLOURS
from openmpu.clients.marks import tag_of
from openmpu.model.colours import Colour
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN

LAYOUT_IDS = (1, 2, 5, 6)
MEDIA_ENCODE = 20
FPS = 25
SETTLING_SECONDS = 2.5
"""An act that lasts so long must be seen and heard: a voice takes a second to be there, or to be gone, for sure."""
WORST_OFFSET_MS = 80.0
"""layouts.md 7: picture and sound of one user stay within 80 ms of each other."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One publisher of the demo. Seconds count from the first picture that was received."""

    user_id: str
    video: str
    width: int
    height: int
    colour: str
    tone_hz: int
    fps: int = 30
    comes: float = 0.0
    goes: float | None = None

    @property
    def rgb(self) -> Colour:
        """The colour itself."""
        return COLOURS[self.colour]

    @property
    def watched(self) -> Watched:
        """How to find this one in the stream."""
        return Watched(tag_of(self.user_id), self.tone_hz, self.fps)


CAST = (
    Actor("alice", "h264", 1280, 720, "blue", 600),
    Actor("bob", "vp8", 640, 360, "orange", 1000, goes=8.0),
    Actor("carol", "h264", 640, 360, "green", 1500, comes=3.0),
)


@dataclass(frozen=True, slots=True)
class Act:
    """What must be seen in one part of the play: users in join order, from pane 0 on, in the layout of their number."""

    begin: float
    end: float | None
    users: tuple[str, ...]

    @property
    def seating(self) -> Seating:
        """The right people in the right panes."""
        layout = next(number for number in LAYOUT_IDS if len(BUILT_IN[LayoutId(number)].panes) >= len(self.users))
        return Seating(layout, dict(enumerate(self.users)))

    def seen_within(self, seconds: float) -> bool:
        """Whether a stream of that length is long enough to show it."""
        end = seconds if self.end is None else min(self.end, seconds)
        return end - self.begin >= SETTLING_SECONDS

    def faults(self, changes: Sequence[Change], glimpses: Sequence[Glimpse]) -> list[str]:
        """What is lacking: they were never seen like that for a while, or not heard, with nobody else, meanwhile."""
        names = ", ".join(self.users)
        if not any(change.seating == self.seating and change.pictures >= FPS // 2 for change in changes):
            return [f"{names}: never seen in the panes of layout {self.seating.layout_id}"]
        if not any(entry.seating == self.seating and entry.heard == frozenset(self.users) for entry in glimpses):
            return [f"{names}: never heard together without anybody else"]
        return []


class Playbill:
    """The acts as they were really played: people come when they come."""

    def __init__(self, cast: Sequence[Actor] = CAST) -> None:
        self._cast = cast
        self._there = [actor.user_id for actor in cast if not actor.comes]
        self.acts = [Act(0.0, None, tuple(self._there))]

    def came(self, actor: Actor, moment: float) -> None:
        """Somebody publishes now; `moment` in seconds from the first picture."""
        self._there.append(actor.user_id)
        self._turn(moment)

    def left(self, actor: Actor, moment: float) -> None:
        """Somebody has gone."""
        self._there.remove(actor.user_id)
        self._turn(moment)

    def _turn(self, moment: float) -> None:
        last = self.acts[-1]
        self.acts[-1] = Act(last.begin, moment, last.users)
        self.acts.append(Act(moment, None, tuple(self._there)))


@dataclass(frozen=True, slots=True)
class Received:
    """Counts over the whole stream: pictures, those with a time stamp twice, those left out, connections."""

    frames: int
    doubled: int
    missing: int
    connects: int


class Cadence:
    """Counts pictures, and those that are missing or doubled, by their time stamps."""

    def __init__(self) -> None:
        self.frames = self.doubled = self.missing = 0
        self._last: int | None = None

    def take(self, timestamp: int) -> None:
        """One picture, at so many milliseconds."""
        self.frames += 1
        if self._last is not None:
            steps = round((timestamp - self._last) * FPS / 1000)
            self.doubled += steps < 1
            self.missing += max(0, steps - 1)
        self._last = timestamp


def faults(
    acts: Sequence[Act], changes: Sequence[Change], glimpses: Sequence[Glimpse], received: Received, seconds: float
) -> list[str]:
    """Why the stream was not as expected, after so many seconds of it; empty if it was."""
    found = [fault for act in acts if act.seen_within(seconds) for fault in act.faults(changes, glimpses)]
    if received.frames < 0.9 * FPS * seconds:
        found.append(f"only {received.frames} pictures in {seconds:.0f} s")
    if received.doubled or received.missing:
        found.append(f"{received.missing} pictures missing, {received.doubled} doubled")
    if received.connects != 1:
        found.append(f"{received.connects} connections instead of one")
    offsets = sorted(abs(offset) for glimpse in glimpses for offset in glimpse.av_offset_ms.values())
    if offsets and offsets[len(offsets) // 2] > WORST_OFFSET_MS:
        found.append(f"picture and sound {offsets[len(offsets) // 2]:.0f} ms apart")
    return found
