"""Sound in place of packets that did not come: the last pitch period goes on and fades out.

As in ITU-T G.711 Appendix I in idea: the period is found by correlation, repeated, and turned down to nothing within
60 ms, so that a short loss is not noticed and a long one is silence without a click.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from openmpu.media.sound.blocks import Samples, silence

HISTORY: Final = 2880
"""Samples looked back at: 60 ms."""
FADE: Final = 2880
"""Samples from full to nothing: 60 ms."""
BLEND: Final = 240
"""Samples over which true sound takes over again: 5 ms."""

_LEAST_LAG, _MOST_LAG = 120, 1440  # 400 Hz to 33 Hz
_TEMPLATE: Final = 960
_STEP: Final = 4


def extension(history: Samples, done: int, samples: int) -> Samples:
    """`samples` samples that go on where `history` ended, after `done` that were made up before."""
    left = FADE - done
    if left <= 0 or len(history) < _TEMPLATE + _MOST_LAG:
        return silence(samples)
    lag = _lag(history[-HISTORY:].mean(axis=1))
    period = history[-lag:]
    going_on = period[(done + np.arange(samples)) % lag]
    gain = np.clip((left - np.arange(samples, dtype=np.float32)) / FADE, 0.0, 1.0)
    return np.asarray(going_on * gain[:, None], dtype=np.float32)


def blend(made_up: Samples, true: Samples) -> Samples:
    """`true`, its beginning blended over from `made_up`, which was going on there."""
    count = min(len(made_up), len(true))
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None]
    out = true.copy()
    out[:count] = made_up[:count] * (1 - ramp) + true[:count] * ramp
    return out


def _lag(mono: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> int:
    """The pitch period in samples: where the end of the sound looks most like itself; coarse, then fine."""
    coarse = mono[::_STEP]
    lag = _STEP * _best(coarse, _TEMPLATE // _STEP, _LEAST_LAG // _STEP, _MOST_LAG // _STEP)
    return _best(mono, _TEMPLATE, max(_LEAST_LAG, lag - _STEP), min(_MOST_LAG, lag + _STEP))


def _best(mono: np.ndarray[tuple[int, ...], np.dtype[np.float32]], template: int, least: int, most: int) -> int:
    end = mono[-template:]
    past = mono[-template - most : len(mono) - least]
    likeness = np.correlate(past, end, "valid")
    squares = np.concatenate(([0.0], np.cumsum(past.astype(np.float64) ** 2)))
    energy = squares[template:] - squares[:-template] + 1e-9
    return most - int(np.argmax(likeness / np.sqrt(energy)))
