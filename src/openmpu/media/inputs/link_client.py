"""One link to one gateway, dialled again whenever it breaks (wire/link.py has the framing).

What is wanted (channels watched, tracks subscribed) is kept here and said again on every new connection. Numbers that
name tracks on the link are given out upwards and never used twice, so that a late frame cannot hit another track.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from openmpu.errors import Invalid
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import ChannelKey, TrackId
from openmpu.model.roster import Roster
from openmpu.wire.link import (
    LinkBroken,
    LinkReader,
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
    encode_message,
)

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
DIAL_WITHIN_S: Final = 3.0
MAX_UNSENT: Final = 1 << 20
"""Bytes of requests that the gateway does not read: past it the link is cut and dialled anew."""

_READ: Final = 1 << 18
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


class LinkClient:
    """The worker's end of a link.

    Args:
        address: `unix:/path` or `tcp:host:port`.
        listener: Takes rosters and frames.
    """

    def __init__(self, address: str, listener: LinkListener) -> None:
        self.address = address
        self.connects = 0
        self._listener = listener
        self._watched: set[ChannelKey] = set()
        self._tracks: dict[TrackId, _Subscription] = {}
        self._by_number: dict[int, TrackId] = {}
        self._numbers = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        """Whether the gateway listens now."""
        return self._writer is not None

    async def run(self) -> None:
        """Keep the link until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            if await self._serve_once():
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def watch(self, channel: ChannelKey) -> None:
        """Want the channel's roster, now and on every change."""
        if channel not in self._watched:
            self._watched.add(channel)
            self._send(Watch(channel))

    def unwatch(self, channel: ChannelKey) -> None:
        """No longer."""
        if channel in self._watched:
            self._watched.remove(channel)
            self._send(Unwatch(channel))

    def subscribe(self, channel: ChannelKey, track_id: TrackId) -> None:
        """Want the track's frames."""
        if track_id not in self._tracks:
            wanted = self._tracks[track_id] = _Subscription(next(self._numbers), channel)
            self._by_number[wanted.number] = track_id
            self._send(Subscribe(wanted.number, channel, track_id))

    def unsubscribe(self, track_id: TrackId) -> None:
        """No longer."""
        wanted = self._tracks.pop(track_id, None)
        if wanted:
            del self._by_number[wanted.number]
            self._send(Unsubscribe(wanted.number))

    def want_key_frame(self, track_id: TrackId) -> None:
        """The track cannot be decoded before its next key frame."""
        wanted = self._tracks.get(track_id)
        if wanted:
            self._send(WantKeyFrame(wanted.number))

    def shown(self, track_id: TrackId, width: int, height: int, fps: int) -> None:
        """How large the track is shown; said once for each change."""
        wanted = self._tracks.get(track_id)
        if wanted and wanted.shown != (width, height, fps):
            wanted.shown = (width, height, fps)
            self._send(Shown(wanted.number, width, height, fps))

    async def _serve_once(self) -> bool:
        try:
            async with asyncio.timeout(DIAL_WITHIN_S):
                reader, writer = await _dial(self.address)
        except (OSError, TimeoutError):
            return False
        self._writer = writer
        self.connects += 1
        try:
            self._say_all()
            await self._read(reader)
        except (OSError, LinkBroken) as error:
            _log.warning("link broke", link=self.address, error=str(error))
        finally:
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return True

    def _say_all(self) -> None:
        for channel in self._watched:
            self._send(Watch(channel))
        for track_id, wanted in self._tracks.items():
            self._send(Subscribe(wanted.number, wanted.channel, track_id))
            if wanted.shown:
                self._send(Shown(wanted.number, *wanted.shown))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = LinkReader()
        while data := await reader.read(_READ):
            for message in frames.feed(data):
                self._take(message)

    def _take(self, message: Message | Media) -> None:
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

    def _send(self, message: Message) -> None:
        if self._writer is None or self._writer.is_closing():
            return
        self._writer.write(encode_message(message))
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            _log.warning("link cut: the gateway does not read", link=self.address)
            self._writer.transport.abort()


async def _dial(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    scheme, _, place = address.partition(":")
    if scheme == "unix":
        return await asyncio.open_unix_connection(place, limit=_READ)
    host, _, port = place.rpartition(":")
    if scheme == "tcp" and host and port.isdecimal():
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_READ)
    raise Invalid("link", f"{address!r} is no link address")
