"""Somebody who speaks, and noises that are no speech: 48 kHz, both channels."""

from __future__ import annotations

import io
import subprocess
import wave
from functools import cache

import numpy as np

from openmpu.media.sound.blocks import SAMPLE_RATE, Samples
from tests.rig.debian import need

SENTENCE = (
    "Good morning everybody, and welcome to the first lesson of this term. "
    "Today we are going to read a story about a fox, a dog, and a very long river."
)


@cache
def speech(text: str = SENTENCE) -> Samples:
    """A sentence, spoken by espeak-ng without silence before it."""
    program = need("espeak-ng", program="espeak-ng")
    spoken = subprocess.run([program, "--stdout", text], check=True, capture_output=True, timeout=30).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        mono = np.frombuffer(file.readframes(file.getnframes()) or spoken[44:], "<i2").astype(np.float32) / 32768
    mono = mono[np.flatnonzero(np.abs(mono) > 0.02)[0] :]
    at = np.arange(0, len(mono) - 1, rate / SAMPLE_RATE)
    return both(np.interp(at, np.arange(len(mono)), mono))


def both(mono: np.ndarray) -> Samples:
    """One channel as two."""
    return np.repeat(mono.astype(np.float32)[:, None], 2, axis=1)


def hush(seconds: float) -> Samples:
    """Silence."""
    return np.zeros((round(seconds * SAMPLE_RATE), 2), np.float32)


def tones(*hertz: float, seconds: float = 4.0, level: float = 0.2, beep: bool = False) -> Samples:
    """Steady tones, or beeps of 200 ms each second."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(level * np.sin(2 * np.pi * one * at) for one in hertz)
    return both(sound * (at % 1 < 0.2) if beep else sound)


def noise(slope: float, seconds: float = 4.0, rms: float = 0.1, beat: float = 1.0) -> Samples:
    """Noise whose power falls with the frequency to the power of `slope`: 0 white, 1 pink, 2 brown.

    `beat`: share of each second in which it sounds.
    """
    count = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    shaped = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 80) ** (slope / 2), count)
    return both(rms * shaped / shaped.std() * (np.arange(count) / SAMPLE_RATE % 1 < beat))
