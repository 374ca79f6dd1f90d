"""Listening to a received stream: its samples, gaps in them, and the level of each user's tone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from openmpu.clients.encoders import SAMPLE_RATE
from openmpu.clients.reading import beep_times, tone_level
from tests.rig.packets import SECOND, PacketInfo


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded sound, mono at 48 kHz, on the stream's own time line (holes are filled with silence)."""

    start: int
    """pts of the first sample, nanoseconds."""
    samples: npt.NDArray[np.float32]

    def part(self, start_s: float, end_s: float) -> Sound:
        """The samples in [start, end) seconds of the stream."""
        first = max(0, round((start_s - self.start / SECOND) * SAMPLE_RATE))
        last = max(first, round((end_s - self.start / SECOND) * SAMPLE_RATE))
        return Sound(self.start + first * SECOND // SAMPLE_RATE, self.samples[first:last])

    def beeps(self, tone_hz: float) -> list[int]:
        """When each beep of that tone begins, nanoseconds of the stream."""
        return beep_times(self.samples, tone_hz, self.start)

    def level(self, tone_hz: float) -> float:
        """Mean level of a tone over all of it, decibels against full scale."""
        return tone_level(self.samples, tone_hz)


def read_sound(path: Path) -> Sound:
    """The sound of a file; empty if it has none."""
    blocks: list[tuple[int, npt.NDArray[np.float32]]] = []
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return Sound(0, np.zeros(0, np.float32))
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        try:
            for frame in container.decode(audio=0):
                pts = round((frame.pts or 0) * (frame.time_base or 0) * SECOND)
                parts = [block.to_ndarray().reshape(-1) for block in resampler.resample(frame)]
                if parts:
                    blocks.append((pts, np.concatenate(parts).astype(np.float32)))
        except av.FFmpegError:
            pass
    return _laid_out(blocks)


def _laid_out(blocks: list[tuple[int, npt.NDArray[np.float32]]]) -> Sound:
    """Blocks put where their pts says, to the millisecond that FLV counts in; runs without a hole stay whole."""
    if not blocks:
        return Sound(0, np.zeros(0, np.float32))
    start, expected = blocks[0][0], blocks[0][0]
    laid: list[npt.NDArray[np.float32]] = []
    for pts, samples in blocks:
        if pts - expected > SECOND // 200:
            hole = (pts - expected) * SAMPLE_RATE // SECOND
            laid.append(np.zeros(hole, np.float32))
            expected += hole * SECOND // SAMPLE_RATE
        laid.append(samples)
        expected += len(samples) * SECOND // SAMPLE_RATE
    return Sound(start, np.concatenate(laid))


def sound_gaps(packets: list[PacketInfo], samples_per_packet: int = 1024) -> list[tuple[int, int]]:
    """(pts, nanoseconds missing) wherever an audio packet comes later than the one before it lasts; tolerance 2 ms."""
    length = samples_per_packet * SECOND // SAMPLE_RATE
    steps = [(before.pts, after.pts - before.pts - length) for before, after in pairwise(packets)]
    return [(pts, missing) for pts, missing in steps if abs(missing) > 2_000_000]
