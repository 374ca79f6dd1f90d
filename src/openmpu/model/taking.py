"""Which tracks of a channel a task takes (operations.md 3.3 "Subscription sets", 6.1 UserInfos)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from openmpu.model.ids import ChannelId, UserId
from openmpu.model.roster import Kind, Source, Track, User


@dataclass(frozen=True, slots=True)
class Users:
    """A set of users: some by name, or everybody (`allStream` on the wire)."""

    names: frozenset[UserId] = frozenset()
    everybody: bool = False

    def holds(self, user_id: UserId) -> bool:
        """Whether the user is in it."""
        return self.everybody or user_id in self.names


EVERYBODY = Users(everybody=True)
NOBODY = Users()


@dataclass(frozen=True, slots=True)
class Lists:
    """Whose tracks of one kind are taken: in `wanted` and not in `refused`."""

    wanted: Users = EVERYBODY
    refused: Users = NOBODY

    def take(self, user_id: UserId) -> bool:
        """Whether that user's track of this kind is taken."""
        return self.wanted.holds(user_id) and not self.refused.holds(user_id)


@dataclass(frozen=True, slots=True)
class NamedUser:
    """One entry of Live-2's UserInfos: one user of one channel, and what is taken of them."""

    channel_id: ChannelId
    user_id: UserId
    audio: bool = True
    video: bool = True
    source: Source = Source.CAMERA


@dataclass(frozen=True, slots=True)
class Taking:
    """The rule of one task. With `named`, only those users count and the lists say nothing.

    Sound belongs to the user, not to a source: the sound of a screen is taken like the user's voice (layouts.md 4.2).
    """

    users: Users = EVERYBODY
    audio: Lists = Lists()
    camera: Lists = Lists()
    screen: Lists = Lists()
    named: tuple[NamedUser, ...] = ()

    def takes(self, user: User, source: Source, kind: Kind) -> bool:
        """Whether the task takes that kind of track of that user."""
        if self.named:
            return any(_named_takes(entry, user, source, kind) for entry in self.named)
        lists = self.audio if kind is Kind.AUDIO else self.camera if source is Source.CAMERA else self.screen
        return self.users.holds(user.user_id) and lists.take(user.user_id)

    def takes_any(self, user: User) -> bool:
        """Whether the task takes at least one kind of track of that user: then they are a participant of it."""
        kinds = ((Source.CAMERA, Kind.AUDIO), (Source.CAMERA, Kind.VIDEO), (Source.SCREEN, Kind.VIDEO))
        return any(self.takes(user, source, kind) for source, kind in kinds)

    def tracks(self, users: Iterable[User], kind: Kind) -> list[tuple[User, Track]]:
        """The published tracks of that kind that are taken, in the users' order."""
        return [
            (user, track)
            for user in users
            for track in user.tracks
            if track.kind is kind and self.takes(user, track.source, kind)
        ]


def _named_takes(entry: NamedUser, user: User, source: Source, kind: Kind) -> bool:
    if (entry.channel_id, entry.user_id) != (user.channel_id, user.user_id):
        return False
    return entry.audio if kind is Kind.AUDIO else entry.video and entry.source is source
