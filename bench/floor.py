"""The floor of a job: each input decoded once, the very pictures of the mix encoded once, and nothing else."""

from __future__ import annotations

import av
import numpy as np

from bench.jobs import Inputs, Job
from openmpu.media.decoding.opus import OpusDecoder
from openmpu.media.decoding.video import VideoDecoder
from openmpu.media.encoding.sound import SoundEncoder
from openmpu.media.encoding.video import VideoEncoder
from openmpu.media.sound.blocks import silence
from openmpu.model.encoder import AudioProfile
from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import Ticks


class Decoding:
    """Every camera once, by the product's decoder."""

    def __init__(self, inputs: Inputs, codec: str) -> None:
        self._cameras = [(VideoDecoder(codec), frames, [0]) for frames in inputs.cameras]

    def run(self, until: int) -> None:
        """Up to that time."""
        for decoder, frames, place in self._cameras:
            while place[0] < len(frames) and frames[place[0]].arrival < until:
                decoder.decode(frames[place[0]])
                place[0] += 1


class Encoding:
    """The painted pictures once, by the product's encoder.

    Args:
        job: Whose.
        pictures: Those of the time after `since`.
        since: Nanoseconds.
    """

    def __init__(self, job: Job, pictures: list[np.ndarray], since: int) -> None:
        self._encoder, self._ticks = VideoEncoder(job.video), Ticks(job.video.fps)
        self._pictures, self._first = pictures, self._ticks.due(since - 1) + 1
        self._number = 0

    def run(self, until: int) -> None:
        """Up to that time."""
        while (pts := self._ticks.pts(self._first + self._number)) < until and self._number < len(self._pictures):
            picture = av.VideoFrame.from_numpy_buffer(self._pictures[self._number], "yuv420p")
            self._encoder.encode(picture, pts)
            self._number += 1


class Sound:
    """Every microphone decoded once, one AAC encoder."""

    def __init__(self, inputs: Inputs) -> None:
        self._microphones: list[tuple[OpusDecoder, tuple[EncodedFrame, ...]]] = [
            (OpusDecoder(), frames) for frames in inputs.microphones
        ]
        self._encoder, self._block = SoundEncoder(AudioProfile(), 0), silence()
        self._block += np.random.default_rng(1).normal(0, 0.1, self._block.shape)
        self._ticks, self._number = Ticks(48_000, 960), 0

    def run(self, until: int) -> None:
        """Up to that time."""
        while self._ticks.pts(self._number) < until:
            for decoder, frames in self._microphones:
                decoder.decode(frames[self._number % len(frames)].data)
            list(self._encoder.encode(self._block))
            self._number += 1
