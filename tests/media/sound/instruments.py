"""Sound sources and measures for the tests: tones as raw packets, spectra, clicks."""

import numpy as np

from openmpu.media.inputs.track_input import Incoming
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE, Samples
from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import MILLISECOND, SECOND


def tone(hertz: float, start: int, samples: int, level: float = 0.5) -> Samples:
    """A sine, continuous in its sample number, on both channels."""
    at = np.arange(start, start + samples)
    mono = level * np.sin(2 * np.pi * hertz * at / SAMPLE_RATE)
    return np.repeat(mono.astype(np.float32)[:, None], 2, axis=1)


class RawDecoder:
    """Packets that are samples: for measuring what a codec would blur."""

    def __init__(self) -> None:
        self.errors = 0

    def decode(self, data: bytes) -> Samples | None:
        """The samples themselves."""
        return np.frombuffer(data, np.float32).reshape(-1, 2)


def packet(number: int, samples: Samples, pts: int | None = None, ntp: int | None = None) -> Incoming:
    """Packet `number` of 20 ms; due at `pts`, else where an exact clock puts it."""
    media = number * 20 * MILLISECOND
    frame = EncodedFrame(number * BLOCK, media, samples.tobytes(), ntp=ntp)
    return Incoming(media if pts is None else pts, media, frame)


class Feed:
    """A voice's source that holds packets until they are due."""

    def __init__(self, packets: list[Incoming], delay: int = 60 * MILLISECOND) -> None:
        self.packets, self.delay = packets, delay
        self.heard: list[int] = []

    def due(self, pts: int) -> list[Incoming]:
        """Those not after `pts`."""
        due = [one for one in self.packets if one.pts <= pts]
        self.packets = [one for one in self.packets if one.pts > pts]
        return due

    def note_heard(self, distance: int, pts: int) -> None:
        """Keep what was told."""
        self.heard.append(distance)


def loudness(samples: Samples, hertz: float) -> float:
    """Amplitude of a tone in the sound (Goertzel over a Hann window)."""
    mono = samples[:, 0].astype(np.float64)
    window = np.hanning(len(mono))
    at = np.arange(len(mono)) / SAMPLE_RATE
    return float(2 * abs(np.sum(mono * window * np.exp(-2j * np.pi * hertz * at))) / window.sum())


def click_dbfs(samples: Samples, hertz: float) -> float:
    """The largest sample that does not go on from the two before it as the tone would: a click, in dBFS."""
    mono = samples[:, 0].astype(np.float64)
    rest = mono[2:] - 2 * np.cos(2 * np.pi * hertz / SAMPLE_RATE) * mono[1:-1] + mono[:-2]
    return float(20 * np.log10(np.abs(rest).max() + 1e-9))


def above_dbfs(samples: Samples, hertz: float) -> float:
    """What there is above a frequency, as a level: distortion and clicks of a sum of lower tones."""
    mono = samples[:, 0].astype(np.float64) * np.hanning(len(samples))
    spectrum = np.fft.rfft(mono)
    spectrum[np.fft.rfftfreq(len(mono), 1 / SAMPLE_RATE) < hertz] = 0
    return float(10 * np.log10((np.fft.irfft(spectrum, len(mono)) ** 2).mean() + 1e-12))


def blocks_of(voice: object, count: int, start: int = 0) -> Samples:
    """`count` blocks of a voice; silence where it has none."""
    out = []
    for number in range(count):
        block = voice.block(start + number * BLOCK * SECOND // SAMPLE_RATE)  # type: ignore[attr-defined]
        out.append(np.zeros((BLOCK, 2), np.float32) if block is None else block)
    return np.concatenate(out)
