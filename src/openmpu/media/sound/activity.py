"""Who speaks: WebRTC's voice detector on decoded sound, the told level (RFC 6464) where nothing is decoded.

The detector alone takes hums and fans for voices. Speech is neither one steady frequency nor flat noise, and its
loudness moves: what does not look so is no voice, whatever the detector says.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import webrtcvad

from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE, Samples
from openmpu.media.sound.levels import LONG, SILENT_DB, decibels, power_of

STRICTEST: Final = 3
"""Of the detector's modes 0 to 3."""
BLOCK_MS: Final = BLOCK * 1000 // SAMPLE_RATE
LEAST_STEP_DB: Final = 1.5
LEAST_STEPS: Final = 3
"""So often the level must have changed so much from block to block within 400 ms; a sound that begins makes one or
two steps, syllables make ten."""
PUREST: Final = 0.9
"""Share of the power in one narrow band from which it is a tone."""
FLATTEST: Final = 0.3
"""Spectral flatness from which it is noise: white noise has 0.56, vowels less than 0.1. The same with every octave
raised by 6 dB, for rumbling noise."""

SPEAKING: Final = 150
"""`vad` of somebody who speaks (callbacks.md 6.2)."""
PAUSE: Final = 10
"""Blocks without voice (200 ms) that are a pause between words."""
DYING: Final = 150
"""Blocks (3 s) after the last voice until `vad` is 0."""
ONSET: Final = 5
"""Voiced blocks (100 ms) within the last `ONSET_WITHIN` that are speech."""
ONSET_WITHIN: Final = 15

_LOW, _HIGH, _NARROW = 2, 80, 2  # bins of 50 Hz: 100 to 4000 Hz, and 5 bins for a tone under a Hann window
_WINDOW: Final = np.hanning(BLOCK).astype(np.float32)
_RAISED: Final = np.square(np.arange(_LOW, _HIGH, dtype=np.float32))
_LEAST: Final = 1e-12
_Floats: TypeAlias = npt.NDArray[np.floating]


class Activity:
    """One user's voice, block by block. Used by the sound thread; others may read `vad`."""

    def __init__(self) -> None:
        self._detector = webrtcvad.Vad(STRICTEST)
        self._levels: deque[float] = deque(maxlen=LONG)
        self._recent: deque[bool] = deque(maxlen=ONSET_WITHIN)
        self._quiet = DYING
        self._voiced_ms = 0

    def hear(self, block: Samples | None) -> None:
        """Take the next decoded block; None: silence."""
        level = decibels(power_of(block)) if block is not None else decibels(0.0)
        self._levels.append(level)
        self._note(block is not None and level > SILENT_DB and self._moves() and self._is_voice(block))

    def hear_of(self, power: float) -> None:
        """Take the told power of the next block, which is not decoded."""
        level = decibels(power)
        self._levels.append(level)
        self._note(level > SILENT_DB and self._moves())

    @property
    def vad(self) -> int:
        """150: speaking; then dying away to 0 within 3 s."""
        if self._quiet <= PAUSE:
            return SPEAKING
        return SPEAKING * max(0, DYING - self._quiet) // (DYING - PAUSE)

    def take_voiced_ms(self) -> int:
        """Voiced time since this was asked last."""
        voiced, self._voiced_ms = self._voiced_ms, 0
        return voiced

    def _note(self, voiced: bool) -> None:
        self._recent.append(voiced)
        self._voiced_ms += BLOCK_MS * voiced
        speaks = voiced and sum(self._recent) >= ONSET
        self._quiet = 0 if speaks else min(self._quiet + 1, DYING)

    def _moves(self) -> bool:
        return sum(abs(after - before) >= LEAST_STEP_DB for before, after in pairwise(self._levels)) >= LEAST_STEPS

    def _is_voice(self, block: Samples) -> bool:
        mono = block.mean(axis=1)
        if len(mono) != BLOCK or not looks_spoken(mono):
            return False
        samples = (np.clip(mono, -1.0, 1.0) * 32767).astype("<i2").tobytes()
        return bool(self._detector.is_speech(samples, SAMPLE_RATE))


def looks_spoken(mono: _Floats) -> bool:
    """Whether the spectrum of a block is neither a tone's nor flat noise's."""
    powers = np.abs(np.fft.rfft(mono * _WINDOW)) ** 2
    total = float(powers[1:].sum()) + _LEAST
    top = 1 + int(powers[1:].argmax())
    if float(powers[max(0, top - _NARROW) : top + _NARROW + 1].sum()) / total > PUREST:
        return False
    band = powers[_LOW:_HIGH] + _LEAST
    return max(_flatness(band), _flatness(band * _RAISED)) < FLATTEST


def _flatness(powers: _Floats) -> float:
    return float(np.exp(np.log(powers).mean()) / powers.mean())
