"""Which font faces this machine has, by family name and style; never by a number inside a file.

Names are read with FreeType (Pillow). Directories are searched once a process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from pathlib import Path

from PIL import ImageFont

SYSTEM_DIRECTORIES = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
)

_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
_MOST_FILES = 2000
_MOST_FACES = 64  # a collection holds a dozen


@dataclass(frozen=True, slots=True)
class Face:
    """One face: a file and its place in it, with the names that it gives itself."""

    path: Path
    index: int
    family: str
    style: str

    @property
    def name(self) -> str:
        """Family and style."""
        return f"{self.family} {self.style}"


def find_faces(directory: str) -> tuple[Face, ...]:
    """The faces in `directory` (if any) and below, then those of the system; unreadable files are left out."""
    own = _faces_in(Path(directory)) if directory else ()
    return own + tuple(face for place in SYSTEM_DIRECTORIES for face in _faces_in(place))


@lru_cache(maxsize=16)
def _faces_in(directory: Path) -> tuple[Face, ...]:
    return tuple(face for path in islice(_files(directory), _MOST_FILES) for face in _faces_of(path))


def _files(directory: Path) -> Iterator[Path]:
    """In a fixed order, so that the same machine always finds the same face."""
    for place, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            if Path(name).suffix.lower() in _SUFFIXES:
                yield Path(place, name)


def _faces_of(path: Path) -> Iterator[Face]:
    for index in islice(count(), _MOST_FACES):
        try:
            family, style = ImageFont.truetype(path, 16, index).getname()
        except OSError:  # no font, or the number after the last face
            return
        if family:
            yield Face(path, index, family, style or "Regular")
