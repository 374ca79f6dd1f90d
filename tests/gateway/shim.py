"""A bad network between a publisher and a gateway: a UDP relay that loses, delays, reorders and throttles."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """How bad it is, towards the gateway; the way back loses and delays alike, but is never throttled.

    Attributes:
        loss: Share of datagrams lost.
        burst: How many are lost in a row; the share stays.
        delay_ms: Of every datagram.
        jitter_ms: On top, at random, so that datagrams overtake one another.
        kbps: Bits per second in thousands; 0: no limit. More waits in a queue of `queue_ms`, then is lost.
    """

    name: str = "clean"
    loss: float = 0.0
    burst: int = 1
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    kbps: int = 0
    queue_ms: float = 250.0


class _Side(asyncio.DatagramProtocol):
    """One socket of the relay; what it hears goes to `take`."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._take(data, addr)


class Relay:
    """Between one publisher, which may have several addresses, and one gateway socket."""

    def __init__(self, network: Network, target: tuple[str, int]) -> None:
        self.network, self.target = network, target
        self.lost = self.carried = 0
        self._random = random.Random(11)
        self._losing = {True: 0, False: 0}
        self._free_at = 0.0
        self._front: Any = None
        self._backs: dict[Any, Any] = {}
        self.port = 0

    async def open(self, address: str) -> None:
        """Listen for the publisher."""
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(lambda: _Side(self._from_publisher), (address, 0))
        self.port = self._front.get_extra_info("sockname")[1]

    def close(self) -> None:
        """Close every socket."""
        for transport in (self._front, *self._backs.values()):
            if transport is not None and not isinstance(transport, list):
                transport.close()

    def _from_publisher(self, data: bytes, publisher: Any) -> None:
        back = self._backs.get(publisher)
        if back is None:
            self._backs[publisher] = waiting = [data]
            self._opening = asyncio.ensure_future(self._open_back(publisher, waiting))
        elif isinstance(back, list):
            back.append(data)
        else:
            self._carry(data, lambda: back.sendto(data), inbound=True)

    async def _open_back(self, publisher: Any, waiting: list[bytes]) -> None:
        def answer(data: bytes, _: Any) -> None:
            self._carry(data, lambda: self._front.sendto(data, publisher), inbound=False)

        loop = asyncio.get_running_loop()
        back, _ = await loop.create_datagram_endpoint(lambda: _Side(answer), remote_addr=self.target)
        back.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._backs[publisher] = back
        for data in waiting:
            self._carry(data, lambda data=data: back.sendto(data), inbound=True)

    def _carry(self, data: bytes, send: Any, *, inbound: bool) -> None:
        loop, network = asyncio.get_running_loop(), self.network
        delay = network.delay_ms + self._random.random() * network.jitter_ms
        if inbound and network.kbps:
            queued = max(0.0, self._free_at - loop.time())
            if queued * 1000 > network.queue_ms:
                self.lost += 1
                return
            self._free_at = loop.time() + queued + len(data) * 8 / (network.kbps * 1000)
            delay += (self._free_at - loop.time()) * 1000
        if self._loses(inbound):
            self.lost += 1
            return
        self.carried += 1
        if delay > 0:
            loop.call_later(delay / 1000, send)
        else:
            send()

    def _loses(self, inbound: bool) -> bool:
        if self._losing[inbound]:
            self._losing[inbound] -= 1
            return True
        if self._random.random() < self.network.loss / self.network.burst:
            self._losing[inbound] = self.network.burst - 1
            return True
        return False


class BadServer:
    """A gateway's server (rig.Server) whose publishers reach it over a bad network only."""

    def __init__(self, server: Any, network: Network) -> None:
        self._server, self._network = server, network
        self.relays: list[Relay] = []

    async def publish(self, user: str, offer: str, source: str = "camera") -> dict[str, str]:
        """As rig.Server; candidates are replaced by the relay's, on both sides."""
        offer = re.sub(r"a=candidate:.*\r\n", "", offer)
        published = await self._server.publish(user, offer, source)
        first = re.search(r"a=candidate:\S+ 1 (?i:udp) (\d+) (\S+) (\d+) typ host", published["sdp"])
        assert first
        relay = Relay(self._network, (first[2], int(first[3])))
        await relay.open(first[2])
        self.relays.append(relay)
        line = f"a=candidate:1 1 udp {first[1]} {first[2]} {relay.port} typ host\r\n"
        rest = re.sub(r"a=(candidate:.*|end-of-candidates)\r\n", "", published["sdp"])
        return {**published, "sdp": re.sub(r"(a=ice-pwd:.*\r\n)", rf"\1{line}", rest, count=1)}

    async def ask(self, name: str, **fields: Any) -> Any:
        """As rig.Server."""
        return await self._server.ask(name, **fields)


@asynccontextmanager
async def bad_network(server: Any, network: Network) -> AsyncIterator[BadServer]:
    """The server behind that network."""
    bad = BadServer(server, network)
    try:
        yield bad
    finally:
        for relay in bad.relays:
            relay.close()
