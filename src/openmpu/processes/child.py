"""The life of a child process beside its server: dial, say hello, serve; dial again while the grace time lasts.

A gateway or worker goes on working when the server is gone. If none comes back within the grace time, the child ends
by itself, so that no orphan publishes for ever. A new server on the same socket finds it by its hello and adopts it,
or tells it to stop when a later lease exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from openmpu.processes.channel import ControlChannel, Handler

REDIAL_S = 0.2
_log = structlog.get_logger()


class Child:
    """This process, as its server sees it.

    Args:
        path: The server's control socket (Unix).
        hello: Who this is; asked anew for each connection, so that it can tell its present state.
        handler: Takes what the server asks and tells.
        grace_s: How long to go on without a server.
    """

    def __init__(self, path: str, hello: Callable[[], dict[str, Any]], handler: Handler, grace_s: float) -> None:
        self._path, self._hello, self._handler, self._grace_s = path, hello, handler, grace_s
        self._channel: ControlChannel | None = None

    def tell(self, name: str, **fields: Any) -> None:
        """Tell the server, if it is there; figures told to nobody are lost, and that is fine."""
        if self._channel:
            self._channel.tell(name, **fields)

    @property
    def connected(self) -> bool:
        """Whether a server listens now."""
        return self._channel is not None

    async def run(self) -> None:
        """Serve until the grace time passed without a server. Cancel it to end earlier."""
        loop = asyncio.get_running_loop()
        alone_since = loop.time()
        while loop.time() - alone_since < self._grace_s:
            if await self._serve_once():
                alone_since = loop.time()
            await asyncio.sleep(REDIAL_S)
        _log.warning("no server within the grace time; ending", grace_s=self._grace_s)

    async def _serve_once(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError:
            return False
        self._channel = ControlChannel(reader, writer, self._handler)
        try:
            self._channel.hello(**self._hello())
            await self._channel.run()
        finally:
            self._channel = None
        return True
