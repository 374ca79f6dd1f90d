"""How loud a voice is.

Over 100 ms for `vol` (callbacks.md 6.2), over 400 ms for choosing the loudest (layouts.md 7).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from openmpu.media.sound.blocks import Samples

SHORT: Final = 5
"""Blocks: 100 ms."""
LONG: Final = 20
"""Blocks: 400 ms."""
FLOOR_DB: Final = -100.0
SILENT_DB: Final = -50.0
"""Below this nobody speaks."""


def power_of(samples: Samples) -> float:
    """Mean square."""
    flat = samples.reshape(-1)
    return float(np.dot(flat, flat)) / flat.size if flat.size else 0.0


def decibels(power: float) -> float:
    """The level in dBFS of a mean square, where a full-scale square wave is 0; never below FLOOR_DB."""
    return max(FLOOR_DB, 10 * math.log10(power)) if power > 0 else FLOOR_DB


def volume(dbfs: float) -> int:
    """`vol` of callbacks.md 6.2: 0 to 255."""
    return round(255 * min(1.0, max(0.0, (dbfs + 60) / 60)))


class Level:
    """The level of one voice, block by block."""

    def __init__(self) -> None:
        self._powers: deque[float] = deque(maxlen=LONG)

    def put(self, power: float) -> None:
        """Take the mean square of the next block."""
        self._powers.append(power)

    def dbfs(self, blocks: int) -> float:
        """Over the last so many blocks."""
        last = list(self._powers)[-blocks:]
        return decibels(sum(last) / blocks)

    @property
    def volume(self) -> int:
        """Now, 0 to 255."""
        return volume(self.dbfs(SHORT))
