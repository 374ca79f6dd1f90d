"""All inputs of a task: the links to the gateways of its channels, their rosters, and the tracks subscribed now.

Exactly the tracks that the scene shows or hears are subscribed. When a gateway is gone its roster stays as it was: the
scene goes on with it, pictures turn stale after 3 s, and the next connection tells the truth. Network thread only,
but for `inputs`, which the output threads read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from openmpu.media.clock import Clock
from openmpu.media.inputs.link_client import LinkClient
from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TrackId, UserId
from openmpu.model.roster import Roster, Source, Track
from openmpu.timing.bridge import ClockBridge

LINGER_S: Final = 2.0
"""A track may be wanted again at once: pins that change, layouts that come and go. It would need a key frame then."""

GroupKey = tuple[ChannelId, UserId, Source]


class Switch:
    """The worker's side of every link.

    Args:
        app_id: Of the task; channels are the app's.
        clock: The worker's, for arrivals.
        epoch: `clock.now()` when the task began: 0 of task time.
        on_roster: Called when any channel's roster changed.
    """

    def __init__(self, app_id: AppId, clock: Clock, epoch: int, on_roster: Callable[[], None]) -> None:
        self.inputs: dict[TrackId, TrackInput] = {}
        self._app_id, self._clock, self._epoch, self._on_roster = app_id, clock, epoch, on_roster
        self._links: dict[str, _Link] = {}
        self._link_of: dict[ChannelId, str] = {}
        self._rosters: dict[ChannelId, Roster] = {}
        self._groups: dict[GroupKey, SyncGroup] = {}
        self._wanted: set[TrackId] = set()

    @property
    def roster(self) -> Roster:
        """Everybody in the watched channels."""
        return Roster.of(*(user for roster in self._rosters.values() for user in roster.users))

    @property
    def known(self) -> bool:
        """Whether every watched channel has told its roster."""
        return bool(self._link_of) and self._rosters.keys() >= self._link_of.keys()

    @property
    def connected(self) -> int:
        """How many links stand now."""
        return sum(link.client.connected for link in self._links.values())

    @property
    def groups(self) -> Iterable[tuple[GroupKey, SyncGroup]]:
        """The sources whose tracks are subscribed."""
        return tuple(self._groups.items())

    def connect(self, gateways: Mapping[ChannelId, str]) -> None:
        """Watch exactly these channels, each at the address of its gateway's link."""
        for channel in [channel for channel, address in self._link_of.items() if gateways.get(channel) != address]:
            self._leave(channel)
        for channel, address in gateways.items():
            if channel not in self._link_of:
                self._join(channel, address)
        for address in self._links.keys() - set(self._link_of.values()):
            self._links.pop(address).stop()

    def want(self, track_ids: Iterable[TrackId]) -> None:
        """Subscribe exactly these tracks, as far as they are published; others go after LINGER_S."""
        published = {
            track.track_id: (user.channel_id, user.user_id, track)
            for user in self.roster.users
            for track in user.tracks
        }
        wanted = {track_id for track_id in track_ids if track_id in published}
        for track_id in self.inputs.keys() - published.keys():
            self._unsubscribe(track_id)
        self._wanted = wanted
        for track_id in self.inputs.keys() - wanted:
            asyncio.get_running_loop().call_later(LINGER_S, self._drop_unwanted, track_id)
        for track_id in wanted - self.inputs.keys():
            self._subscribe(*published[track_id])
        self._forget_groups()

    def want_key_frame(self, track_id: TrackId) -> None:
        """Ask the track's publisher for a key frame."""
        for link in self._links.values():
            link.client.want_key_frame(track_id)

    def shown(self, sizes: Mapping[TrackId, tuple[int, int]], fps: int) -> None:
        """How large each track is shown."""
        for track_id, (width, height) in sizes.items():
            for link in self._links.values():
                link.client.shown(track_id, width, height, fps)

    async def stop(self) -> None:
        """End every link."""
        for link in self._links.values():
            link.stop()
        await asyncio.gather(*(link.job for link in self._links.values()), return_exceptions=True)
        self._links.clear()

    def _join(self, channel: ChannelId, address: str) -> None:
        if address not in self._links:
            self._links[address] = _Link(address, self)
        self._link_of[channel] = address
        self._links[address].client.watch(ChannelKey(self._app_id, channel))

    def _leave(self, channel: ChannelId) -> None:
        address = self._link_of.pop(channel)
        roster = self._rosters.pop(channel, Roster())
        for track_id in [track.track_id for user in roster.users for track in user.tracks]:
            if track_id in self.inputs:
                self._unsubscribe(track_id)
        self._links[address].client.unwatch(ChannelKey(self._app_id, channel))

    def _subscribe(self, channel: ChannelId, user: UserId, track: Track) -> None:
        group = self._groups.setdefault((channel, user, track.source), SyncGroup())
        self.inputs[track.track_id] = TrackInput(track, group)
        client = self._links[self._link_of[channel]].client
        client.subscribe(ChannelKey(self._app_id, channel), track.track_id)

    def _drop_unwanted(self, track_id: TrackId) -> None:
        if track_id in self.inputs and track_id not in self._wanted:
            self._unsubscribe(track_id)
            self._forget_groups()

    def _unsubscribe(self, track_id: TrackId) -> None:
        self.inputs.pop(track_id).close()
        for link in self._links.values():
            link.client.unsubscribe(track_id)

    def _forget_groups(self) -> None:
        used = {id(entry.group) for entry in self.inputs.values()}
        self._groups = {key: group for key, group in self._groups.items() if id(group) in used}

    def take_roster(self, channel: ChannelKey, roster: Roster) -> None:
        """A gateway told who is in a channel."""
        if channel.channel_id in self._link_of:
            self._rosters[channel.channel_id] = roster
            self._on_roster()

    def take_frame(self, bridge: ClockBridge, track_id: TrackId, frame: EncodedFrame) -> None:
        """A gateway sent a frame."""
        entry = self.inputs.get(track_id)
        if entry:
            entry.put(frame, bridge.local(frame.arrival, self._clock.now()) - self._epoch)


class _Link:
    """One link, the task that keeps it, and the bridge to its gateway's clock."""

    def __init__(self, address: str, switch: Switch) -> None:
        self.client = LinkClient(address, self)
        self._switch = switch
        self._bridge = ClockBridge()
        self.job = asyncio.get_running_loop().create_task(self.client.run())

    def stop(self) -> None:
        self.job.cancel()

    def roster_changed(self, channel: ChannelKey, roster: Roster) -> None:
        self._switch.take_roster(channel, roster)

    def frame_came(self, track_id: TrackId, frame: EncodedFrame) -> None:
        self._switch.take_frame(self._bridge, track_id, frame)
