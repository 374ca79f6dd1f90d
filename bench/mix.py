"""What a mix costs beside its floor: decoding each input once, encoding the output once, and nothing else.

J1 4x720p30 -> 720p25, J2 16x360p15 -> 720p25, J3 9x360p15 -> 1080p30, J4 2x720p30 -> 360p15, J5 16x360p15 -> 1080p30,
each with a voice per person. The mix runs through the worker's own pipeline as fast as possible; the floor decodes the
same frames and encodes the very pictures that the mix painted. CPU seconds (all threads) per second of media, variants
in turn in one process. `--seconds` of media per round, `--rounds`, `--json` for data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from clips import camera, microphone
from openmpu.media.decoding.opus import OpusDecoder
from openmpu.media.decoding.video import VideoDecoder
from openmpu.media.encoding.sound import SoundEncoder
from openmpu.media.encoding.video import VideoEncoder
from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.pipeline import MixPipeline
from openmpu.media.sound.blocks import silence
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.scene import plan
from openmpu.model.task import MixSpec, TaskSpec
from openmpu.timing.ticks import SECOND, Ticks

CHANNEL = ChannelId("bench")
WARM_S = 1.0
"""Seconds before counting begins: first key frames, a full buffer of the encoder."""


@dataclass(frozen=True)
class Job:
    """People with cameras of one kind, mixed into a layout."""

    people: int
    size: tuple[int, int]
    fps: int
    kbps: int
    video: VideoProfile
    layout: int


JOBS = {
    "J1": Job(4, (1280, 720), 30, 1500, VideoProfile(1280, 720, 25, 1024, 50), 6),
    "J2": Job(16, (640, 360), 15, 500, VideoProfile(1280, 720, 25, 1024, 50), 9016),
    "J3": Job(9, (640, 360), 15, 500, VideoProfile(1920, 1080, 30, 2048, 60), 11),
    "J4": Job(2, (1280, 720), 30, 1500, VideoProfile(640, 360, 15, 500, 30), 2),
    "J5": Job(16, (640, 360), 15, 500, VideoProfile(1920, 1080, 30, 2048, 60), 9016),
}


@dataclass(frozen=True)
class Inputs:
    """What the people of a job send."""

    cameras: list[tuple[EncodedFrame, ...]]
    microphones: list[tuple[EncodedFrame, ...]]


def inputs_of(job: Job, codec: str, seconds: float) -> Inputs:
    """Two different clips in turn, so that not everybody moves alike."""
    width, height = job.size
    clips = [camera(codec, width, height, job.fps, job.kbps, seconds, seed) for seed in (1, 2)]
    voices = [microphone(seconds, seed) for seed in range(4)]
    return Inputs([clips[n % 2] for n in range(job.people)], [voices[n % 4] for n in range(job.people)])


class Counting:
    """Takes the packets."""

    def __init__(self) -> None:
        self.pictures = self.bytes = 0

    def put(self, packet: Packet) -> None:
        """Count it."""
        self.pictures += packet.kind is Kind.VIDEO
        self.bytes += len(packet.data)

    def change(self, stream: StreamFormat) -> None:
        """Nothing to do."""


class Mix:
    """The job in the worker's pipeline."""

    def __init__(self, job: Job, inputs: Inputs, codec: str, *, sound: bool = True) -> None:
        self.job = job
        people = [_user(number, codec, sound=sound) for number in range(job.people)]
        layouts = (BUILT_IN[LayoutId(job.layout)],)
        spec = TaskSpec(AppId("a"), CHANNEL, TaskId("t"), video=job.video, mix=MixSpec(layouts=layouts))
        self.tracks = {track.track_id: TrackInput(track, SyncGroup()) for user in people for track in user.tracks}
        self.pipeline = MixPipeline(self.tracks, Interleaver(Counting()), lambda _: None)
        self.pipeline.set_scene(plan(spec, Roster.of(*people)), spec)
        self.arrivals = _arrivals(inputs, sound=sound)
        self._tick = self.pipeline.step if sound else self.pipeline.pictures.step
        self.now = 0

    def run(self, until: int) -> None:
        """Let time pass as fast as it can."""
        while self.arrivals and self.arrivals[-1][0] <= until:
            arrival, track_id, frame = self.arrivals.pop()
            self._step(arrival)
            self.tracks[track_id].put(frame, arrival)
        self._step(until)

    def _step(self, pts: int) -> None:
        while (due := self._tick(self.now, 0)) <= pts:
            self.now = max(self.now, due)
        self.now = max(self.now, pts)


def _user(number: int, codec: str, *, sound: bool) -> User:
    video = Track(TrackId(f"v{number:02}"), Kind.VIDEO, Source.CAMERA, codec, 0)
    audio = Track(TrackId(f"a{number:02}"), Kind.AUDIO, Source.CAMERA, "opus", 0, 48_000, 2)
    return User(CHANNEL, UserId(f"u{number:02}"), number, (video, audio) if sound else (video,))


def _arrivals(inputs: Inputs, *, sound: bool) -> list[tuple[int, TrackId, EncodedFrame]]:
    """Latest first. People begin a few milliseconds apart, as people do."""
    found = []
    for number, frames in enumerate(inputs.cameras):
        found += [(frame.arrival + number * 1_700_000, TrackId(f"v{number:02}"), frame) for frame in frames]
    for number, frames in enumerate(inputs.microphones if sound else []):
        found += [(frame.arrival + number * 1_300_000, TrackId(f"a{number:02}"), frame) for frame in frames]
    return sorted(found, key=lambda one: one[0], reverse=True)


def painted(job: Job, inputs: Inputs, codec: str, seconds: float) -> list[np.ndarray]:
    """The pictures that the mix encodes, from the end of the warm-up on."""
    mix = Mix(job, inputs, codec, sound=False)
    kept: list[np.ndarray] = []
    encode = VideoEncoder.encode

    def watch(self: VideoEncoder, frame: av.VideoFrame, pts: int, *, key: bool = False) -> list[Packet]:
        if pts >= WARM_S * SECOND:
            kept.append(np.asarray(frame.to_ndarray()).copy())
        return encode(self, frame, pts, key=key)

    VideoEncoder.encode = watch  # type: ignore[method-assign]
    try:
        mix.run(round((WARM_S + seconds) * SECOND))
    finally:
        VideoEncoder.encode = encode  # type: ignore[method-assign]
    return kept


def cpu(work: Callable[[], None]) -> float:
    """CPU seconds that it takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure_mix(job: Job, inputs: Inputs, codec: str, seconds: float, *, sound: bool) -> float:
    """CPU seconds per second."""
    mix = Mix(job, inputs, codec, sound=sound)
    mix.run(round(WARM_S * SECOND))
    return cpu(lambda: mix.run(round((WARM_S + seconds) * SECOND))) / seconds


def measure_decoding(inputs: Inputs, codec: str, seconds: float) -> float:
    """Each camera once."""
    spent = 0.0
    for frames in inputs.cameras:
        decoder = VideoDecoder(codec)
        warm = [frame for frame in frames if frame.arrival < WARM_S * SECOND]
        timed = [frame for frame in frames if WARM_S * SECOND <= frame.arrival < (WARM_S + seconds) * SECOND]
        for frame in warm:
            decoder.decode(frame)
        spent += cpu(lambda decoder=decoder, timed=timed: [decoder.decode(frame) for frame in timed])  # type: ignore[misc]
    return spent / seconds


def measure_encoding(job: Job, pictures: list[np.ndarray], seconds: float) -> float:
    """The painted pictures once."""
    encoder, ticks = VideoEncoder(job.video), Ticks(job.video.fps)
    frames = [av.VideoFrame.from_numpy_buffer(picture, "yuv420p") for picture in pictures]
    for number in range(10):
        encoder.encode(frames[0], ticks.pts(number))
    return cpu(lambda: [encoder.encode(f, ticks.pts(n + 10)) for n, f in enumerate(frames)] and None) / seconds


def measure_sound(inputs: Inputs, seconds: float) -> float:
    """Each microphone decoded once, one AAC encoder."""

    def work() -> None:
        for frames in inputs.microphones:
            decoder = OpusDecoder()
            for frame in frames[: round(seconds * 50)]:
                decoder.decode(frame.data)
        encoder, block = SoundEncoder(AudioProfile(), 0), silence()
        block += np.random.default_rng(1).normal(0, 0.1, block.shape)
        for _ in range(round(seconds * 50)):
            list(encoder.encode(block))

    return cpu(work) / seconds


def run(job: Job, codec: str, seconds: float, rounds: int) -> dict[str, list[float]]:
    """All variants in turn."""
    inputs = inputs_of(job, codec, WARM_S + seconds + 0.5)
    pictures = painted(job, inputs, codec, seconds)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in (
            ("decode", measure_decoding(inputs, codec, seconds)),
            ("encode", measure_encoding(job, pictures, seconds)),
            ("video", measure_mix(job, inputs, codec, seconds, sound=False)),
            ("sound floor", measure_sound(inputs, seconds)),
            ("all", measure_mix(job, inputs, codec, seconds, sound=True)),
        ):
            found.setdefault(name, []).append(value)
    found["video ratio"] = _ratios(found, "video", ("decode", "encode"))
    found["ratio"] = _ratios(found, "all", ("decode", "encode", "sound floor"))
    return found


def _ratios(found: dict[str, list[float]], of: str, to: tuple[str, ...]) -> list[float]:
    floors = [sum(values) for values in zip(*(found[name] for name in to), strict=True)]
    return [value / floor for value, floor in zip(found[of], floors, strict=True)]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codec", choices=("h264", "vp8"), default="h264")
    parser.add_argument("--jobs", nargs="*", default=list(JOBS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(f"{'CPU-s/s':>8} {'decode':>8} {'encode':>8} {'mix':>8} {'ratio':>20} {'with sound':>11} {'ratio':>20}")
    table = {}
    for name in options.jobs:
        found = table[name] = run(JOBS[name], options.codec, options.seconds, options.rounds)
        middle = {key: statistics.median(values) for key, values in found.items()}
        print(
            f"{name:>8} {middle['decode']:8.3f} {middle['encode']:8.3f} {middle['video']:8.3f}"
            f" {_spread(found['video ratio'])} {middle['all']:11.3f} {_spread(found['ratio'])}"
        )
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.3f} [{min(values):.3f}..{max(values):.3f}]"


if __name__ == "__main__":
    main()
