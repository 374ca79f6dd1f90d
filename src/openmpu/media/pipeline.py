"""The mix: a picture side and a sound side, each with a thread of its own, and one stream of packets out of both.

Two threads, so that a picture that takes long to encode never holds the sound up. They are paced by the clock that is
handed in, run whatever the inputs do, and never wait for an output. Tests call `step` themselves and run a minute in a
blink.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from openmpu.media.clock import Clock
from openmpu.media.encoding.opus import OpusTap
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.loops import Loop
from openmpu.media.overlays import Overlays
from openmpu.media.picture_side import PictureSide
from openmpu.media.segmentation.port import Segmenter
from openmpu.media.sound.speakers import TellVoices
from openmpu.media.sound_side import SoundSide, hearing_of, to_nobody
from openmpu.model.ids import TrackId
from openmpu.model.scene import Scene
from openmpu.model.task import TaskSpec

_STOP_WITHIN_S: Final = 2.0


class MixPipeline:
    """One task's mix.

    Args:
        inputs: The subscribed tracks, kept up to date by the network thread.
        out: Takes the packets of both sides.
        want_key: Asks a track's publisher for a key frame; called in the picture thread.
        overlays: Pictures, texts and clocks; None: there are no pictures, and fonts are the system's.
        segmenter: Finds people who are to be cut out; None: they are shown with what is behind them.
        tell_voices: Hears who spoke, in the sound thread.
        tap: Hangs on the sound, for players.
    """

    def __init__(
        self,
        inputs: Mapping[TrackId, TrackInput],
        out: Interleaver,
        want_key: Callable[[TrackId], None],
        overlays: Overlays | None = None,
        segmenter: Segmenter | None = None,
        *,
        tell_voices: TellVoices = to_nobody,
        tap: OpusTap | None = None,
    ) -> None:
        self.out = out
        self.sound = SoundSide(inputs.get, self.out, tell_voices, tap)
        self.pictures = PictureSide(
            inputs, self.out, want_key, overlays, segmenter, sounding=lambda: self.sound.sounding
        )
        self._loops: tuple[Loop, ...] = ()

    def set_scene(self, scene: Scene, spec: TaskSpec) -> None:
        """What to show and play from the next tick on, whole."""
        self.pictures.plan(scene, spec)
        self.sound.plan(scene, spec.audio, hearing_of(spec))

    def force_key(self) -> None:
        """The next picture must be a key frame: somebody begins to watch."""
        self.pictures.force_key()

    def step(self, now: int, wall: int) -> int:
        """Do everything that is due at task time `now`; when something is next. For tests, instead of `start`."""
        return min(self.sound.step(now), self.pictures.step(now, wall))

    def start(self, clock: Clock, epoch: int, on_failure: Callable[[Exception], None]) -> None:
        """Begin, in two threads paced by the clock; `epoch` is its reading at task time 0."""

        def picture_step(now: int) -> int:
            return self.pictures.step(now, time.time_ns() - now)

        self._loops = (
            Loop("pictures", picture_step, clock, epoch, on_failure),
            Loop("sound", self.sound.step, clock, epoch, on_failure),
        )
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """End the threads; what the encoders still hold goes out."""
        ended = [loop.stop(_STOP_WITHIN_S) for loop in self._loops]
        if all(ended):
            self.pictures.finish()
            self.sound.finish()
            self.out.flush()

    def figures(self, now: int) -> Figures:
        """How both sides are going, at task time `now`."""
        return self.pictures.figures(now) | self.sound.figures()
