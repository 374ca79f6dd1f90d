"""S2: a name that points elsewhere after it was checked."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from openmpu.processes.web import WebClient
from openmpu.wire.guard import Guard


async def test_s2_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked for once; what it says afterwards (here: the inside) is never heard."""
    called: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(writer.get_extra_info("sockname")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    async with await asyncio.start_server(serve, "0.0.0.0", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answers = iter(["127.0.0.2", "127.0.0.1", "127.0.0.1"])
        asked: list[str] = []

        async def lookup(host: str, *_: Any, **__: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

        real = asyncio.get_running_loop().getaddrinfo
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", _only_for("rebound.example", lookup, real))
        async with WebClient(Guard.allowing(["127.0.0.2/32"])) as client:
            assert await client.get(f"http://rebound.example:{port}/", within_s=5.0) == b"hi"

    assert asked == ["rebound.example"]
    assert called == ["127.0.0.2"]


def _only_for(name: str, lookup: Any, real: Any) -> Any:
    async def choose(host: Any, *more: Any, **named: Any) -> Any:
        return await (lookup if host == name else real)(host, *more, **named)

    return choose
