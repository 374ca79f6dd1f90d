"""Soft limiting: the sum of many voices never clips and is not touched while it fits.

Looks one slice (5 ms) ahead, so that the gain is down before the peak comes; it comes up again slowly. Gain is a
straight line within each slice, and at both ends at most what the slice's peak allows: so nothing exceeds CEILING.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE, Samples, silence
from openmpu.timing.ticks import SECOND

CEILING: Final = 0.89
"""-1 dBFS: AAC at low rates overshoots by some percent, and what is decoded must not clip either."""
SLICE: Final = 240
LOOK_AHEAD_NS: Final = SLICE * SECOND // SAMPLE_RATE
"""What comes out is so much older than what went in."""
_RELEASE: Final = 1.02
"""Per slice: 6 dB in 175 ms."""


class Limiter:
    """Takes blocks, gives blocks of the same size, one slice later."""

    def __init__(self) -> None:
        self._held = silence(SLICE)
        self._allowed = 1.0
        self._gain = 1.0

    def limit(self, block: Samples) -> Samples:
        """The held slice and all of `block` but its last slice, limited."""
        joined = np.concatenate((self._held, block))
        self._held = block[-SLICE:].copy()
        peaks = np.abs(block).reshape(BLOCK // SLICE, -1).max(axis=1)
        if self._gain == 1.0 and self._allowed == 1.0 and float(peaks.max()) <= CEILING:
            return joined[:BLOCK]
        return self._limited(joined[:BLOCK], peaks)

    def _limited(self, samples: Samples, peaks: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Samples:
        edges = [self._gain]
        for peak in peaks:
            coming = min(1.0, CEILING / float(peak)) if peak > CEILING else 1.0
            edges.append(min(self._allowed, coming, edges[-1] * _RELEASE))
            self._allowed = coming
        self._gain = edges[-1]
        places = np.arange(BLOCK, dtype=np.float32) / SLICE
        gains = np.interp(places, np.arange(len(edges)), edges).astype(np.float32)
        return np.asarray(samples * gains[:, None], dtype=np.float32)
