"""One connection to a receiver: the asyncio protocol around the sans-IO server."""

from __future__ import annotations

import asyncio
import os
from typing import Protocol, cast

from openmpu.wire.rtmp.events import Closed, ProtocolFailed, PublishEnded, PublishStarted, Rejected, TagReceived
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.messages import Tag
from openmpu.wire.rtmp.server import ServerConnection

MAX_UNSENT = 1 << 20
"""Answers that a peer does not read; past it the connection is cut off."""


class House(Protocol):
    """Who takes guests."""

    def came(self, guest: Guest) -> None:
        """Somebody connected."""

    def refusal(self, guest: Guest, app: str, stream: str) -> str | None:
        """Why the guest may not publish that, or None."""

    def started(self, guest: Guest) -> None:
        """The guest publishes now."""

    def tag(self, guest: Guest, tag: Tag) -> None:
        """The guest sent a tag."""

    def ended(self, guest: Guest) -> None:
        """The guest publishes no more; may be told twice."""

    def gone(self, guest: Guest) -> None:
        """The connection is closed."""


class Guest(asyncio.Protocol):
    """Feeds the state machine and tells the house.

    Attributes:
        closed: Set when the connection is over.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        noise = os.urandom(NOISE_SIZE)
        self._server = ServerConnection(lambda app, stream: house.refusal(self, app, stream), noise)
        self.transport: asyncio.Transport
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self.transport = cast("asyncio.Transport", transport)
        self._house.came(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of the publisher."""
        self._server.receive_data(data)
        self._flush()
        self._tell()

    def eof_received(self) -> None:
        """asyncio: the publisher closed its side; the transport then closes ours."""
        self._server.receive_eof()
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio: it is over."""
        self._house.ended(self)
        self._house.gone(self)
        self.closed.set()

    def close(self) -> None:
        """Let answers go out, then close."""
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def _flush(self) -> None:
        data = self._server.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)
            if self.transport.get_write_buffer_size() > MAX_UNSENT:
                self.transport.abort()

    def _tell(self) -> None:
        for event in self._server.events():
            match event:
                case TagReceived(tag):
                    self._house.tag(self, tag)
                case PublishStarted():
                    self._house.started(self)
                case PublishEnded() | Closed():
                    self._house.ended(self)
                case Rejected() | ProtocolFailed():
                    self._house.ended(self)
                    self.transport.close()
