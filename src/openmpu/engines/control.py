"""The server's end of the control socket: children dial in, say who they are, and are handed to whoever wants them."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import structlog

from openmpu.processes.channel import ControlChannel

HELLO_WITHIN_S = 5.0
_log = structlog.get_logger()


class Member:
    """One child that is connected now."""

    def __init__(self, channel: ControlChannel, hello: dict[str, Any]) -> None:
        self.channel = channel
        self.hello = hello

    @property
    def pid(self) -> int:
        """Process id as the child told it: it runs under our own user, reached through a socket only we can open."""
        return int(self.hello["pid"])


class Owner(Protocol):
    """Who takes the children of one kind; declared by who calls it."""

    async def joined(self, member: Member) -> None:
        """The child said hello."""
        ...

    async def heard(self, member: Member, message: dict[str, Any]) -> Any:
        """The child told or asked something."""
        ...

    async def left(self, member: Member) -> None:
        """Its socket closed."""
        ...


class ControlServer:
    """Listens on a Unix socket of mode 0600 in a directory of mode 0700."""

    def __init__(self, path: Path, owners: Mapping[str, Owner]) -> None:
        self._path, self._owners = path, owners
        self._server: asyncio.Server | None = None
        self._open: set[ControlChannel] = set()

    async def start(self) -> None:
        """Listen; a socket left by a killed server is taken over (the state lock says that we are the only one)."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, path=self._path)
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)

    async def stop(self) -> None:
        """Close the door; connected children notice and begin their grace time."""
        if self._server:
            self._server.close()
            for channel in tuple(self._open):
                channel.close()
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guest = _Guest(self._owners)
        channel = ControlChannel(reader, writer, guest.heard)
        guest.channel = channel
        self._open.add(channel)
        watch = asyncio.get_running_loop().call_later(HELLO_WITHIN_S, guest.late)
        try:
            await channel.run()
        finally:
            watch.cancel()
            self._open.discard(channel)
            await guest.left()


class _Guest:
    """One connection: a stranger until its hello."""

    channel: ControlChannel

    def __init__(self, owners: Mapping[str, Owner]) -> None:
        self._owners = owners
        self._owner: Owner | None = None
        self._member: Member | None = None

    def late(self) -> None:
        if self._member is None:
            _log.warning("control socket closed: no hello")
            self.channel.close()

    async def heard(self, message: dict[str, Any]) -> Any:
        if "hello" in message:
            return await self._hello(message["hello"])
        if self._owner and self._member:
            return await self._owner.heard(self._member, message)
        return None

    async def _hello(self, hello: dict[str, Any]) -> None:
        self._owner = self._owners.get(str(hello.get("process")))
        if self._owner is None:
            self.channel.close()
            return
        self._member = Member(self.channel, hello)
        await self._owner.joined(self._member)

    async def left(self) -> None:
        if self._owner and self._member:
            await self._owner.left(self._member)
