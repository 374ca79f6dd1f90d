"""Lines split into runs of one font: letters that the wanted font lacks are lent by another one of the machine.

Chinese fonts have no Arabic, Hebrew or Thai. A line with letters that run from right to left is written by one font
alone where one has all of it, so that its direction is settled as a whole (raqm). Colour emoji are lent by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from unicodedata import bidirectional

from PIL import ImageFont

from openmpu.media.lettering.builtin import BuiltInFont
from openmpu.media.lettering.fontfiles import Face

Font = ImageFont.FreeTypeFont | BuiltInFont

_PROBE_SIZE = 16
_NO_LETTER = "\U0010ffff"
_MOST_LENDERS = 64
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_PLAIN_STYLES = frozenset({"Regular", "Book", "Roman", "Normal"})


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line and the font that writes it."""

    text: str
    font: Font

    @property
    def length(self) -> float:
        """Pixels that it advances."""
        return float(self.font.getlength(self.text))


@lru_cache(maxsize=64)
def sized(face: Face, size: int) -> Font:
    """A face in a size (pixels)."""
    return ImageFont.truetype(face.path, size, face.index)


@lru_cache(maxsize=128)
def _probe(face: Face) -> tuple[ImageFont.FreeTypeFont, bytes]:
    """A small font that shapes nothing, and how it draws what it lacks."""
    font = ImageFont.truetype(face.path, _PROBE_SIZE, face.index, layout_engine=ImageFont.Layout.BASIC)
    return font, bytes(font.getmask(_NO_LETTER))


@lru_cache(maxsize=16_384)
def has_letter(face: Face, letter: str) -> bool:
    """Whether the face draws something of its own for a character."""
    if letter <= "\u007e":
        return True
    try:
        font, nothing = _probe(face)
        return letter.isspace() or bytes(font.getmask(letter)) != nothing
    except OSError:  # a face that has no outlines, such as colour emoji
        return False


def split(line: str, face: Face, lenders: tuple[Face, ...], size: int) -> tuple[Run, ...]:
    """The runs of a line, left to right."""
    missing = {letter for letter in line if not has_letter(face, letter)}
    if not missing:
        return (Run(line, sized(face, size)),)
    alone = _lender(tuple(sorted(set(line))), lenders)
    if alone is not None and any(bidirectional(letter) in _RIGHT_TO_LEFT for letter in missing):
        return (Run(line, sized(alone, size)),)
    return tuple(Run("".join(letters), sized(by, size)) for by, letters in _pieces(line, face, lenders, missing))


def _pieces(
    line: str, face: Face, lenders: tuple[Face, ...], missing: set[str]
) -> Iterable[tuple[Face, Iterable[str]]]:
    return groupby(line, lambda letter: (_lender((letter,), lenders) or face) if letter in missing else face)


@lru_cache(maxsize=4096)
def _lender(letters: tuple[str, ...], lenders: tuple[Face, ...]) -> Face | None:
    """The first face that has all of them."""
    return next((face for face in lenders if all(has_letter(face, letter) for letter in letters)), None)


def lenders_among(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Upright faces of usual weight, sans before others, without those that draw in colour or in cells."""
    plain = [face for face in faces if face.style in _PLAIN_STYLES and not _unsuited(face.family.lower())]
    return tuple(sorted(plain, key=lambda face: "sans" not in face.family.lower())[:_MOST_LENDERS])


def _unsuited(family: str) -> bool:
    return any(word in family for word in ("emoji", "mono", "symbol", "icon", "math"))
