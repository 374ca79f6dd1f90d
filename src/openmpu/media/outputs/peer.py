"""The asyncio protocol around the sans-IO publisher: five steps per call, no knowledge of why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from openmpu.wire.rtmp.events import Acknowledged, PublisherEvent
from openmpu.wire.rtmp.messages import Tag
from openmpu.wire.rtmp.publisher import Publisher

MAX_UNSENT = 4 << 20
"""Bytes waiting in user space. Media stops far below; past it a peer makes us answer and reads nothing."""


class Peer(asyncio.Protocol):
    """One connection to one server.

    Args:
        publisher: Fresh.
        on_room: Called whenever tags may be written again.

    Attributes:
        written: Bytes handed to the transport.
        room: Whether the socket takes more at once.
        on_acknowledged: Gets the total of each acknowledgement.
        lost: What broke the connection, if the system told.
    """

    def __init__(self, publisher: Publisher, on_room: Callable[[], None]) -> None:
        self._publisher, self._on_room = publisher, on_room
        self._events: asyncio.Queue[PublisherEvent] = asyncio.Queue()
        self._closed = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport
        self.written = 0
        self.room = True
        self.lost: Exception | None = None
        self.on_acknowledged: Callable[[int], None] = lambda _total: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the transport, TLS included, is there."""
        self.transport = cast("asyncio.Transport", transport)
        # Room only while nothing waits in user space: the backlog belongs into the output's queue. (Not high=0: TLS
        # transports compare by >=, and would be full when empty.)
        self.transport.set_write_buffer_limits(high=1, low=0)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of the server."""
        self._publisher.receive_data(data)
        self._flush()
        self._sort()

    def eof_received(self) -> None:
        """asyncio: the server closed its side; the transport then closes ours."""
        self._publisher.receive_eof()
        self._sort()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self.lost = self.lost or exc
        self.room = False
        self._publisher.receive_eof()
        self._sort()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """asyncio: the socket is full."""
        self.room = False

    def resume_writing(self) -> None:
        """asyncio: the socket takes more."""
        self.room = True
        self._on_room()

    async def event(self) -> PublisherEvent:
        """The next event of the publisher, acknowledgements left out."""
        return await self._events.get()

    async def closed(self) -> None:
        """Until the connection is over."""
        await asyncio.shield(self._closed)

    def publish(self, tag: Tag) -> None:
        """Write a tag; only while there is room."""
        self._publisher.publish(tag)
        self._flush()

    def finish(self) -> None:
        """Say goodbye (the transport stays open, so that it goes out)."""
        self._publisher.finish()
        self._flush()

    def _flush(self) -> None:
        data = self._publisher.data_to_send()
        if not data or self.transport.is_closing():
            return
        self.written += len(data)
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > MAX_UNSENT:
            self.transport.abort()

    def _sort(self) -> None:
        for event in self._publisher.events():
            if isinstance(event, Acknowledged):
                self.on_acknowledged(event.total)
            else:
                self._events.put_nowait(event)
