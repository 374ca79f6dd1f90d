"""The door for workers: one socket each, rosters and frames out, wishes and what they make in (wire/link.py).

A worker's socket is never waited for: what it does not read piles up to a limit, past which it loses frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import structlog

from openmpu.errors import Invalid
from openmpu.gateway.players import Players
from openmpu.gateway.programmes import Offering
from openmpu.gateway.rosters import Rosters
from openmpu.gateway.switchboard import Size, Subscription, Switchboard
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import ChannelKey
from openmpu.model.roster import Roster
from openmpu.wire import link

MAX_UNSENT = 4 << 20
"""Bytes that may wait for one worker: half a second of sixteen 4 Mbit/s tracks, four seconds of two."""
MAX_BROKEN = 32 << 20
"""Bytes past which a worker that does not read is cut off; only rosters can bring it that far."""
MAX_SUBSCRIPTIONS = 1_024
MAX_PRESENTED = 8
"""Tracks that one link may present: a task makes two."""
_log = structlog.get_logger()


class Links:
    """Every link of a gateway."""

    def __init__(self, switchboard: Switchboard, rosters: Rosters, clock: Callable[[], int], players: Players) -> None:
        self.switchboard, self.rosters, self.clock, self.players = switchboard, rosters, clock, players
        self._links: set[Link] = set()
        self._servers: list[asyncio.Server] = []
        self._paths: list[Path] = []

    def __len__(self) -> int:
        """Workers: what presents to players is a second link of one."""
        return sum(not one.presents for one in self._links)

    async def listen(self, address: str) -> None:
        """Listen on `unix:/path` (mode 0600, an old socket is taken over) or `tcp:host:port`.

        Raises:
            Invalid: The address has another form.
            OSError: It cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        kind, _, place = address.partition(":")
        host, _, port = place.rpartition(":")
        if kind == "unix" and place:
            self._servers.append(await self._listen_unix(Path(place)))
        elif kind == "tcp" and host and port.isdecimal():
            self._servers.append(await loop.create_server(self._accept, host.strip("[]"), int(port)))
        else:
            raise Invalid("links", f"{address!r} is neither unix:/path nor tcp:host:port")

    async def _listen_unix(self, path: Path) -> asyncio.Server:
        sock = _bind_unix(path)
        self._paths.append(path)
        return await asyncio.get_running_loop().create_unix_server(self._accept, sock=sock)

    def _accept(self) -> Link:
        return Link(self)

    def opened(self, one: Link) -> None:
        """A worker dialled in."""
        self._links.add(one)

    def closed(self, one: Link) -> None:
        """A worker is gone."""
        self._links.discard(one)

    def tell_roster(self, channel: ChannelKey, roster: Roster) -> None:
        """Tell every worker that watches the channel."""
        data: bytes | None = None
        for one in self._links:
            if channel in one.watched:
                data = data or link.encode_message(link.RosterChanged(channel, roster))
                one.send(data)

    def close(self) -> None:
        """Close the door and every link."""
        for server in self._servers:
            server.close()
        for one in tuple(self._links):
            one.cut("the gateway ends")
        for path in self._paths:
            with contextlib.suppress(OSError):
                path.unlink()


def _bind_unix(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)  # never open to others, not even for a moment
    try:
        sock.bind(str(path))
    except BaseException:
        sock.close()
        raise
    finally:
        os.umask(mask)
    return sock


class Link(asyncio.Protocol):
    """One worker's socket."""

    def __init__(self, owner: Links) -> None:
        self._owner = owner
        self._reader = link.LinkReader()
        self._turn: list[bytes] = []
        self._turn_size = 0
        self._subscriptions: dict[int, Subscription] = {}
        self._presented: dict[int, Offering] = {}
        self._transport: asyncio.Transport | None = None
        self.watched: set[ChannelKey] = set()

    @property
    def presents(self) -> bool:
        """Whether it is there for players."""
        return bool(self._presented)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Take what the worker says; a link that cannot be read is closed."""
        try:
            for message in self._reader.feed(data):
                self._handle(message)
        except link.LinkBroken as error:
            self.cut(error.message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The worker is gone: nothing of it stays."""
        for subscription in self._subscriptions.values():
            self._owner.switchboard.unsubscribe(subscription)
        self._subscriptions.clear()
        for offering in self._presented.values():
            self._owner.players.programmes.withdraw(offering)
        self._presented.clear()
        self.watched.clear()
        self._owner.closed(self)

    # Reader (switchboard.py)

    def has_room(self) -> bool:
        """Whether less waits than may."""
        return self._unsent < MAX_UNSENT

    def take(self, number: int, frame: EncodedFrame) -> None:
        """Send one frame."""
        self.send(link.encode_media(number, frame))

    def end(self, number: int) -> None:
        """The track is over."""
        self._subscriptions.pop(number, None)
        self.send(link.encode_message(link.TrackEnded(number)))

    def send(self, data: bytes) -> None:
        """Send bytes; never waits. What is sent in one turn of the loop becomes one system call."""
        if self._transport is None or self._transport.is_closing():
            return
        if not self._turn:
            asyncio.get_running_loop().call_soon(self._flush)
        self._turn.append(data)
        self._turn_size += len(data)
        if self._unsent > MAX_BROKEN:
            self.cut("the worker does not read")

    @property
    def _unsent(self) -> int:
        """Bytes that wait."""
        return self._turn_size + (self._transport.get_write_buffer_size() if self._transport else 0)

    def _flush(self) -> None:
        data = b"".join(self._turn)
        self._turn.clear()
        self._turn_size = 0
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def cut(self, reason: str) -> None:
        """Close it at once."""
        _log.info("link closed", reason=reason)
        if self._transport:
            self._transport.abort()

    # What a worker says

    def _handle(self, message: link.Message | link.Media) -> None:
        match message:
            case link.Watch(channel):
                self.watched.add(channel)
                roster = self._owner.rosters.roster(channel)
                self.send(link.encode_message(link.RosterChanged(channel, roster)))
            case link.Unwatch(channel):
                self.watched.discard(channel)
            case link.Subscribe():
                self._subscribe(message)
            case link.Unsubscribe(number):
                self._unsubscribe(number)
            case link.WantKeyFrame(number):
                self._want_key_frame(number)
            case link.Shown():
                self._show(message)
            case link.Media(number, frame):
                self._carry(number, frame)
            case link.Present():
                self._present(message)
            case link.Withdraw(number):
                self._withdraw(number)
            case _:
                raise link.LinkBroken("link", f"a worker does not say {type(message).__name__}")

    def _subscribe(self, wish: link.Subscribe) -> None:
        self._unsubscribe(wish.number)
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise link.LinkBroken("link", f"more than {MAX_SUBSCRIPTIONS} subscriptions")
        found = self._owner.switchboard.subscribe(wish.track_id, self, wish.number, self._owner.clock())
        if found:
            self._subscriptions[wish.number] = found
        else:
            self.send(link.encode_message(link.TrackEnded(wish.number)))

    def _unsubscribe(self, number: int) -> None:
        subscription = self._subscriptions.pop(number, None)
        if subscription:
            self._owner.switchboard.unsubscribe(subscription)

    def _want_key_frame(self, number: int) -> None:
        subscription = self._subscriptions.get(number)
        if subscription:
            subscription.port.ask(self._owner.clock())

    def _show(self, wish: link.Shown) -> None:
        subscription = self._subscriptions.get(wish.number)
        if subscription:
            subscription.size = Size(wish.width, wish.height, wish.fps)
            subscription.port.tell_size()

    # What a worker makes

    def _present(self, told: link.Present) -> None:
        if told.number in self._presented or len(self._presented) >= MAX_PRESENTED:
            raise link.LinkBroken("link", f"more than {MAX_PRESENTED} tracks presented, or one of them twice")
        wishes = _Wishes(self, told.number)
        programmes, now = self._owner.players.programmes, self._owner.clock()
        offering = programmes.present(told.task, told.lease, told.kind, told.codec, wishes, now)
        if offering:
            self._presented[told.number] = offering

    def _carry(self, number: int, frame: EncodedFrame) -> None:
        """A frame to the players; one of a track that gave way to a later worker's goes to nobody."""
        offering = self._presented.get(number)
        if offering:
            offering.port.put(frame, self._owner.clock())

    def _withdraw(self, number: int) -> None:
        """A worker that says so has ended in good order: nothing more will come."""
        offering = self._presented.pop(number, None)
        if offering:
            self._owner.players.programmes.withdraw(offering)
            self._owner.players.give_up(offering.task)


class _Wishes:
    """The players of one presented track speak to its worker through this (`switchboard.Publisher`)."""

    __slots__ = ("_link", "_number")

    def __init__(self, worker: Link, number: int) -> None:
        self._link, self._number = worker, number

    def want_key_frame(self) -> None:
        """A player cannot go on without one."""
        self._link.send(link.encode_message(link.WantKeyFrame(self._number)))

    def show(self, size: Size | None, readers: int) -> None:  # noqa: ARG002 - what is made has one size
        """So many play it."""
        self._link.send(link.encode_message(link.Played(self._number, readers)))
