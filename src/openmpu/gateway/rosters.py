"""Who is in which channel, in order of joining. Pure: hears of connections and tracks, tells every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.roster import Roster, Source, Track, User

REJOIN = 10 * 1_000_000_000
"""Nanoseconds within which a user who lost the connection keeps the place in the order of joining."""

Changed = Callable[[ChannelKey, Roster], None]


@dataclass(slots=True)
class _Member:
    joined_at: int
    sources: dict[Source, tuple[Track, ...]] = field(default_factory=dict)


class Rosters:
    """The channels of one gateway; a channel exists as long as somebody is in it.

    Args:
        changed: Called with the whole roster on every change; an empty one when the last user left.
    """

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._channels: dict[ChannelKey, dict[UserId, _Member]] = {}
        self._left: dict[tuple[ChannelKey, UserId], tuple[int, int]] = {}

    def enter(self, channel: ChannelKey, user_id: UserId, source: Source, now: int) -> None:
        """A connection of the user is up. One that replaces an earlier one changes no order; its tracks begin anew."""
        members = self._channels.setdefault(channel, {})
        if user_id not in members:
            members[user_id] = _Member(self._joined_at(channel, user_id, now))
        members[user_id].sources[source] = ()
        self._tell(channel)

    def set_tracks(self, channel: ChannelKey, user_id: UserId, source: Source, tracks: tuple[Track, ...]) -> None:
        """What the user publishes of that source now; nothing happens when that source is not connected."""
        member = self._channels.get(channel, {}).get(user_id)
        if member and source in member.sources and member.sources[source] != tracks:
            member.sources[source] = tracks
            self._tell(channel)

    def exit(self, channel: ChannelKey, user_id: UserId, source: Source, now: int) -> None:
        """The connection of that source is over; with the last one the user leaves."""
        member = self._channels.get(channel, {}).get(user_id)
        if member is None or member.sources.pop(source, None) is None:
            return
        if not member.sources:
            del self._channels[channel][user_id]
            self._left[channel, user_id] = (member.joined_at, now)
        self._tell(channel)
        if not self._channels[channel]:
            del self._channels[channel]

    def close(self, channel: ChannelKey) -> None:
        """Whoever left the channel keeps no place in it: the next one of that name begins anew."""
        self._left = {key: times for key, times in self._left.items() if key[0] != channel}

    def roster(self, channel: ChannelKey) -> Roster:
        """Who is in the channel now."""
        members = self._channels.get(channel, {})
        return Roster.of(*(_user(channel, user_id, member) for user_id, member in members.items()))

    def all(self) -> Mapping[ChannelKey, Roster]:
        """Every channel that somebody is in."""
        return {channel: self.roster(channel) for channel in self._channels}

    def _joined_at(self, channel: ChannelKey, user_id: UserId, now: int) -> int:
        """The time of a join, or of the one before a short absence (layouts.md 3)."""
        self._left = {key: times for key, times in self._left.items() if now - times[1] < REJOIN}
        return self._left.pop((channel, user_id), (now, now))[0]

    def _tell(self, channel: ChannelKey) -> None:
        self._changed(channel, self.roster(channel))


def _user(channel: ChannelKey, user_id: UserId, member: _Member) -> User:
    """Camera before screen, and within each as told: an order that does not depend on who connected first."""
    tracks = tuple(track for source in Source for track in member.sources.get(source, ()))
    return User(channel.channel_id, user_id, member.joined_at, tracks)
