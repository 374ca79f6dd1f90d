"""The six fonts of the API (operations.md 1.5) and what stands in for those that this machine does not have.

Nothing is drawn by a font of another style without a note that the task's status shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from openmpu.media.lettering import builtin
from openmpu.media.lettering.fontfiles import Face, find_faces
from openmpu.media.lettering.runs import Font, Run, lenders_among, sized, split

_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "Source Han Serif CN")
_ANY_SERIF = ("Noto Serif CJK", "Source Han Serif", "AR PL UMing", "Songti", "SimSun")
_SANS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN")
_ANY_SANS = ("Noto Sans CJK", "Source Han Sans", "WenQuanYi", "Droid Sans Fallback", "PingFang", "Microsoft YaHei")
_PUHUITI = ("Alibaba PuHuiTi",)

_SHORT_WEIGHTS = {"r": "regular", "b": "bold", "h": "heavy", "l": "light", "m": "medium", "book": "regular"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One FontType: its name, and pairs of families and weights to look for, best first."""

    name: str
    exact: tuple[Sequence[str], str]
    instead: tuple[tuple[Sequence[str], str], ...]


def _puhuiti(weight: str, *instead: str) -> Wanted:
    stand_ins = tuple((_SANS, weight) for weight in (*instead, "regular"))
    return Wanted(f"Alibaba PuHuiTi {weight.title()}", (_PUHUITI, weight), (*stand_ins, (_ANY_SANS, "regular")))


FONT_TYPES = {
    0: Wanted(
        "Noto Serif CJK SC Regular",
        (_SERIF[:1], "regular"),
        ((_SERIF, "regular"), (_ANY_SERIF, "regular"), (_SANS, "regular"), (_ANY_SANS, "regular")),
    ),
    1: _puhuiti("regular"),
    2: _puhuiti("bold", "bold"),
    3: _puhuiti("heavy", "black", "bold"),
    4: _puhuiti("light", "light"),
    5: _puhuiti("medium", "medium"),
}
"""FontType -> what is wanted and what comes instead."""


class FontSource(Protocol):
    """Where letters get their fonts."""

    def font(self, font_type: int, size: int) -> Font:
        """The font of an API number in a size (pixels, at least 1)."""
        ...

    def runs(self, line: str, font_type: int, size: int) -> tuple[Run, ...]:
        """A line, split where another font must lend letters."""
        ...


class Fonts:
    """The machine's fonts as the API numbers them; an operator's own directory goes before the system's.

    Looks for them when the first letter is drawn: that takes a tenth of a second, once a process.
    """

    def __init__(self, directory: str = "") -> None:
        self._directory = directory
        self._notes: dict[int, str] = {}
        self._found: dict[int, Face | None] = {}

    def font(self, font_type: int, size: int) -> Font:
        """The font of an API number in a size; the built-in one when no CJK-capable one is there."""
        face = self.face(font_type)
        return _built_in(size) if face is None else sized(face, size)

    def runs(self, line: str, font_type: int, size: int) -> tuple[Run, ...]:
        """A line, split where another font of this machine must lend letters."""
        face = self.face(font_type)
        if face is None:
            return (Run(line, _built_in(size)),)
        return split(line, face, self._lenders(), size)

    def _lenders(self) -> tuple[Face, ...]:
        return lenders_among(find_faces(self._directory))

    def face(self, font_type: int) -> Face | None:
        """The face that stands for an API number (one that nobody knows counts as 0)."""
        number = font_type if font_type in FONT_TYPES else 0
        if number not in self._found:
            self._found[number] = self._find(number)
        return self._found[number]

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence for each font that was asked for and had to be replaced."""
        return tuple(self._notes[number] for number in sorted(self._notes))

    def _find(self, number: int) -> Face | None:
        wanted, faces = FONT_TYPES[number], find_faces(self._directory)
        if face := _first(faces, *wanted.exact):
            return face
        face = next((face for choice in wanted.instead if (face := _first(faces, *choice))), None)
        drawn_with = face.name if face else builtin.NAME
        self._notes[number] = f"FontType {number}: {wanted.name} is not installed, drawn with {drawn_with}"
        return face


def _first(faces: Iterable[Face], families: Sequence[str], weight: str) -> Face | None:
    """The first family that has that weight; a family is told by how its name begins, spaces and case aside."""
    candidates = [face for face in faces if _weight(face) == weight]
    for family in families:
        for face in candidates:
            if _plain(face.family).startswith(_plain(family)) and "mono" not in face.family.lower():
                return face
    return None


def _plain(name: str) -> str:
    return "".join(name.lower().split())


def _weight(face: Face) -> str:
    """The weight of a face: `Regular`, `55 Regular` and `R` are the same; some put it into the family's name."""
    words = re.findall(r"[a-z]+", f"{face.family} {face.style}".lower())
    last = words[-1] if words else ""
    if last == "regular" and len(words) > 1 and words[-2] in _SHORT_WEIGHTS:
        last = words[-2]
    return _SHORT_WEIGHTS.get(last, last)


@lru_cache(maxsize=64)
def _built_in(size: int) -> Font:
    return builtin.BuiltInFont(size)
