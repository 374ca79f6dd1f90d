"""Which layers must be painted again when some have changed, and in which order.

The property that everything here serves: whatever was painted before, repainting the layers that changed leaves the
canvas as if it had been painted anew, byte for byte. Layers paint bottom to top; one that is `whole` (video, scaled
straight into the canvas) cannot be painted in part, so that its whole rectangle is repainted together with what lies
over it there. Knows nothing of what a layer shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from openmpu.media.canvas import Canvas
from openmpu.media.regions import NOTHING, Region, area, common, touches, union, without
from openmpu.model.geometry import PixelRect

Paint = Callable[[], None]
"""Paints one layer into one part of the canvas, with what the layer shows at that moment."""

_KEPT_JOBS = 256


class Layer(Protocol):
    """One thing in a scene."""

    @property
    def rect(self) -> PixelRect:
        """Where it paints: even edges, inside the canvas, not empty."""
        ...

    @property
    def opaque(self) -> bool:
        """Whether it replaces every sample of `rect`."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it can be painted only as a whole."""
        ...

    @property
    def live(self) -> bool:
        """Whether what it shows changes by itself (video, a clock)."""
        ...

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What paints its part in `clip` (even edges, inside `rect`)."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One repainting: what to do, and the region that it changes."""

    paints: tuple[Paint, ...] = ()
    region: Region = NOTHING

    def run(self) -> None:
        """Paints, bottom to top."""
        for paint in self.paints:
            paint()


class _Group:
    """Live layers whose repaintings meet; groups never touch one another.

    A set of changed layers is a number with one bit for each of them; a job is planned once for each set that occurs.
    """

    def __init__(self, members: tuple[int, ...]) -> None:
        self.members = members
        self.jobs: dict[int, Job] = {}

    def keep(self, changed: int, job: Job) -> None:
        """Remembers a job, in bounds: many overlapping live layers have very many sets."""
        if len(self.jobs) >= _KEPT_JOBS:
            self.jobs.clear()
        self.jobs[changed] = job


class Stack:
    """The layers of a canvas, bottom to top; the first one is opaque and covers all of it."""

    def __init__(self, canvas: Canvas, layers: Sequence[Layer]) -> None:
        self._canvas = canvas
        self.layers = tuple(layers)
        self._index = {id(layer): index for index, layer in enumerate(self.layers)}
        self._group_of = self._grouped()

    def jobs_for_changes(self, changed: Iterable[Layer]) -> list[Job]:
        """What repaints live layers that show something new; the jobs do not touch one another."""
        sets: dict[_Group, int] = {}
        for layer in changed:
            index = self._index[id(layer)]
            group = self._group_of[index]
            sets[group] = sets.get(group, 0) | 1 << index
        return [self._job(group, bits) for group, bits in sets.items()]

    def job_of_one(self, changed: Layer) -> Job | None:
        """What repaints a live layer whose repainting meets no other's: it need not wait for the rest of the tick."""
        index = self._index.get(id(changed), 0)
        group = self._group_of.get(index)
        return self._job(group, 1 << index) if group is not None and group.members == (index,) else None

    def job_for_damage(self, damage: Region) -> Job:
        """What repaints a region, and more where layers are whole."""
        pieces, region = self._closed(damage)
        paints = [layer.bind(self._canvas, clip) for layer, clips in reversed(pieces) for clip in clips]
        return Job(tuple(paints), region)

    def _closed(self, damage: Region) -> tuple[list[tuple[Layer, Region]], Region]:
        """What each layer paints, top to bottom, and all that this changes."""
        while True:
            pieces, growth = self._pieces(damage)
            if not growth:
                return pieces, damage
            damage = union(damage, growth)

    def _grouped(self) -> dict[int, _Group]:
        """Live layers by the regions that each one's change repaints: where two meet, they belong together."""
        parts: list[tuple[tuple[int, ...], Region]] = []
        for index, layer in enumerate(self.layers):
            if layer.live:
                members: tuple[int, ...] = (index,)
                _, region = self._closed(self._visible(index))
                meeting = [part for part in parts if _meet(part[1], region)]
                parts = [part for part in parts if part not in meeting]
                for others, other_region in meeting:
                    members, region = members + others, union(region, other_region)
                parts.append((members, region))
        groups = [_Group(tuple(sorted(members))) for members, _ in parts]
        return {index: group for group in groups for index in group.members}

    def _job(self, group: _Group, changed: int) -> Job:
        job = group.jobs.get(changed)
        if job is None:
            damage = NOTHING
            for index in group.members:
                if changed >> index & 1:
                    damage = union(damage, self._visible(index))
            job = self.job_for_damage(damage)
            group.keep(changed, job)
        return job

    def _visible(self, index: int) -> Region:
        """Where a layer is not hidden by an opaque one above it."""
        seen: Region = (self.layers[index].rect,)
        for above in self.layers[index + 1 :]:
            if above.opaque:
                seen = without(seen, above.rect)
        return seen

    def _pieces(self, damage: Region) -> tuple[list[tuple[Layer, Region]], list[PixelRect]]:
        """Top to bottom: what each layer paints where nothing opaque hides it; and what must be repainted besides."""
        pieces: list[tuple[Layer, Region]] = []
        growth: list[PixelRect] = []
        needed = damage
        for layer in reversed(self.layers):
            mine = common(needed, layer.rect)
            if not mine:
                continue
            if layer.whole:
                mine = (layer.rect,)
                if area(common(damage, layer.rect)) < area(mine):
                    growth.append(layer.rect)
            pieces.append((layer, mine))
            needed = without(needed, layer.rect) if layer.opaque else needed
        return pieces, growth


def _meet(one: Region, other: Region) -> bool:
    return any(touches(piece, rect) for piece in one for rect in other)
