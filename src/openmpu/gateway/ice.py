"""ICE of one publisher: aioice's agent on our own sockets, ports and addresses, with its own watch for who vanished.

The only module that touches aioice's private names; a test holds each. Media and DTLS datagrams go straight to a sink,
without a queue: at thousands of packets a second that is a third of the cost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import aioice
import structlog
from aioice import stun
from aioice.ice import Connection, StunProtocol

from openmpu.errors import Busy
from openmpu.gateway.addresses import Binding, Network
from openmpu.wire.whip.candidates import Candidate, Credentials

VANISHED_S = 8.0
"""Without any datagram for this long a publisher is gone. Well above the time that Wi-Fi roaming takes."""
_QUIET_S = 3.0
"""After this long without a datagram it is asked each second whether it is there: a muted publisher answers."""
_LOOK_S = 1.0
_CONSENT_S = 5.0
"""Otherwise this often, varied by a fifth (RFC 7675 5.1)."""
_CONSENT_LOST_S = 30.0
"""Sending must end when no check was answered for this long (RFC 7675 5.1)."""
_log = structlog.get_logger()

Sink = Callable[[bytes], None]


class _Socket(StunProtocol):
    """A socket's datagrams, told apart by their first byte (RFC 7983 7).

    STUN and SRTP prove themselves. A handshake does not, so it is taken only from where a check with the right password
    came, or where the publisher said to be (security.md S12): nobody else can break it.
    """

    receiver: IceSession

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        session = self.receiver
        session.heard += 1
        try:
            if not data or data[0] < 4:  # type: ignore[operator]  # always bytes for UDP
                super().datagram_received(data, addr)
            elif data[0] > 127 or session.knows(addr):  # type: ignore[operator]
                session.sink(data)  # type: ignore[arg-type]
            else:
                session.malformed += 1
        except Exception as error:  # noqa: BLE001 - nothing that a stranger sends may end a socket
            session.malformed += 1
            _log.debug("datagram that could not be taken", error=repr(error))


class IceSession(Connection):
    """One ICE session, in the controlled role; a restart makes another.

    Args:
        network: What to bind and tell.
        sink: Takes every datagram that is not STUN.
    """

    def __init__(self, network: Network, sink: Sink) -> None:
        super().__init__(ice_controlling=False)
        self._network = network
        self.sink = sink
        self.heard = self.malformed = 0
        self.told: list[Candidate] = []

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002 - aioice's own idea of the machine
        timeout: int = 5,  # noqa: ARG002, ASYNC109 - nothing here waits
    ) -> list[aioice.Candidate]:
        """Bind our addresses; called by aioice when it gathers."""
        found = [self._bind(component, binding) for binding in self._network.bindings]
        candidates = [candidate for candidate in found if candidate]
        if not candidates:
            raise Busy("gateway", "no address of this machine can be bound")
        return candidates

    def _bind(self, component: int, binding: Binding) -> aioice.Candidate | None:
        try:
            sock = self._network.ports.bind(binding.bind)
        except OSError as error:
            _log.warning("cannot bind", address=binding.bind, error=str(error))
            return None
        protocol = _Socket(self)
        self._network.intake.open(sock, protocol)
        port = sock.getsockname()[1]
        told = binding.candidates(port)
        self.told += told
        protocol.local_candidate = aioice.Candidate(
            told[0].foundation, component, "udp", told[0].priority, binding.bind, port, "host"
        )
        self._protocols.append(protocol)
        return protocol.local_candidate

    @property
    def local(self) -> Credentials:
        """Our credentials."""
        return Credentials(self.local_username, self.local_password)

    async def add_candidates(self, candidates: tuple[Candidate, ...]) -> None:
        """Candidates of the publisher.

        aioice never hears of their end: it would give up at once on a publisher whose addresses are all hidden or
        unreachable, though the publisher's own checks may still come (RFC 8445 7.3.1.3).
        """
        for one in candidates:
            await self.add_remote_candidate(
                aioice.Candidate(one.foundation, 1, "udp", one.priority, one.address, one.port, one.type)
            )

    def knows(self, address: tuple[Any, ...]) -> bool:
        """Whether the publisher is there, by its own word or by a check with the right password."""
        return any((one.host, one.port) == (address[0], address[1]) for one in self.remote_candidates)

    async def reach(self, remote: Credentials) -> None:
        """Check pairs until one is nominated.

        Raises:
            ConnectionError: None can be.
        """
        self.remote_username, self.remote_password = remote.ufrag, remote.password
        await self.connect()

    def send_now(self, data: bytes) -> None:
        """Send on the nominated pair; lost without one, as a datagram may be."""
        pair = self._nominated.get(1)
        if pair and not pair.protocol.transport.is_closing():
            pair.protocol.transport.sendto(data, pair.remote_addr)

    def data_received(self, data: bytes, component: int) -> None:  # noqa: ARG002
        """What aioice took for no STUN after all."""
        self.sink(data)

    async def query_consent(self) -> None:
        """Watch whether the publisher is there; closes the session when it is not. Started by aioice when connected."""
        loop = asyncio.get_running_loop()
        watch = _Watch(loop.time())
        while not watch.over(loop.time(), self.heard):
            began = loop.time()
            await asyncio.sleep(_LOOK_S)
            watch.stood_still(loop.time() - began - _LOOK_S)
            if watch.asks(loop.time(), self.heard) and await self._ask():
                watch.answered_at = loop.time()
        self._query_consent_task = None
        await self.close()

    async def _ask(self) -> bool:
        pair = self._nominated.get(1)
        if pair is None or self.remote_password is None:
            return False
        request = self.build_request(pair, nominate=False)
        key = self.remote_password.encode()
        try:
            await pair.protocol.request(request, pair.remote_addr, integrity_key=key, retransmissions=0)
        except stun.TransactionError:
            return False
        return True


class _Watch:
    """When to ask whether a publisher is there, and when to give it up; times in seconds of one clock."""

    def __init__(self, now: float) -> None:
        self.answered_at = now
        self._asked_at = self._heard_at = now
        self._heard = -1
        self._every = _CONSENT_S

    def over(self, now: float, heard: int) -> bool:
        """Whether it vanished, or its consent ran out."""
        if heard != self._heard:
            self._heard, self._heard_at = heard, now
        return now - self._heard_at >= VANISHED_S or now - self.answered_at >= _CONSENT_LOST_S

    def stood_still(self, seconds: float) -> None:
        """The process did not run for so long: whether datagrams came meanwhile, it has not looked yet."""
        self._heard_at += max(0.0, seconds)

    def asks(self, now: float, heard: int) -> bool:
        """Whether to ask now."""
        quiet = heard == self._heard and now - self._heard_at >= _QUIET_S
        if not quiet and now - self._asked_at < self._every:
            return False
        self._asked_at, self._every = now, _CONSENT_S * random.uniform(0.8, 1.2)  # noqa: S311
        return True
