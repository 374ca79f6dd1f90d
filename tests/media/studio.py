"""A mix without network and without waiting: people made of thin air in, packets out, and what they look and sound like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import av
import numpy as np

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.outputs import aac
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.pipeline import MixPipeline
from openmpu.model.encoder import AudioProfile
from openmpu.model.frames import EncodedFrame
from openmpu.model.geometry import PixelRect
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.scene import plan
from openmpu.model.task import MixSpec, TaskSpec
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.synthetic import Camera, Microphone

CHANNEL = ChannelId("c")
UNIX = 1_800_000_000 * SECOND


def spec_of(layout_ids: tuple[int, ...], **changes: object) -> TaskSpec:
    """A mixing task with these built-in layouts."""
    layouts = tuple(BUILT_IN[LayoutId(number)] for number in layout_ids)
    spec = TaskSpec(AppId("a"), CHANNEL, TaskId("t"), mix=MixSpec(layouts=layouts))
    return replace(spec, **changes)  # type: ignore[arg-type]


@dataclass
class Person:
    """Somebody with a camera and a microphone, whose capture begins at task time `start`.

    Attributes:
        picture_delay: From capture to arrival, like `sound_delay`.
        reports: Whether sender reports tell NTP times.
    """

    name: str
    camera: Camera | None = None
    microphone: Microphone | None = None
    start: int = 0
    picture_delay: int = 30 * MILLISECOND
    sound_delay: int = 10 * MILLISECOND
    reports: bool = True
    change: Callable[[EncodedFrame], EncodedFrame | None] = field(default=lambda frame: frame)

    @property
    def user(self) -> User:
        """As in the roster."""
        tracks = []
        if self.camera:
            tracks.append(Track(self.video_id, Kind.VIDEO, Source.CAMERA, self.camera.codec, self.start))
        if self.microphone:
            tracks.append(Track(self.audio_id, Kind.AUDIO, Source.CAMERA, "opus", self.start, 48_000, 2))
        return User(CHANNEL, UserId(self.name), self.start, tuple(tracks))

    @property
    def video_id(self) -> TrackId:
        """Of the camera."""
        return TrackId(f"{self.name}-video")

    @property
    def audio_id(self) -> TrackId:
        """Of the microphone."""
        return TrackId(f"{self.name}-audio")

    def arrivals(self) -> list[tuple[int, TrackId, EncodedFrame]]:
        """Every frame, when it comes."""
        pictures = self.camera.frames() if self.camera else []
        sound = self.microphone.frames() if self.microphone else []
        found = [self._arrival(self.video_id, frame, frame.arrival, self.picture_delay) for frame in pictures]
        captures = [(frame, frame.arrival - 20 * MILLISECOND) for frame in sound]
        found += [
            self._arrival(self.audio_id, frame, at, self.sound_delay + 20 * MILLISECOND) for frame, at in captures
        ]
        return [one for one in found if one is not None]

    def _arrival(
        self, track_id: TrackId, frame: EncodedFrame, captured: int, delay: int
    ) -> tuple[int, TrackId, EncodedFrame] | None:
        arrival = self.start + captured + delay
        ntp = UNIX + self.start + captured if self.reports and captured > SECOND // 2 else None
        changed = self.change(replace(frame, arrival=arrival, ntp=ntp))
        return None if changed is None else (changed.arrival, track_id, changed)


class Studio:
    """One mix, run as fast as possible on a clock of its own."""

    def __init__(self, spec: TaskSpec, *people: Person) -> None:
        self.spec = spec
        self.now = 0
        self.packets: list[Packet] = []
        self.formats: list[tuple[int, StreamFormat]] = []
        self.key_wishes: list[TrackId] = []
        self.present: list[Person] = []
        self.inputs: dict[TrackId, TrackInput] = {}
        self._coming: list[tuple[int, TrackId, EncodedFrame]] = []
        self.pipeline = MixPipeline(self.inputs, Interleaver(self), self.key_wishes.append)
        for person in people:
            self.join(person)
        self.replan()

    # The sink

    def put(self, packet: Packet) -> None:
        """Keep a packet."""
        self.packets.append(packet)

    def change(self, stream: StreamFormat) -> None:
        """Keep a change of format, with its place between the packets."""
        self.formats.append((len(self.packets), stream))

    # What happens

    def join(self, person: Person) -> None:
        """Come into the channel."""
        self.present.append(person)
        self._coming = sorted([*self._coming, *person.arrivals()], key=lambda one: one[0])
        self.replan()

    def leave(self, person: Person) -> None:
        """Go."""
        self.present.remove(person)
        gone = {person.video_id, person.audio_id}
        self._coming = [one for one in self._coming if one[1] not in gone]
        self.replan()

    def update(self, spec: TaskSpec) -> None:
        """Change the task."""
        self.spec = spec
        self.replan()

    def replan(self) -> None:
        """As the worker does at every change."""
        scene = plan(self.spec, Roster.of(*(person.user for person in self.present)))
        wanted = scene.shown_tracks | scene.heard_tracks
        published = {track.track_id for person in self.present for track in person.user.tracks}
        for track_id in self.inputs.keys() - published:
            self.inputs.pop(track_id).close()
        for person in self.present:
            group = SyncGroup()
            for track in person.user.tracks:
                if track.track_id in wanted and track.track_id not in self.inputs:
                    self.inputs[track.track_id] = TrackInput(track, self._group(person) or group)
        self.pipeline.set_scene(scene, self.spec)

    def _group(self, person: Person) -> SyncGroup | None:
        known = (self.inputs.get(track.track_id) for track in person.user.tracks)
        return next((entry.group for entry in known if entry), None)

    def run(self, seconds: float) -> Studio:
        """Let time pass."""
        end = self.now + round(seconds * SECOND)
        while self._coming and self._coming[0][0] <= end:
            arrival, track_id, frame = self._coming.pop(0)
            self._step_until(arrival)
            entry = self.inputs.get(track_id)
            if entry:
                entry.put(frame, arrival)
        self._step_until(end)
        return self

    def feed(self) -> None:
        """Let come what has arrived by now, without anything being made of it yet."""
        while self._coming and self._coming[0][0] <= self.now:
            arrival, track_id, frame = self._coming.pop(0)
            if track_id in self.inputs:
                self.inputs[track_id].put(frame, arrival)

    def _step_until(self, pts: int) -> None:
        while (due := self.pipeline.step(self.now, UNIX)) < pts:
            self.now = max(due, self.now)
        self.now = max(pts, self.now)

    # What came out

    def video(self) -> list[Packet]:
        """The pictures, encoded."""
        return [packet for packet in self.packets if packet.kind is Kind.VIDEO]

    def audio(self) -> list[Packet]:
        """The sound, encoded."""
        return [packet for packet in self.packets if packet.kind is Kind.AUDIO]

    @cached_property
    def pictures(self) -> list[Picture]:
        """The pictures, decoded; to be asked for at the end."""
        context = av.CodecContext.create("h264", "r")
        context.thread_count = 1
        found = []
        for packet in self.video():
            found += [Picture(packet.pts, frame) for frame in context.decode(av.Packet(packet.data))]
        return found

    @cached_property
    def sound(self) -> tuple[int, np.ndarray]:
        """Task time of the first sample, and all samples of the first channel at the profile's rate."""
        packets = self.audio()
        context = av.CodecContext.create("aac", "r")
        context.extradata = aac.configuration(self.spec.audio)
        blocks = [frame.to_ndarray()[0] for one in packets for frame in context.decode(av.Packet(one.data))]
        return packets[0].pts, np.concatenate(blocks)

    def picture_at(self, seconds: float) -> Picture:
        """What is on screen then."""
        return next(one for one in reversed(self.pictures) if one.pts <= seconds * SECOND)

    def flashes(self, pane: PixelRect) -> list[int]:
        """When the pane turned white."""
        lit = [(one.pts, one.luma(pane) > 220) for one in self.pictures]
        return [pts for (pts, now), (_, before) in zip(lit[1:], lit, strict=False) if now and not before]

    def beeps(self, hertz: float) -> list[int]:
        """When the tone began (after at least half a second without it)."""
        start, samples = self.sound
        rate = self.spec.audio.sample_rate
        slices = samples[: len(samples) // 240 * 240].reshape(-1, 240)
        at = np.arange(240) / rate
        level = np.abs(slices @ (np.exp(-2j * np.pi * hertz * at) * np.hanning(240))) / 120
        loud = np.flatnonzero(level > 0.1)
        first = [slot for place, slot in enumerate(loud) if place == 0 or slot - loud[place - 1] > rate // 480]
        return [start + int(slot) * 240 * SECOND // rate for slot in first]


@dataclass(frozen=True)
class Picture:
    """One decoded picture."""

    pts: int
    frame: av.VideoFrame

    def ycbcr(self, rect: PixelRect) -> tuple[float, float, float]:
        """Mean colour inside a rectangle, 4 pixels off its edges."""
        height, width = self.frame.height, self.frame.width
        flat = np.asarray(self.frame.to_ndarray()).reshape(-1)
        luma = flat[: width * height].reshape(height, width)
        chroma = flat[width * height :].reshape(2, height // 2, width // 2)
        inner = luma[rect.top + 4 : rect.bottom - 4, rect.left + 4 : rect.right - 4]
        half = np.s_[rect.top // 2 + 2 : rect.bottom // 2 - 2, rect.left // 2 + 2 : rect.right // 2 - 2]
        return float(inner.mean()), float(chroma[0][half].mean()), float(chroma[1][half].mean())

    def luma(self, rect: PixelRect) -> float:
        """Mean brightness inside a rectangle."""
        return self.ycbcr(rect)[0]


def nearest(moments: list[int], others: list[int]) -> list[int]:
    """For each moment the distance to the nearest of the others."""
    return [min((other - moment for other in others), key=abs) for moment in moments]


MONO_64 = AudioProfile(64, 44_100, 1)
