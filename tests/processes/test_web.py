"""The guarded client against a real server on this machine."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from openmpu.errors import DestinationFailed
from openmpu.processes.web import WebClient
from openmpu.wire.guard import Guard

LOCAL = Guard.allowing(["127.0.0.0/8"])


@asynccontextmanager
async def answering(answer: bytes, *, then_hang: bool = False):
    """A server that says `answer` to everybody; yields (port, requests seen)."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        if then_hang:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


async def get(port: int, guard: Guard = LOCAL, host: str = "127.0.0.1", **limits) -> bytes:
    async with WebClient(guard) as client:
        return await client.get(f"http://{host}:{port}/a?b=c", **{"within_s": 5.0, **limits})


async def test_a_body_is_fetched_with_the_name_in_host():
    """The connection goes to the address, the name stands in Host."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, seen):
        assert await get(port, host="localhost") == b"hi"

    assert b"GET /a?b=c HTTP/1.1\r\n" in seen[0]
    assert f"Host: localhost:{port}\r\n".encode() in seen[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
async def test_an_inside_address_is_never_contacted(host):
    """However it is spelt: the server counts no visit, and the error is one and the same."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, seen):
        with pytest.raises(DestinationFailed, match="cannot be reached or is not allowed"):
            await get(port, Guard(), host)

    assert seen == []


async def test_a_redirect_is_not_followed():
    """A public page must not lead us inside."""
    async with answering(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n") as (
        port,
        _,
    ):
        with pytest.raises(DestinationFailed, match="answered 302"):
            await get(port)


async def test_a_body_too_large_is_cut_off():
    """Reading ends at the limit, whatever the header says."""
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000) as (port, _):
        with pytest.raises(DestinationFailed, match="larger than"):
            await get(port, max_body=1000)


async def test_a_slow_body_ends_in_time():
    """The deadline covers everything, from the name to the last byte."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", then_hang=True) as (port, _):
        with pytest.raises(DestinationFailed, match="cannot be reached"):
            await get(port, within_s=0.2)


async def test_a_post_tells_the_status_only():
    """The answer's body is not read."""
    async with (
        answering(b"HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nsecret") as (port, seen),
        WebClient(LOCAL) as client,
    ):
        status = await client.post(f"http://127.0.0.1:{port}/cb", b"{}", {"Content-Type": "application/json"}, 5.0)

    assert status == 503
    assert b"POST /cb" in seen[0]
