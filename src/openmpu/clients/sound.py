"""The test sound: a user's own tone, loud for a tenth of a second at whole seconds of Unix time, faint in between.

The beep starts with the flash of `picture.py`, so that sound against picture can be measured in any received stream,
and the faint hum lets each user be found in a mix at any time. Every sample follows from its number alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.errors import Invalid

BEEP_SECONDS = 0.1
BEEP_DB, HUM_DB = -14.0, -36.0
"""Peak levels against full scale; six beeps at once still fit in."""

_RAMP = SAMPLE_RATE // 500
"""Samples: 2 ms of rise and fall, so that nothing clicks into other users' bands."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What tells one test sound from another. `tone_hz` 0: silence."""

    tone_hz: int
    hum: bool = True

    def __post_init__(self) -> None:
        """Refuse tones that Opus would cut away.

        Raises:
            Invalid: Not 0 and not 50 to 12000 Hz.
        """
        if self.tone_hz and not 50 <= self.tone_hz <= 12_000:
            raise Invalid("tone", f"{self.tone_hz} Hz: must be 50 to 12000, or 0 for silence")


def samples(voice: Voice, first: int, count: int) -> npt.NDArray[np.int16]:
    """Mono samples `first` to `first + count`, numbered from the Unix epoch at 48 kHz."""
    if not voice.tone_hz:
        return np.zeros(count, np.int16)
    numbers = np.arange(first, first + count, dtype=np.int64)
    phase = numbers * voice.tone_hz % SAMPLE_RATE * (2 * math.pi / SAMPLE_RATE)
    waves = np.sin(phase) * _loudness(numbers % SAMPLE_RATE, hum=voice.hum)
    rounded: npt.NDArray[np.int16] = np.round(waves * 32767).astype(np.int16)
    return rounded


def _loudness(place: npt.NDArray[np.int64], *, hum: bool) -> npt.NDArray[np.float64]:
    """Amplitude at each place within its second; rise and fall are centred on the beep's begin and end."""
    length = round(BEEP_SECONDS * SAMPLE_RATE)
    half = _RAMP // 2
    turns = np.array([0, half, length - half, length + half, SAMPLE_RATE - half, SAMPLE_RATE])
    beep, floor = 10 ** (BEEP_DB / 20), 10 ** (HUM_DB / 20) if hum else 0.0
    middle = (beep + floor) / 2
    return np.interp(place, turns, [middle, beep, beep, floor, floor, middle])


def level_dbov(block: npt.NDArray[np.int16]) -> int:
    """How loud a block is, for the audio level header (RFC 6464): 0 is loudest, 127 silence."""
    power = float(np.mean(np.square(block.astype(np.float64)))) / 32768**2
    return 127 if power <= 0 else min(127, max(0, round(-10 * math.log10(power))))
