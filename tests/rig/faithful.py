"""Whether what a pane shows is what was sent: every pixel of a test picture follows from the number that it carries.

A pane shows a whole picture, nothing at all (the placeholder), or something broken; there is no fourth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from openmpu.clients import marks, reading
from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.picture import Look, Picture
from openmpu.model.geometry import PixelRect
from tests.rig import pictures
from tests.rig.packets import SECOND

Plane = npt.NDArray[np.uint8]

_FLAT = 6.0
"""Standard deviation of luma below which a pane shows nothing; a test picture has ten times as much."""
_BLOCK = 16
_SURROUNDS = 8
"""Pixels at each edge that are not looked at: what lies beside the pane bleeds into them in the encoder."""
_SNIPPET, _SILENCE = SAMPLE_RATE // 50, SECOND // 25
_HUM_SHARE = 0.3
"""A hum weaker than this share of its median is not heard."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One pane of one received picture.

    Attributes:
        pts: Nanoseconds of the stream.
        number: Of the test picture in it, counted from the Unix epoch; None: nothing is shown.
        off: By how many levels the worst block of 16x16 pixels differs from what was sent; 255: it cannot be told,
            because the number cannot be read and the pane is not empty.
    """

    pts: int
    number: int | None
    off: float = 0.0


class Sitter:
    """Somebody in a pane from `begin` to `end` (nanoseconds of the stream), and what their pictures look like there."""

    def __init__(self, looks: Sequence[Look], place: PixelRect, begin: int, end: int, near: int) -> None:
        """`looks`: of each second in turn; `near`: Unix nanoseconds within days, to undo the wrap of frame numbers."""
        self.look, self.place, self._near = looks[0], place, near
        self.begin, self.end = begin, end
        self._pictures = [Picture(look) for look in looks]
        self._latest: tuple[int, Plane] | None = None

    def seen(self, luma: Plane, pts: int) -> Seen:
        """What the pane shows."""
        mark = reading.read_mark(luma, self.place)
        shown = _inner(luma[self.place.top : self.place.bottom, self.place.left : self.place.right])
        if mark and mark.tag == self.look.tag:
            number = marks.frame_number(reading.captured(mark, self.look.fps, self._near), self.look.fps)
            return Seen(pts, number, _worst_block(shown, self._sent(number)))
        return Seen(pts, None, 0.0 if shown.std() < _FLAT else 255.0)

    def _sent(self, number: int) -> Plane:
        if self._latest is None or self._latest[0] != number:
            picture = self._pictures[number // self.look.fps % len(self._pictures)]
            luma = picture.paint(number)[: picture.canvas.shape[0] * 2 // 3]
            size = (self.place.width, self.place.height)
            how = cv2.INTER_AREA if luma.shape[1] >= size[0] else cv2.INTER_LINEAR
            self._latest = number, _inner(np.asarray(cv2.resize(luma, size, interpolation=how), np.uint8))
        return self._latest[1]


def watch(path: Path, sitters: Mapping[str, Sitter]) -> dict[str, list[Seen]]:
    """What each one's pane shows in each picture of a recording, in one pass."""
    found: dict[str, list[Seen]] = {name: [] for name in sitters}
    for picture in pictures.pictures(path, end_s=max(sitter.end for sitter in sitters.values()) / SECOND):
        for name, sitter in sitters.items():
            if sitter.begin <= picture.pts < sitter.end:
                found[name].append(sitter.seen(picture.luma, picture.pts))
    return found


def delay(seen: Sequence[Seen], fps: int) -> int:
    """Nanoseconds of the stream minus nanoseconds of Unix time at which a picture was made, in the median."""
    delays = [one.pts - marks.frame_moment(one.number, fps) for one in seen if one.number is not None]
    return int(np.median(delays))


def empty_spans(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """From when to when nothing was shown."""
    return list(_spans(seen, [one.number is None for one in seen]))


def still_spans(seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """From when to when the same picture stood."""
    numbers = [one.number for one in seen]
    return list(_spans(seen, [now is not None and now == before for before, now in pairwise([None, *numbers])]))


def _spans(seen: Sequence[Seen], wanted: Sequence[bool]) -> Iterator[tuple[int, int]]:
    begin: int | None = None
    for one, is_wanted in zip(seen, wanted, strict=True):
        if is_wanted and begin is None:
            begin = one.pts
        elif not is_wanted and begin is not None:
            yield begin, one.pts
            begin = None
    if begin is not None:
        yield begin, seen[-1].pts


def silences(samples: reading.Samples, tone_hz: float, start: int) -> list[tuple[int, int]]:
    """From when to when a person's hum is not heard, for 40 ms and longer; shorter bits of sound do not end it."""
    strength = reading.tone_strength(samples, tone_hz)
    faint = np.concatenate(([False], strength < _HUM_SHARE * np.median(strength), [False]))
    edges = np.flatnonzero(faint[1:] != faint[:-1])
    found: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        joins = found and begin - found[-1][1] < _SNIPPET
        found[-1:] = [(found[-1][0], end)] if joins else [*found[-1:], (begin, end)]
    times = [(start + begin * SECOND // SAMPLE_RATE, start + end * SECOND // SAMPLE_RATE) for begin, end in found]
    return [(begin, end) for begin, end in times if end - begin >= _SILENCE]


def _inner(luma: Plane) -> Plane:
    return luma[_SURROUNDS:-_SURROUNDS, _SURROUNDS:-_SURROUNDS]


def _worst_block(shown: Plane, sent: Plane) -> float:
    apart = cv2.absdiff(np.ascontiguousarray(shown), np.ascontiguousarray(sent))
    size = (apart.shape[1] // _BLOCK, apart.shape[0] // _BLOCK)
    return float(np.max(cv2.resize(apart, size, interpolation=cv2.INTER_AREA)))
