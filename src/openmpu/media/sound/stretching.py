"""A run of samples made a little longer or shorter: how drift between clocks is taken up without clicks.

Windowed-sinc interpolation, 16 taps at 1024 phases; for ratios within some percent of one, where no anti-alias filter
is needed. Nothing is touched (and nothing costs) while clocks agree.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from openmpu.media.sound.blocks import Samples

TAPS: Final = 16
MARGIN: Final = TAPS // 2
"""Samples wanted before and after the run."""
_PHASES: Final = 1024


def _table() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    phase = np.arange(_PHASES)[:, None] / _PHASES
    at = np.arange(TAPS)[None, :] - (MARGIN - 1) - phase
    window = 0.5 + 0.5 * np.cos(np.pi * at / MARGIN)
    weights = np.sinc(at) * np.where(np.abs(at) <= MARGIN, window, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


_WEIGHTS: Final = _table()


def stretched(padded: Samples, samples: int) -> Samples:
    """The run inside `padded` (which has MARGIN more on both sides) as `samples` samples.

    The first sample out is the first of the run; the last one leads on to what follows the run.
    """
    length = len(padded) - 2 * MARGIN
    place = np.arange(samples) * (length / samples)
    whole = place.astype(np.int64)
    phase = np.minimum(((place - whole) * _PHASES + 0.5).astype(np.int64), _PHASES - 1)
    taps = padded[whole[:, None] + np.arange(1, TAPS + 1)[None, :]]
    return np.asarray(np.einsum("stc,st->sc", taps, _WEIGHTS[phase]), dtype=np.float32)
