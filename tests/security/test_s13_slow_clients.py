"""S13: requests that never end hold no connection for ever (the body's limits: tests/http/test_rpc_transport.py)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from openmpu.http import patience
from openmpu.http.addresses import Addresses
from openmpu.http.app import make_app
from openmpu.http.patience import patient
from tests.e2e.steps import until

pytestmark = pytest.mark.e2e

HEAD = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"


async def echo(request: Request) -> Response:
    """Reads to the end."""
    return PlainTextResponse(await request.body())


async def slow(_request: Request) -> Response:
    """Takes longer than clients may."""
    await asyncio.sleep(0.6)
    return PlainTextResponse("done")


@contextlib.asynccontextmanager
async def serving(addresses: Addresses) -> AsyncIterator[int]:
    """A server; its port."""
    app = make_app([Route("/echo", echo, methods=["POST"]), Route("/slow", slow)])
    config = uvicorn.Config(app, http=patient(addresses), lifespan="off", log_level="warning", timeout_keep_alive=5)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await running


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server that waits 0.3 s."""
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.3)
    monkeypatch.setattr(patience, "BODY_WITHIN_S", 0.3)
    async with serving(Addresses(0)) as number:
        yield number


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def of(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def trickle(self, data: bytes) -> None:
        """A byte each 20 ms, as long as anybody listens."""
        with contextlib.suppress(OSError):
            for byte in data:
                await self.say(bytes([byte]))
                await asyncio.sleep(0.02)

    async def closed(self) -> bytes:
        """What came until the server closed."""
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                return await self.reader.read()
        return b""

    async def answer(self) -> bytes:
        """One answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head.split(b"\r\n")[0] + b" " + await self.reader.readexactly(size)


@pytest.mark.parametrize("begun", [b"", b"P", HEAD, HEAD + b"X-Long: " + b"x" * 5000])
async def test_s13_a_header_that_does_not_end(port: int, begun: bytes) -> None:
    """Silent from the start, or somewhere in the middle: closed."""
    client = await Client.of(port)
    await client.say(begun)
    assert await client.closed() == b""


async def test_s13_a_header_that_trickles(port: int) -> None:
    """Making some progress is not enough; it must end."""
    client = await Client.of(port)
    trickling = asyncio.create_task(client.trickle(HEAD + b"X-Long: " + b"x" * 500))
    assert await client.closed() == b""
    await trickling


async def test_s13_a_body_that_does_not_end(port: int) -> None:
    """It has a time limit of its own."""
    client = await Client.of(port)
    await client.say(HEAD + b"\r\nabc")
    assert await client.closed() == b""


async def test_s13_half_of_a_further_request(port: int) -> None:
    """Keep-alive opens no way around it, whether the half comes after the answer or with the first request."""
    for pieces in ([HEAD + b"\r\nabcde", HEAD], [HEAD + b"\r\nabcde" + HEAD]):
        client = await Client.of(port)
        await client.say(pieces[0])
        assert (await client.answer()).endswith(b"abcde")
        for piece in pieces[1:]:
            await client.say(piece)
        assert await client.closed() == b""


async def test_s13_honest_clients_notice_nothing(port: int) -> None:
    """Many requests on a connection, with pauses between; a body in pieces; a handler that takes its time."""
    client = await Client.of(port)
    for _ in range(3):
        await client.say(HEAD + b"\r\nab")
        await asyncio.sleep(0.1)
        await client.say(b"cde")
        assert (await client.answer()).endswith(b"200 OK abcde")
        await asyncio.sleep(0.4)
    await client.say(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer()).endswith(b"done")
    client.writer.close()


async def test_s13_others_are_served_meanwhile(port: int) -> None:
    """A hundred of them are no hindrance, and all of them go."""
    idlers = [await Client.of(port) for _ in range(100)]
    await asyncio.gather(*(idler.say(HEAD) for idler in idlers))
    client = await Client.of(port)
    await client.say(HEAD + b"\r\nabcde")
    assert (await client.answer()).endswith(b"abcde")
    assert await asyncio.gather(*(idler.closed() for idler in idlers)) == [b""] * 100
    client.writer.close()


async def test_s13_an_address_has_so_many_connections_and_no_more() -> None:
    """The fourth of three is told 503 and closed, and costs nobody else; when one has gone the next is let in."""
    addresses = Addresses(3, own_count=True)
    async with serving(addresses) as port:
        clients = [await Client.of(port) for _ in range(3)]
        for client in clients:
            await client.say(HEAD + b"\r\nabcde")
            assert (await client.answer()).endswith(b"abcde")
        refused = await (await Client.of(port)).closed()
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"too many connections" in refused

        clients[0].writer.close()
        await clients[0].writer.wait_closed()
        await until(lambda: addresses.enter("127.0.0.1") is not None, "there is room again")
        addresses.leave("127.0.0.1")
        late = await Client.of(port)
        await late.say(HEAD + b"\r\nabcde")
        assert (await late.answer()).endswith(b"abcde")
        for client in (late, *clients):
            client.writer.close()
    await until(lambda: not addresses, "all have left")
