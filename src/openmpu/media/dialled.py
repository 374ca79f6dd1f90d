"""A link to a gateway, dialled again whenever it breaks (wire/link.py has the framing). Network thread only."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import Final

import structlog

from openmpu.errors import Invalid
from openmpu.wire.link import LinkBroken, LinkReader, Media, Message, encode_message

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0
DIAL_WITHIN_S: Final = 3.0
MAX_UNSENT: Final = 1 << 20
"""Bytes that the gateway does not read: past it the link is cut and dialled anew."""

_READ: Final = 1 << 18
_log = structlog.get_logger()


class DialledLink(ABC):
    """The worker's end of a link.

    Args:
        address: `unix:/path` or `tcp:host:port`.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.connects = 0
        self._writer: asyncio.StreamWriter | None = None

    @property
    def connected(self) -> bool:
        """Whether the gateway listens now."""
        return self._writer is not None

    @property
    def unsent(self) -> int:
        """Bytes that the gateway has not read yet."""
        return self._writer.transport.get_write_buffer_size() if self._writer else 0

    async def run(self) -> None:
        """Keep the link until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            if await self._serve_once():
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    @abstractmethod
    def said_anew(self) -> list[Message]:
        """What every new connection must be told."""

    @abstractmethod
    def take(self, message: Message | Media) -> None:
        """What the gateway says.

        Raises:
            LinkBroken: A gateway does not say that.
        """

    def say(self, message: Message) -> None:
        """Say something, if the gateway listens; what is to hold is said anew on the next connection."""
        self.write(encode_message(message))
        if self.unsent > MAX_UNSENT and self._writer:
            _log.warning("link cut: the gateway does not read", link=self.address)
            self._writer.transport.abort()

    def write(self, data: bytes) -> None:
        """Send bytes; never waits."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    async def _serve_once(self) -> bool:
        try:
            async with asyncio.timeout(DIAL_WITHIN_S):
                reader, writer = await _dial(self.address)
        except (OSError, TimeoutError):
            return False
        self._writer = writer
        self.connects += 1
        try:
            for message in self.said_anew():
                self.say(message)
            await self._read(reader)
        except (OSError, LinkBroken) as error:
            _log.warning("link broke", link=self.address, error=str(error))
        finally:
            self._writer = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return True

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = LinkReader()
        while data := await reader.read(_READ):
            for message in frames.feed(data):
                self.take(message)


async def _dial(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    scheme, _, place = address.partition(":")
    if scheme == "unix":
        return await asyncio.open_unix_connection(place, limit=_READ)
    host, _, port = place.rpartition(":")
    if scheme == "tcp" and host and port.isdecimal():
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_READ)
    raise Invalid("link", f"{address!r} is no link address")
