"""Who is in a channel now, in order of joining, with which tracks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openmpu.model.ids import ChannelId, TrackId, UserId


class Source(StrEnum):
    """Which picture of a user (and the sound that belongs to it)."""

    CAMERA = "camera"
    SCREEN = "screen"


class Kind(StrEnum):
    """What a track carries."""

    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Track:
    """One audio or video flow of one user's source.

    Attributes:
        codec: Lower case: `h264`, `vp8`, `vp9`, `av1`, `h265`, `opus`.
        published_at: Nanoseconds of the wall clock (Unix time) when it began.
        clock_rate: Ticks of its RTP clock per second.
        channels: Of sound; 0 for video.
    """

    track_id: TrackId
    kind: Kind
    source: Source
    codec: str
    published_at: int
    clock_rate: int = 90_000
    channels: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """Someone who joined in a publishing role, whether or not a track is published now.

    Attributes:
        joined_at: Nanoseconds of the wall clock; kept when the user replaces their own connection (layouts.md 3).
    """

    channel_id: ChannelId
    user_id: UserId
    joined_at: int
    tracks: tuple[Track, ...] = ()

    def track(self, source: Source, kind: Kind) -> Track | None:
        """The user's track of that source and kind, if published now."""
        return next((track for track in self.tracks if track.source is source and track.kind is kind), None)


@dataclass(frozen=True, slots=True)
class Roster:
    """The users of one or several channels, ordered by (join time, user id)."""

    users: tuple[User, ...] = ()

    @classmethod
    def of(cls, *users: User) -> Roster:
        """A roster of `users`, put in order."""
        return cls(tuple(sorted(users, key=lambda user: (user.joined_at, user.user_id))))

    def merged(self, other: Roster) -> Roster:
        """The users of both, in order: a task may take users from several channels."""
        return Roster.of(*self.users, *other.users)
