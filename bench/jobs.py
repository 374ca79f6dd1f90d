"""The jobs that all benchmarks of mixes share: who sends what, and what is made of it.

J1 4x720p30 -> 720p25, J2 16x360p15 -> 720p25, J3 9x360p15 -> 1080p30, J4 2x720p30 -> 360p15, J5 16x360p15 -> 1080p30,
J6 J1 with every kind of overlay; each with a voice per person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bench.clips import camera, microphone
from bench.dressing import dressed
from openmpu.model.colours import BT709, matrix_of
from openmpu.model.encoder import VideoProfile
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.scene import Scene, plan
from openmpu.model.task import MixSpec, TaskSpec
from openmpu.timing.ticks import SECOND

CHANNEL = ChannelId("bench")
STAGGER_NS = 1_700_000
"""People begin a few milliseconds apart, as people do."""


@dataclass(frozen=True)
class Job:
    """People with cameras of one kind, mixed into a layout."""

    people: int
    size: tuple[int, int]
    fps: int
    kbps: int
    video: VideoProfile
    layout: int
    overlays: bool = False


JOBS = {
    "J1": Job(4, (1280, 720), 30, 1500, VideoProfile(1280, 720, 25, 1024, 50), 6),
    "J2": Job(16, (640, 360), 15, 500, VideoProfile(1280, 720, 25, 1024, 50), 9016),
    "J3": Job(9, (640, 360), 15, 500, VideoProfile(1920, 1080, 30, 2048, 60), 11),
    "J4": Job(2, (1280, 720), 30, 1500, VideoProfile(640, 360, 15, 500, 30), 2),
    "J5": Job(16, (640, 360), 15, 500, VideoProfile(1920, 1080, 30, 2048, 60), 9016),
    "J6": Job(4, (1280, 720), 30, 1500, VideoProfile(1280, 720, 25, 1024, 50), 6, overlays=True),
}


@dataclass(frozen=True)
class Inputs:
    """What the people of a job send."""

    cameras: list[tuple[EncodedFrame, ...]]
    microphones: list[tuple[EncodedFrame, ...]]


def inputs_of(job: Job, codec: str, seconds: float, *, told: bool = True) -> Inputs:
    """Two different clips in turn, so that not everybody moves alike.

    Args:
        job: Which.
        codec: Of the cameras.
        seconds: At least.
        told: The cameras say that their colours are those of the canvas; otherwise nothing, and BT.601 is assumed.
    """
    matrix = (1 if matrix_of(job.video.height) is BT709 else 6) if told else None
    clips = [camera(codec, *job.size, job.fps, job.kbps, seconds, seed, matrix) for seed in (1, 2)]
    voices = [microphone(seconds, seed) for seed in range(4)]
    return Inputs([clips[n % 2] for n in range(job.people)], [voices[n % 4] for n in range(job.people)])


def looped(inputs: Inputs, length: float, times: int) -> Inputs:
    """The same again and again; clips begin with a key frame."""

    def again(frames: tuple[EncodedFrame, ...]) -> tuple[EncodedFrame, ...]:
        rate = 48_000 if frames in inputs.microphones else 90_000
        return tuple(
            replace(
                frame,
                rtp_time=(frame.rtp_time + round(turn * length * rate)) & 0xFFFFFFFF,
                arrival=frame.arrival + round(turn * length * SECOND),
            )
            for turn in range(times)
            for frame in frames
        )

    return Inputs([again(frames) for frames in inputs.cameras], [again(frames) for frames in inputs.microphones])


def spec_of(job: Job) -> TaskSpec:
    """The task."""
    layouts = (BUILT_IN[LayoutId(job.layout)],)
    return TaskSpec(AppId("a"), CHANNEL, TaskId("t"), video=job.video, mix=MixSpec(layouts=layouts))


def people_of(job: Job, codec: str, *, sound: bool) -> list[User]:
    """Who is there."""
    return [_user(number, codec, sound=sound) for number in range(job.people)]


def scene_of(job: Job, people: list[User]) -> Scene:
    """What is painted."""
    plain = plan(spec_of(job), Roster.of(*people))
    return dressed(plain) if job.overlays else plain


def _user(number: int, codec: str, *, sound: bool) -> User:
    video = Track(TrackId(f"v{number:02}"), Kind.VIDEO, Source.CAMERA, codec, 0)
    audio = Track(TrackId(f"a{number:02}"), Kind.AUDIO, Source.CAMERA, "opus", 0, 48_000, 2)
    return User(CHANNEL, UserId(f"u{number:02}"), number, (video, audio) if sound else (video,))


Arrival = tuple[int, TrackId, EncodedFrame]


def arrivals(inputs: Inputs, *, sound: bool) -> list[Arrival]:
    """All frames in the order of coming."""
    streams = [(TrackId(f"v{n:02}"), n, frames) for n, frames in enumerate(inputs.cameras)]
    if sound:
        streams += [(TrackId(f"a{n:02}"), n, frames) for n, frames in enumerate(inputs.microphones)]
    found = [(frame.arrival + n * STAGGER_NS, name, frame) for name, n, frames in streams for frame in frames]
    return sorted(found, key=lambda one: one[:2])
