"""The sound of a mix: one block after the other, mixed a little before its time, encoded and sent; it never stops.

Blocks are mixed LEAD ahead, because the encoder keeps up to two of them: so its packets come out in step with the
pictures. What is behind is caught up block by block, so that the count of samples stays true.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from openmpu.media.encoding.opus import OpusTap
from openmpu.media.encoding.sei_messages import tells_vad
from openmpu.media.encoding.sound import FRAME, SoundEncoder
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import SOUND_AHEAD, TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.packets import Packet
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE
from openmpu.media.sound.limiter import LOOK_AHEAD_NS
from openmpu.media.sound.mixer import Mixer, Speaker
from openmpu.media.sound.speakers import Speakers, TellVoices
from openmpu.media.sound.voice import BLOCK_NS, Source
from openmpu.model.encoder import AudioProfile
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.model.scene import Scene
from openmpu.model.task import TaskSpec
from openmpu.timing.ticks import MILLISECOND, SECOND, Ticks
from openmpu.wire.sei import Sounding

LEAD: Final = SOUND_AHEAD - LOOK_AHEAD_NS - BLOCK_NS
IDLE: Final = 40 * MILLISECOND
"""Between two looks whether sound is wanted now."""
MOST_BEHIND: Final = 10 * SECOND
"""The machine stood still for longer: begin anew at the present."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is to be found out about voices.

    Attributes:
        voices_every_ms: Tell who spoke in each interval of so long; 0: do not.
        detects: Know who speaks now, for SEI.
    """

    voices_every_ms: int = 0
    detects: bool = False


def hearing_of(spec: TaskSpec) -> Hearing:
    """What a task wants to know."""
    return Hearing(spec.vad_interval_ms, tells_vad(spec))


def to_nobody(interval_ms: int, speakers: object) -> None:
    """For those who do not care."""


class SoundSide:
    """Used by the sound thread, but for `plan`.

    Args:
        source_of: The subscribed track of that id.
        out: Takes the packets.
        tell_voices: Hears who spoke, in the sound thread.
        tap: Gets every block that is mixed; None: nobody wants them but the encoder.
    """

    def __init__(
        self,
        source_of: Callable[[TrackId], TrackInput | None],
        out: Interleaver,
        tell_voices: TellVoices = to_nobody,
        tap: OpusTap | None = None,
    ) -> None:
        self.blocks = self.late = 0
        self.mixer = Mixer(self._source)
        self._source_of, self._out, self._tap = source_of, out, tap
        self._lock = threading.Lock()
        self._planned: tuple[Scene, AudioProfile | None, Hearing] | None = None
        self._speakers = Speakers(tell_voices)
        self._encoder: SoundEncoder | None = None
        self._ticks = Ticks(SAMPLE_RATE, BLOCK)
        self._number = 0
        self._frame_ns = 0

    def plan(self, scene: Scene, profile: AudioProfile | None, hearing: Hearing | None = None) -> None:
        """Who is heard from the next block on, and how it is encoded; None: nothing is sent. Any thread."""
        with self._lock:
            self._planned = (scene, profile, hearing or Hearing())

    @property
    def volumes(self) -> dict[Speaker, int]:
        """`vol` of everybody who may be heard."""
        return self.mixer.volumes

    @property
    def sounding(self) -> dict[Speaker, Sounding]:
        """`vol` and `vad` of everybody who may be heard. Any thread."""
        return self.mixer.sounding

    def figures(self) -> Figures:
        """Counts of blocks and voices."""
        voices = self.mixer.voices
        return {
            "sound_blocks": self.blocks,
            "sound_late": self.late,
            "voices": len(voices),
            "concealed_ms": sum(voice.timeline.concealed for voice in voices) * 1000 // SAMPLE_RATE,
            "sound_errors": sum(voice.decoder.errors for voice in voices),
            "sound_jumps": sum(voice.jumps for voice in voices),
        }

    def step(self, now: int) -> int:
        """Mix the blocks that are due; when the next one is."""
        self._adopt(now)
        if self._encoder is None:
            return now + IDLE
        if now - self._due() > MOST_BEHIND:
            self._begin(self._encoder.profile, self._out.after_last(Kind.AUDIO, now))
        while (due := self._due()) <= now:
            self._block(now - due)
        return due

    def finish(self) -> None:
        """No more blocks come: what the encoder still holds goes out."""
        if self._encoder is not None:
            self._put_all(self._encoder.finish())
            self._encoder = None

    def _due(self) -> int:
        return self._ticks.pts(self._number) - LEAD

    def _block(self, behind: int) -> None:
        assert self._encoder is not None  # noqa: S101 - the caller looked
        self.blocks += 1
        self.late += behind > LEAD
        pts = self._ticks.pts(self._number)
        block = self.mixer.block(pts)
        self._speakers.step(pts, self.mixer.talkers)
        self._number += 1
        if self._tap:
            self._tap.take(block, pts)
        self._put_all(self._encoder.encode(block))

    def _put_all(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            self._out.put(packet)
            self._out.reach(Kind.AUDIO, packet.pts + self._frame_ns)

    def _adopt(self, now: int) -> None:
        if self._planned is None:
            return
        with self._lock:
            (scene, profile, hearing), self._planned = self._planned, None
        self.mixer.set_scene(scene)
        self.mixer.detect(wanted=hearing.detects or hearing.voices_every_ms > 0)
        self._speakers.every(hearing.voices_every_ms)
        if profile is None:
            self.finish()
        elif self._encoder is None:
            self._begin(profile, self._out.after_last(Kind.AUDIO, now))
        elif self._encoder.profile != profile:
            self._put_all(self._encoder.finish())
            self._begin(profile, self._ticks.pts(self._number))

    def _begin(self, profile: AudioProfile, base: int) -> None:
        self._ticks, self._number = Ticks(SAMPLE_RATE, BLOCK, base), 0
        self._encoder = SoundEncoder(profile, base)
        self._frame_ns = FRAME * SECOND // profile.sample_rate
        self._out.set_audio(profile)

    def _source(self, track_id: TrackId) -> Source | None:
        source = self._source_of(track_id)
        return source if source is not None and source.track.codec == "opus" else None
