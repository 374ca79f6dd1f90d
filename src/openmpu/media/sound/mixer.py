"""The mix: one block of output sound for every 20 ms, whoever speaks, also when nobody does.

Voices are users: all audio tracks of one user (a microphone, the sound of a screen) are one voice. Knows nothing of
threads and encoders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from openmpu.media.sound.blocks import Samples, silence
from openmpu.media.sound.levels import LONG
from openmpu.media.sound.limiter import LOOK_AHEAD_NS, Limiter
from openmpu.media.sound.loudest import Loudest
from openmpu.media.sound.talker import Talker
from openmpu.media.sound.voice import Source, Voice
from openmpu.model.ids import ChannelId, TrackId, UserId
from openmpu.model.scene import Scene
from openmpu.model.scene import Voice as VoicePlan
from openmpu.wire.sei import Sounding

Speaker = tuple[ChannelId, UserId]
MAX_TALKERS: Final = 64
"""More people than this at once are not decoded."""


class Mixer:
    """Used by the sound thread only.

    Args:
        source_of: Where a track's packets come from; None: not subscribed (yet).
    """

    def __init__(self, source_of: Callable[[TrackId], Source | None]) -> None:
        self._source_of = source_of
        self.talkers: dict[Speaker, Talker] = {}
        self._detects = False
        self._plans: Mapping[Speaker, VoicePlan] = {}
        self._limit: int | None = None
        self._limiter = Limiter()
        self._loudest: Loudest[Speaker] = Loudest()

    def set_scene(self, scene: Scene) -> None:
        """Who may be heard from the next block on."""
        self._plans = {(voice.channel_id, voice.user): voice for voice in scene.voices[:MAX_TALKERS]}
        self._limit = scene.voices_limit
        for speaker, talker in self.talkers.items():
            talker.leaving = speaker not in self._plans

    def detect(self, *, wanted: bool) -> None:
        """Whether to find out who speaks: it costs."""
        self._detects = wanted

    def block(self, pts: int) -> Samples:
        """The mixed block for `pts`."""
        self._tune()
        for talker in self.talkers.values():
            talker.hear(pts + LOOK_AHEAD_NS)
        chosen = self._chosen(pts)
        total = silence()
        for speaker, talker in self.talkers.items():
            talker.add_to(total, chosen=speaker in chosen)
        for speaker in [speaker for speaker, talker in self.talkers.items() if talker.gone]:
            del self.talkers[speaker]
        return self._limiter.limit(total)

    @property
    def volumes(self) -> dict[Speaker, int]:
        """`vol` (0 to 255) of everybody who may be heard."""
        return {speaker: talker.level.volume for speaker, talker in tuple(self.talkers.items())}

    @property
    def sounding(self) -> dict[Speaker, Sounding]:
        """`vol` and `vad` of everybody who may be heard. Any thread."""
        return {speaker: talker.sounding for speaker, talker in tuple(self.talkers.items())}

    @property
    def voices(self) -> list[Voice]:
        """Every track that may be heard."""
        return [voice for talker in tuple(self.talkers.values()) for voice in tuple(talker.voices.values())]

    def _chosen(self, pts: int) -> frozenset[Speaker]:
        staying = {who: talker for who, talker in self.talkers.items() if not talker.leaving}
        limited = self._limit is not None and len(staying) > self._limit
        levels = {who: talker.level.dbfs(LONG) if limited else 0.0 for who, talker in staying.items()}
        return self._loudest.choose(levels, self._limit, pts)

    def _tune(self) -> None:
        for speaker, plan in self._plans.items():
            talker = self.talkers.get(speaker)
            if talker is None:
                talker = self.talkers[speaker] = Talker()
            talker.tune(plan.track_ids, self._source_of)
            talker.detect(wanted=self._detects)
