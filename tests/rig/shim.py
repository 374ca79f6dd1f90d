"""A bad network between publishers and a server: WHIP passes through, media goes over a UDP relay that misbehaves.

Publishers are given the shim's URL instead of the server's; candidates are replaced on both sides, so that every
datagram must take the relay (`tests/gateway/shim.py`).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.gateway.shim import Network, Relay

_HOST = re.compile(r"a=candidate:\S+ 1 (?i:udp) (\d+) (\S+) (\d+) typ host")
_PASSED = ("content-type", "authorization", "if-match")
_ANSWERED = ("content-type", "location", "etag", "accept-patch", "link")


@dataclass(frozen=True)
class Weather(Network):
    """As `Network`, and more.

    Attributes:
        duplicate: Share of datagrams that come twice.
    """

    duplicate: float = 0.0


class DoublingRelay(Relay):
    """A relay that also repeats."""

    def __init__(self, network: Weather, target: tuple[str, int]) -> None:
        super().__init__(network, target)
        self._share, self._chance = network.duplicate, Random(5)
        self._closed = False

    def close(self) -> None:
        """Close every socket; what is still on its way is lost."""
        self._closed = True
        super().close()

    def _carry(self, data: bytes, send: Callable[[], None], *, inbound: bool) -> None:
        for _ in range(2 if self._chance.random() < self._share else 1):
            super()._carry(data, lambda: None if self._closed else send(), inbound=inbound)


class WhipShim:
    """Stands before one server."""

    def __init__(self, server_url: str, weather: Weather) -> None:
        self.url = ""
        self.relays: dict[str, Relay] = {}
        """The latest of each publisher, by path."""
        self._server_url, self._weather = server_url, weather
        self._cut = False
        self._http = httpx.AsyncClient(trust_env=False, timeout=10)

    def app(self) -> Starlette:
        """What listens at `url`."""
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=["POST", "PATCH", "DELETE", "OPTIONS"])])

    async def close(self) -> None:
        """End every relay."""
        for relay in self.relays.values():
            relay.close()
        await self._http.aclose()

    def cut(self, *, off: bool = True) -> None:
        """The cable is pulled, or put in again: no datagram either way, no answer to a request."""
        self._cut = off
        for relay in self.relays.values():
            relay.network = replace(self._weather, loss=1.0, burst=1) if off else self._weather

    async def _handle(self, request: Request) -> Response:
        if self._cut:
            return Response(status_code=503)
        body = (await request.body()).decode()
        if request.method == "POST":
            body = re.sub(r"a=candidate:.*\r\n", "", body)
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url = f"{self._server_url}{request.url.path}?{request.url.query}"
        try:
            answer = await self._http.request(request.method, url, content=body, headers=headers)
        except httpx.HTTPError:
            return Response(status_code=503)
        text = answer.text
        if request.method == "POST" and answer.status_code == httpx.codes.CREATED:
            text = await self._bent(request.url.path, text)
        kept = {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}
        return Response(text, answer.status_code, kept)

    async def _bent(self, path: str, sdp: str) -> str:
        """The answer with the relay's address in place of the gateway's."""
        found = _HOST.search(sdp)
        assert found, "the answer has no host candidate"
        priority, address, port = found.groups()
        earlier = self.relays.pop(path, None)
        if earlier:
            earlier.close()
        relay = self.relays[path] = DoublingRelay(self._weather, (address, int(port)))
        await relay.open(address)
        line = f"a=candidate:1 1 udp {priority} {address} {relay.port} typ host\r\n"
        rest = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", sdp)
        return re.sub(r"(a=ice-pwd:.*\r\n)", rf"\1{line}", rest, count=1)


@asynccontextmanager
async def bad_weather(server_url: str, weather: Weather) -> AsyncIterator[WhipShim]:
    """A shim before the server, on a free port of 127.0.0.1."""
    shim = WhipShim(server_url, weather)
    listener = socket.create_server(("127.0.0.1", 0))
    shim.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(shim.app(), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield shim
    finally:
        server.should_exit = True
        await serving
        await shim.close()
