"""The mix: one block of output sound for every 20 ms, whoever speaks, also when nobody does.

Voices are users: all audio tracks of one user (a microphone, the sound of a screen) are one voice. Knows nothing of
threads and encoders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from openmpu.media.sound.blocks import Samples, silence
from openmpu.media.sound.levels import LONG, Level, power_of
from openmpu.media.sound.limiter import LOOK_AHEAD_NS, Limiter
from openmpu.media.sound.loudest import Loudest
from openmpu.media.sound.voice import Source, Voice, faded
from openmpu.model.ids import ChannelId, TrackId, UserId
from openmpu.model.scene import Scene
from openmpu.model.scene import Voice as VoicePlan

Speaker = tuple[ChannelId, UserId]
MAX_VOICES: Final = 64
"""More tracks than this at once are not decoded."""


class _Heard:
    """One user's tracks and level."""

    def __init__(self) -> None:
        self.voices: dict[TrackId, Voice] = {}
        self.level = Level()
        self.gain = 0.0
        self.leaving = False

    def block(self, pts: int) -> Samples | None:
        blocks = [block for voice in self.voices.values() if (block := voice.block(pts)) is not None]
        total = blocks[0] if blocks else None
        for block in blocks[1:]:
            total = total + block if total is not None else block
        self.level.put(power_of(total) if total is not None else 0.0)
        return total


class Mixer:
    """Used by the sound thread only.

    Args:
        source_of: Where a track's packets come from; None: not subscribed (yet).
    """

    def __init__(self, source_of: Callable[[TrackId], Source | None]) -> None:
        self._source_of = source_of
        self._heard: dict[Speaker, _Heard] = {}
        self._plans: Mapping[Speaker, VoicePlan] = {}
        self._limit: int | None = None
        self._limiter = Limiter()
        self._loudest: Loudest[Speaker] = Loudest()

    def set_scene(self, scene: Scene) -> None:
        """Who may be heard from the next block on."""
        self._plans = {(voice.channel_id, voice.user): voice for voice in scene.voices}
        self._limit = scene.voices_limit
        for speaker, heard in self._heard.items():
            heard.leaving = speaker not in self._plans

    def block(self, pts: int) -> Samples:
        """The mixed block for `pts`."""
        self._tune()
        ahead = pts + LOOK_AHEAD_NS
        blocks = {speaker: heard.block(ahead) for speaker, heard in self._heard.items()}
        staying = {who: heard.level.dbfs(LONG) for who, heard in self._heard.items() if not heard.leaving}
        chosen = self._loudest.choose(staying, self._limit, pts)
        total = silence()
        for speaker, block in blocks.items():
            self._add(total, self._heard[speaker], block, 1.0 if speaker in chosen else 0.0)
        self._drop_gone()
        return self._limiter.limit(total)

    @property
    def volumes(self) -> dict[Speaker, int]:
        """`vol` (0 to 255) of everybody who may be heard."""
        return {speaker: heard.level.volume for speaker, heard in tuple(self._heard.items())}

    @property
    def voices(self) -> list[Voice]:
        """Every track being decoded."""
        return [voice for heard in tuple(self._heard.values()) for voice in tuple(heard.voices.values())]

    def _add(self, total: Samples, heard: _Heard, block: Samples | None, gain: float) -> None:
        if block is not None and (gain or heard.gain):
            total += faded(block, heard.gain, gain)
        heard.gain = gain

    def _tune(self) -> None:
        """Voices for tracks that have packets coming, none for those that are gone."""
        for speaker, plan in self._plans.items():
            heard = self._heard.get(speaker)
            if heard is None:
                heard = self._heard[speaker] = _Heard()
            self._tune_tracks(heard, plan)

    def _tune_tracks(self, heard: _Heard, plan: VoicePlan) -> None:
        for track_id in set(heard.voices) - set(plan.track_ids):
            del heard.voices[track_id]
        for track_id in plan.track_ids:
            source, voice = self._source_of(track_id), heard.voices.get(track_id)
            if source is not None and (voice is None or voice.source is not source) and len(self.voices) < MAX_VOICES:
                heard.voices[track_id] = Voice(source)

    def _drop_gone(self) -> None:
        gone = [speaker for speaker, heard in self._heard.items() if heard.leaving and heard.gain == 0.0]
        for speaker in gone:
            del self._heard[speaker]
