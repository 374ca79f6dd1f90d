"""Reading test pictures and test sound back out of a received stream: marks, flashes, tones, beeps, their delays.

The other side of `picture.py` and `sound.py`, used by the demo's figures and by the tests. Works on decoded pictures
and samples only; whoever calls knows where the panes are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from openmpu.clients import marks
from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.picture import FLASH_FIELD
from openmpu.model.geometry import PixelRect, Rect

Luma = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]

_SECOND = 1_000_000_000
_LEAST_CONTRAST = 60
_WINDOW = SAMPLE_RATE // 50
"""20 ms: a Hann window of that length keeps tones 100 Hz apart from one another."""
_LEAST_BEEP = 0.03
"""Peak amplitude, 16 dB below the beeps of the test sound: other users' beginnings leak less than that."""
_LEAST_RISE = 2.0
"""A beep is 22 dB above its hum; anything below 6 dB is not one."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one picture shows in one pane.

    Attributes:
        pts: Nanoseconds of the stream.
        mark: Which frame of whom; None if it cannot be read.
        flash: Brightness of the flash field, 0 (black) to 1 (white).
    """

    pts: int
    mark: marks.Mark | None
    flash: float


def look(luma: Luma, pane: PixelRect, pts: int) -> Sight:
    """Read the test picture that fills `pane` (where its video is, without borders)."""
    return Sight(pts, read_mark(luma, pane), (_mean(luma, pane, FLASH_FIELD) - 16) / 219)


def read_mark(luma: Luma, pane: PixelRect) -> marks.Mark | None:
    """The mark of the test picture in `pane`."""
    values = [_mean(luma, pane, cell) for cell in marks.cells()]
    low, high = min(values), max(values)
    if high - low < _LEAST_CONTRAST:
        return None
    return marks.from_bits([value > (low + high) / 2 for value in values])


def _mean(luma: Luma, pane: PixelRect, share: Rect) -> float:
    """Mean of the middle half of a part of the pane: its edges are blurred by scaling."""
    left = pane.left + (share.x + share.width / 4) * pane.width
    top = pane.top + (share.y + share.height / 4) * pane.height
    columns = slice(math.floor(left), max(math.floor(left) + 1, math.ceil(left + share.width / 2 * pane.width)))
    rows = slice(math.floor(top), max(math.floor(top) + 1, math.ceil(top + share.height / 2 * pane.height)))
    part = luma[rows, columns]
    return float(part.mean()) if part.size else 0.0


def flash_times(sights: Sequence[Sight]) -> list[int]:
    """The pts of each first picture whose flash field is white after one where it was not."""
    pairs = itertools.pairwise(sights)
    return [now.pts for before, now in pairs if before.flash < 0.5 <= now.flash]


def tone_strength(samples: Samples, tone_hz: float) -> Samples:
    """How strong a tone is around each sample, as peak amplitude (1.0 is full scale)."""
    window = np.hanning(_WINDOW + 1)
    window /= window.sum()
    turning = np.exp(-2j * math.pi * tone_hz / SAMPLE_RATE * np.arange(len(samples)))
    strength: Samples = (2 * np.abs(_filtered(samples * turning, window))).astype(np.float32)
    return strength


def _filtered(signal: npt.NDArray[np.complex128], window: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """Convolution by FFT, as long as the signal, without delay."""
    size = 1 << (len(signal) + len(window)).bit_length()
    whole = np.fft.ifft(np.fft.fft(signal, size) * np.fft.fft(window, size))
    start = len(window) // 2
    kept: npt.NDArray[np.complex128] = whole[start : start + len(signal)]
    return kept


def beep_times(samples: Samples, tone_hz: float, start: int = 0) -> list[int]:
    """When each beep of a tone begins, in nanoseconds.

    Args:
        samples: Mono at 48 kHz.
        tone_hz: Of the user.
        start: The pts of the first sample.
    """
    strength = tone_strength(samples, tone_hz)
    loud, faint = float(strength.max(initial=0.0)), float(np.median(strength)) if len(strength) else 0.0
    if loud < _LEAST_BEEP or loud < _LEAST_RISE * faint:
        return []
    above = strength >= (loud + faint) / 2
    rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    begins = [rise for rise in rises if above[rise : rise + SAMPLE_RATE // 50].all()]
    return [start + int(begin) * _SECOND // SAMPLE_RATE for begin in begins]


def tone_level(samples: Samples, tone_hz: float) -> float:
    """The mean level of a tone in decibels against full scale; -inf without samples."""
    strength = tone_strength(samples, tone_hz)
    whole = strength[_WINDOW // 2 : -_WINDOW // 2] if len(strength) > 2 * _WINDOW else strength
    power = float(np.mean(np.square(whole))) if len(whole) else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def captured(mark: marks.Mark, fps: int, near: int) -> int:
    """When a marked frame was made, in nanoseconds of Unix time; `near` is within days of it, to undo the wrap."""
    guess = marks.frame_number(near, fps)
    turn = marks.NUMBER_RANGE
    number = guess + (mark.number - guess + turn // 2) % turn - turn // 2
    return marks.frame_moment(number, fps)


def picture_delays(sights: Sequence[Sight], fps: int, near: int) -> list[int]:
    """For each picture with a readable mark: its pts minus the moment it was made."""
    return [sight.pts - captured(sight.mark, fps, near) for sight in sights if sight.mark]


def sound_delays(beeps: Sequence[int], around: int) -> list[int]:
    """For each beep: its pts minus the whole second that it began with, as near to the delay `around` as can be."""
    return [around + (beep - around + _SECOND // 2) % _SECOND - _SECOND // 2 for beep in beeps]


def av_offset(sights: Sequence[Sight], beeps: Sequence[int], fps: int, near: int) -> int | None:
    """By how much sound comes after its picture, in nanoseconds (median over median); None without both."""
    delays = picture_delays(sights, fps, near)
    if not delays or not beeps:
        return None
    picture = int(np.median(delays))
    return int(np.median(sound_delays(beeps, picture))) - picture
