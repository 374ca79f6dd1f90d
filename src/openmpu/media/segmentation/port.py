"""What the compositor needs of whoever finds people in pictures."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
"""Rows, columns: 255 where there is a person, 0 where there is none. Never changed once handed out."""
SmallPicture = npt.NDArray[np.uint8]
"""Rows, columns, (red, green, blue)."""

WIDTH, HEIGHT = 256, 144
"""What small pictures are; the model looks at no more."""

MISSING_NOTE = "SegmentType: people cannot be cut out at present, they are shown with what is behind them"


class Watcher(Protocol):
    """Follows one pane's picture. Dropping it ends that."""

    def look(self, picture: SmallPicture) -> None:
        """Takes a new picture, which nobody changes any more; returns at once, an older one that waits is forgotten."""
        ...

    def mask(self) -> Mask | None:
        """The newest mask, the same object until there is another; None before the first."""
        ...


class Segmenter(Protocol):
    """Finds people in pictures."""

    def watch(self) -> Watcher:
        """Begins with another pane."""
        ...

    @property
    def usable(self) -> bool:
        """False once it is clear that it never worked: people are then shown as they are."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence when it does not work at present."""
        ...
