"""Short words for rosters and specs in tests."""

from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.ids import AppId, ChannelId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.task import MixSpec, TaskSpec

CHANNEL = ChannelId("room")


def user(name: str, joined_at: int, *tracks: str, channel: ChannelId = CHANNEL) -> User:
    """A user with tracks named `camera`, `screen`, `voice`; tracks are published in the order given."""
    made = tuple(_track(name, what, joined_at + place) for place, what in enumerate(tracks))
    return User(channel, UserId(name), joined_at, made)


def _track(name: str, what: str, at: int) -> Track:
    kind = Kind.AUDIO if what == "voice" else Kind.VIDEO
    source = Source.SCREEN if what == "screen" else Source.CAMERA
    codec = "opus" if kind is Kind.AUDIO else "h264"
    return Track(TrackId(f"{name}-{what}"), kind, source, codec, at)


def roster(*users: User) -> Roster:
    """The users in order."""
    return Roster.of(*users)


def mix(*layout_ids: int, **fields) -> MixSpec:
    """A mix with those built-in layouts."""
    return MixSpec(layout_ids=layout_ids, layouts=tuple(BUILT_IN[number] for number in layout_ids), **fields)


def spec(the_mix: MixSpec, media_encode: int = 20) -> TaskSpec:
    """A mixing task."""
    profile = MEDIA_ENCODES[media_encode]
    return TaskSpec(AppId("app"), CHANNEL, TaskId("task"), video=profile.video, audio=profile.audio, mix=the_mix)
