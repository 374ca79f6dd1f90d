"""One link to one gateway for what a task reads (wire/link.py has the framing).

What is wanted (channels watched, tracks subscribed) is kept here and said again on every new connection. Numbers that
name tracks on the link are given out upwards and never used twice, so that a late frame cannot hit another track.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from openmpu.media.dialled import DialledLink
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import ChannelKey, TrackId
from openmpu.model.roster import Roster
from openmpu.wire.link import (
    LinkBroken,
    Media,
    Message,
    RosterChanged,
    Shown,
    Subscribe,
    TrackEnded,
    Unsubscribe,
    Unwatch,
    WantKeyFrame,
    Watch,
)

_log = structlog.get_logger()


class LinkListener(Protocol):
    """Who takes what a gateway says. Called in the network thread; must not wait."""

    def roster_changed(self, channel: ChannelKey, roster: Roster) -> None:
        """Who is in the channel now."""
        ...

    def frame_came(self, track_id: TrackId, frame: EncodedFrame) -> None:
        """One encoded frame of a subscribed track."""
        ...


@dataclass(slots=True)
class _Subscription:
    number: int
    channel: ChannelKey
    shown: tuple[int, int, int] | None = None


class LinkClient(DialledLink):
    """The worker's end of a link.

    Args:
        address: `unix:/path` or `tcp:host:port`.
        listener: Takes rosters and frames.
    """

    def __init__(self, address: str, listener: LinkListener) -> None:
        super().__init__(address)
        self._listener = listener
        self._watched: set[ChannelKey] = set()
        self._tracks: dict[TrackId, _Subscription] = {}
        self._by_number: dict[int, TrackId] = {}
        self._numbers = itertools.count(1)

    def watch(self, channel: ChannelKey) -> None:
        """Want the channel's roster, now and on every change."""
        if channel not in self._watched:
            self._watched.add(channel)
            self.say(Watch(channel))

    def unwatch(self, channel: ChannelKey) -> None:
        """No longer."""
        if channel in self._watched:
            self._watched.remove(channel)
            self.say(Unwatch(channel))

    def subscribe(self, channel: ChannelKey, track_id: TrackId) -> None:
        """Want the track's frames."""
        if track_id not in self._tracks:
            wanted = self._tracks[track_id] = _Subscription(next(self._numbers), channel)
            self._by_number[wanted.number] = track_id
            self.say(Subscribe(wanted.number, channel, track_id))

    def unsubscribe(self, track_id: TrackId) -> None:
        """No longer."""
        wanted = self._tracks.pop(track_id, None)
        if wanted:
            del self._by_number[wanted.number]
            self.say(Unsubscribe(wanted.number))

    def want_key_frame(self, track_id: TrackId) -> None:
        """The track cannot be decoded before its next key frame."""
        wanted = self._tracks.get(track_id)
        if wanted:
            self.say(WantKeyFrame(wanted.number))

    def shown(self, track_id: TrackId, width: int, height: int, fps: int) -> None:
        """How large the track is shown; said once for each change."""
        wanted = self._tracks.get(track_id)
        if wanted and wanted.shown != (width, height, fps):
            wanted.shown = (width, height, fps)
            self.say(Shown(wanted.number, width, height, fps))

    def said_anew(self) -> list[Message]:
        """All that is wanted."""
        return [*map(Watch, self._watched), *self._subscriptions()]

    def _subscriptions(self) -> Iterator[Message]:
        for track_id, wanted in self._tracks.items():
            yield Subscribe(wanted.number, wanted.channel, track_id)
            if wanted.shown:
                yield Shown(wanted.number, *wanted.shown)

    def take(self, message: Message | Media) -> None:
        """Hand it to the listener."""
        match message:
            case Media(number, frame):
                if number in self._by_number:
                    self._listener.frame_came(self._by_number[number], frame)
            case RosterChanged(channel, roster):
                if channel in self._watched:
                    self._listener.roster_changed(channel, roster)
            case TrackEnded(number):
                _log.debug("track ended", link=self.address, track=self._by_number.get(number))
            case _:
                raise LinkBroken("link", f"a gateway does not say {type(message).__name__}")
