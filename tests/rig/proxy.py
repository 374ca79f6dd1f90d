"""A TCP proxy before a receiver that misbehaves on command: as networks and CDNs do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from enum import StrEnum

_CHUNK = 4096
_LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST."""


class Fault(StrEnum):
    """What the proxy does."""

    NONE = "none"
    STALL = "stall"
    """Nothing is read any more; connections stay. New ones are accepted and stall too."""
    DROP = "drop"
    """What the client sends is taken and thrown away; nothing comes back. Afterwards such a connection is reset: TCP
    never goes on behind a hole."""
    THROTTLE = "throttle"
    """At most so many kbit/s towards the receiver."""
    RESET = "reset"
    """Every connection is reset, once."""
    REJECT = "reject"
    """Every connection, old or new, is reset."""
    SILENT = "silent"
    """Old connections are closed; new ones are accepted, and then nothing."""


class FaultProxy:
    """Between clients and one receiver. `start` it, `set` faults, `stop` it.

    Args:
        port: Where the receiver listens on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._fault, self._kbps = Fault.NONE, 0
        self._changed = asyncio.Condition()
        self._writers: set[asyncio.StreamWriter] = set()
        self._holed: set[asyncio.StreamWriter] = set()
        self._jobs: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.accepted = 0

    @property
    def port(self) -> int:
        """Where clients connect; after `start`."""
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1, with small buffers, so that a stall is felt soon."""
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK)

    async def stop(self) -> None:
        """Close everything."""
        if self._server:
            self._server.close()
        for job in tuple(self._jobs):
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._cut()
        if self._server:
            await self._server.wait_closed()

    async def set(self, fault: Fault, kbps: int = 0) -> None:
        """Behave so from now on (RESET: once, and as before)."""
        if fault is not Fault.RESET:
            self._fault, self._kbps = fault, kbps
        if fault in {Fault.RESET, Fault.REJECT, Fault.SILENT}:
            self._cut()
        if fault is not Fault.DROP:
            for writer in self._holed:
                _reset(writer)
            self._holed.clear()
        async with self._changed:
            self._changed.notify_all()

    def _cut(self) -> None:
        for writer in tuple(self._writers):
            _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            self._jobs.discard(job)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.REJECT:
            _reset(writer)
            return
        if self._fault is Fault.SILENT:
            await self._until_not(Fault.SILENT)
            _reset(writer)
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target, limit=_CHUNK)
        self._writers.add(back)
        try:
            both = [asyncio.ensure_future(self._pump(reader, back, inbound=True))]
            both.append(asyncio.ensure_future(self._pump(there, writer, inbound=False)))
            await _first_of(both)
        finally:
            self._writers.discard(back)
            self._holed.discard(back)
            self._holed.discard(writer)
            back.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inbound: bool) -> None:
        while True:
            await self._until_not(Fault.STALL)
            data = await reader.read(_CHUNK)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                await reader.read()
                return
            await self._until_not(Fault.STALL)
            if self._fault is Fault.DROP:
                self._holed.add(writer)
                continue
            if inbound and self._fault is Fault.THROTTLE:
                await asyncio.sleep(len(data) * 8 / 1000 / self._kbps)
            writer.write(data)
            await writer.drain()

    async def _until_not(self, fault: Fault) -> None:
        if self._fault is fault:
            async with self._changed:
                await self._changed.wait_for(lambda: self._fault is not fault)


async def _first_of(jobs: list[asyncio.Future[None]]) -> None:
    try:
        await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(jobs, timeout=1.0)  # the answer to the end of one side
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    writer.transport.abort()
