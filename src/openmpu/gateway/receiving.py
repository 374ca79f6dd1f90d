"""ICE, DTLS and SRTP of one publisher or player: from datagrams to decrypted RTP and RTCP, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pylibsrtp
import structlog

from openmpu.gateway.addresses import Network
from openmpu.gateway.dtls import Certificate, DtlsPath, Fingerprints, Handshake, OpenSslHandshake
from openmpu.gateway.gnutls import GnuTlsHandshake, library
from openmpu.gateway.ice import IceSession
from openmpu.wire.whip.candidates import Candidate, Credentials

_log = structlog.get_logger()
CONNECT_WITHIN_S = 20.0
"""From the answer to a finished handshake; a publisher that takes longer is dropped and may try again."""


class MediaTaker(Protocol):
    """Who takes decrypted packets; `now` is the gateway's clock in nanoseconds. Must not raise."""

    def rtp(self, data: bytes, now: int) -> None:
        """One RTP packet."""
        ...

    def rtcp(self, data: bytes, now: int) -> None:
        """One compound RTCP packet."""
        ...


@dataclass(frozen=True, slots=True)
class Remote:
    """The publisher's end of the transport, as its offer tells it."""

    credentials: Credentials
    fingerprints: Fingerprints
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Ends:
    """How the two ends of a DTLS handshake stand to each other.

    Attributes:
        active: We begin.
        old_curves: The publisher may show a key that OpenSSL refuses (gnutls.py).
    """

    active: bool = False
    old_curves: bool = False


class PeerTransport:
    """The one transport of a publication. `open`, then `connect`, then `wait`; `close` at any time.

    Args:
        network: Addresses and ports.
        taker: Takes what is received.
        clock: Nanoseconds, never backwards.
        ends: Of the DTLS handshake.
    """

    def __init__(self, network: Network, taker: MediaTaker, clock: Callable[[], int], ends: Ends) -> None:
        self._network, self._taker, self._clock = network, taker, clock
        self._path = DtlsPath(self._send)
        self._certificate = Certificate.generateCertificate()
        self._handshake = _handshake(self._path, self._certificate, ends, self._left)
        self._step = "ice"
        self._ice = self._newest = IceSession(network, self._datagram)
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self.undecrypted = 0

    @property
    def malformed(self) -> int:
        """Datagrams that could not even be told apart, of the present ICE session."""
        return self._ice.malformed

    @property
    def fingerprints(self) -> Fingerprints:
        """Of our certificate."""
        return self._certificate.fingerprints

    async def open(self) -> IceSession:
        """Bind sockets; its credentials and candidates go into the answer.

        Raises:
            Busy: No port or address is free.
        """
        await self._ice.gather_candidates()
        return self._ice

    async def connect(self, remote: Remote) -> None:
        """Reach the publisher and shake hands.

        Raises:
            ConnectionError: That failed, or took too long; the text says at which step.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._ice.add_candidates(remote.candidates)
                await self._ice.reach(remote.credentials)
                self._step = "dtls"
                self._rx, self._tx = await self._handshake.shake_hands(remote.fingerprints)
        except TimeoutError:
            raise ConnectionError(f"{self._step} took longer than {CONNECT_WITHIN_S:g} s") from None

    async def trickle(self, candidates: tuple[Candidate, ...]) -> None:
        """More candidates of the publisher."""
        await self._newest.add_candidates(candidates)

    async def prepare_restart(self) -> IceSession:
        """A new ICE session beside the present one, which goes on until the new one is up (RFC 8445 9).

        Raises:
            Busy: No port or address is free.
        """
        session = IceSession(self._network, self._datagram)
        await session.gather_candidates()
        former, self._newest = self._newest, session
        if former is not self._ice:
            await former.close()
        return session

    async def restart(self, session: IceSession, remote: Credentials) -> None:
        """Reach the publisher anew and move over; the handshake and its keys stay.

        Raises:
            ConnectionError: It cannot be reached; the former session, if it lives, stays in use.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await session.reach(remote)
        except (TimeoutError, ConnectionError):
            await session.close()
            raise ConnectionError("the publisher cannot be reached anew") from None
        former, self._ice = self._ice, session
        await former.close()

    async def wait(self) -> str:
        """Until it is over: `left` when the publisher closed it, `vanished` when nothing comes any more."""
        watched = None
        while not self._over.done():
            if watched is not self._ice:
                watched = self._ice
                watch = asyncio.ensure_future(watched.get_event())
            await asyncio.wait((watch, self._over), return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and watched is self._ice:
                self._end("vanished")
        return self._over.result()

    def send_rtp(self, data: bytes) -> None:
        """Encrypt and send; lost when there is no connection."""
        if self._tx:
            self._ice.send_now(self._tx.protect(data))

    def send_rtcp(self, data: bytes) -> None:
        """Encrypt and send; lost when there is no connection."""
        if self._tx:
            self._ice.send_now(self._tx.protect_rtcp(data))

    async def close(self) -> None:
        """Tell the publisher, and let everything go."""
        self._end("closed")
        self._rx = self._tx = None
        await self._handshake.stop()
        await self._ice.close()
        if self._newest is not self._ice:
            await self._newest.close()

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)
        self._path.end()

    def _left(self) -> None:
        self._end("left")

    def _send(self, data: bytes) -> None:
        self._ice.send_now(data)

    def _datagram(self, data: bytes) -> None:
        """By first byte (RFC 7983 7); RTCP by its packet type (RFC 5761 4)."""
        if data[0] < 128:
            if 19 < data[0] < 64:
                self._path.put(data)
            return
        session = self._rx
        if session is None or len(data) < 12 or data[0] > 191:
            self.undecrypted += 1
            return
        try:
            if 191 < data[1] < 224:
                self._taker.rtcp(session.unprotect_rtcp(data), self._clock())
            else:
                self._taker.rtp(session.unprotect(data), self._clock())
        except pylibsrtp.Error:
            self.undecrypted += 1


def _handshake(path: DtlsPath, certificate: Certificate, ends: Ends, ended: Callable[[], None]) -> Handshake:
    gnutls = library() if ends.old_curves else None
    if gnutls:
        return GnuTlsHandshake(gnutls, path, certificate, active=ends.active, ended=ended)
    if ends.old_curves:
        _log.warning("no GnuTLS here: FFmpeg can publish with a key on P-256 only (its options cert_file and key_file)")
    return OpenSslHandshake(path, certificate, ends.active, ended)
