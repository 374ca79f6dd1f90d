"""The production of a relaying task: one user's picture as it is, their sound as AAC (operations.md 3.4).

Loads no OpenCV. The sound side is the mix's own with one voice, so that losses are concealed and clocks followed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from openmpu.errors import NotFound
from openmpu.media.encoding.sei_messages import NOBODY, Seen
from openmpu.media.figures import Figures
from openmpu.media.loops import Loop
from openmpu.media.packets import StreamFormat
from openmpu.media.presence import Presence
from openmpu.media.production import Stage
from openmpu.media.relay_pictures import RelayPictures
from openmpu.media.seen import seen_in, shown
from openmpu.media.sound_side import SoundSide, hearing_of
from openmpu.media.track_figures import track_figures, volume_figures
from openmpu.model.alone import Alone, alone_in
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.scene import Scene, Voice
from openmpu.model.task import Mode, RelayPart, RelaySpec, TaskSpec
from openmpu.wire.sei import Place, Shown

_STOP_WITHIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """Whose tracks are relayed now."""

    user: User | None = None
    video: Track | None = None
    audio: Track | None = None

    @property
    def seen(self) -> Seen:
        """What SEI says of the user: no pane (callbacks.md 6.2)."""
        if self.user is None:
            return NOBODY
        what = shown(self.video.source) if self.video else Shown.NOTHING
        return (((self.user.channel_id, self.user.user_id), Place(self.user.user_id, shown=what)),)

    @property
    def scene(self) -> Scene:
        """The sound, as a scene of one voice."""
        if self.user is None or self.audio is None:
            return Scene(0, 0, 0)
        return Scene(0, 0, 0, voices=(Voice(self.user.channel_id, self.user.user_id, (self.audio.track_id,)),))


def choose(relay: RelaySpec, roster: Roster) -> Relayed:
    """The user who is named, else the one who has been publishing longest; their source, and the sound with it."""
    users = [user for user in roster.users if user.tracks]
    if relay.user_id is not None:
        users = [user for user in users if user.user_id == relay.user_id]
    if not users:
        return Relayed()
    user = min(users, key=lambda user: (min(track.published_at for track in user.tracks), user.user_id))
    video = user.track(relay.source, Kind.VIDEO) if relay.part is not RelayPart.AUDIO else None
    return Relayed(user, video, _sound_of(user, relay) if relay.part is not RelayPart.VIDEO else None)


def _sound_of(user: User, relay: RelaySpec) -> Track | None:
    sources = (relay.source, *(source for source in Source if source is not relay.source))
    return next((track for source in sources if (track := user.track(source, Kind.AUDIO))), None)


class RelayProduction:
    """One relay."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._switch, self._out = stage.switch, stage.out
        self._loop = asyncio.get_running_loop()
        self._relayed = Relayed()
        self._spec: TaskSpec | None = None
        self._alone: Alone | None = None
        self._kept: Alone | None = None
        self._presence = Presence(self._now(), continues=stage.continues)
        self._sound = SoundSide(stage.switch.inputs.get, stage.out, stage.tell_voices, stage.tap)
        self._pictures = RelayPictures(stage.out, self._want_key, lambda: self._sound.sounding)
        self._loops: list[Loop] = []

    def apply(self, spec: TaskSpec, roster: Roster) -> None:
        """Choose anew whose tracks are relayed."""
        self._spec = spec
        self._alone = alone_in(spec, roster) if spec.mode is Mode.MIX else None
        self._kept = (self._alone or self._kept) if spec.mode is Mode.MIX else None
        relay = self._kept.relay if self._kept else spec.relay
        relayed = choose(relay, roster)
        self._presence.note(self._now(), there=relayed.user is not None)
        self._relayed = relayed
        self._switch.want(track.track_id for track in (relayed.video, relayed.audio) if track)
        self._pictures.sei.plan(spec)
        source = self._switch.inputs.get(relayed.video.track_id) if relayed.video else None
        self._pictures.plan(source, self._seen)
        self._sound.plan(relayed.scene, spec.audio if self._has_sound(spec) else None, hearing_of(spec))
        self._leave_out(relay.part)
        if not self._loops:
            self._start()

    @property
    def has_pictures(self) -> bool:
        """Whether the chosen user has a picture to relay."""
        return self._relayed.video is not None

    @property
    def alone(self) -> bool:
        """Whether, in a mix's place, it shows what the mix would."""
        video = self._spec.video if self._spec and self._alone else None
        return video is not None and self._pictures.untouched(self._now()) == (video.width, video.height)

    def ready(self) -> bool:
        """Whether it knows whom to relay: it begins with their first key frame."""
        return self._switch.known

    def stream(self) -> StreamFormat | None:
        """What is sent now, or will be where nothing has come yet; None: no connection (`presence.py`)."""
        stream = self._out.stream
        if not self._presence.connects(self._now(), lacks_picture=self.has_pictures and stream.video is None):
            return None
        if stream.video or stream.audio:
            return stream
        return StreamFormat(None, self._spec.audio) if self._spec and self._stage.continues else None

    def force_key(self) -> None:
        """Ask the publisher."""
        self._want_key()

    def send_sei(self, text: str) -> None:
        """Put `text` into the next picture, once."""
        self._pictures.sei.texts.add(text)

    async def picture(self) -> bytes:
        """A relay decodes nothing."""
        raise NotFound("picture", "a relay does not decode its pictures")

    def notes(self) -> tuple[str, ...]:
        """That it stands in for a mix."""
        return ("one publishes alone and is relayed untouched (AutoRelay)",) if self._alone else ()

    def figures(self, now: int) -> Figures:
        """Of both sides."""
        told: Figures = {"users": int(self._relayed.user is not None), "links": self._switch.connected}
        told |= self._pictures.figures() | self._sound.figures()
        return told | track_figures(self._switch, {}, now) | volume_figures(self._sound.volumes)

    def stop(self) -> None:
        """End the threads."""
        ended = [loop.stop(_STOP_WITHIN_S) for loop in self._loops]
        if all(ended):
            self._sound.finish()
            self._out.flush()

    def _start(self) -> None:
        steps = {"pictures": self._pictures.step, "sound": self._sound.step}
        clock, epoch, on_failure = self._stage.clock, self._stage.epoch, self._stage.on_failure
        self._loops = [Loop(name, step, clock, epoch, on_failure) for name, step in steps.items()]
        for loop in self._loops:
            loop.start()

    def _has_sound(self, spec: TaskSpec) -> bool:
        """While the user is away nothing is sent at all, not even silence; a mix is never silent."""
        if spec.mode is Mode.MIX:
            return True
        return spec.relay.part is not RelayPart.VIDEO and self._relayed.user is not None

    @property
    def _seen(self) -> Seen:
        """In a mix's place the mix's panes are told; as they were, until the mix takes over."""
        kept = self._kept
        return seen_in(kept.scene, {kept.video.track_id}) if kept else self._relayed.seen

    def _leave_out(self, part: RelayPart) -> None:
        """Who is away comes back to the same stream; what is not wanted is no part of it (StreamType)."""
        if part is RelayPart.AUDIO:
            self._out.set_video(None)
        elif part is RelayPart.VIDEO:
            self._out.set_audio(None)

    def _want_key(self) -> None:
        self._loop.call_soon_threadsafe(self._ask)

    def _ask(self) -> None:
        if self._relayed.video:
            self._switch.want_key_frame(self._relayed.video.track_id)

    def _now(self) -> int:
        return self._stage.clock.now() - self._stage.epoch
