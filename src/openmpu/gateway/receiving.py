"""ICE, DTLS and SRTP of one publisher: from datagrams to decrypted RTP and RTCP, and RTCP back.

The only module that touches aiortc's private names; aiortc is pinned, and a test holds each name. Of aiortc it uses the
DTLS handshake and the SRTP session only: receiving is ours (`wire/rtp`), and it needs neither threads nor coroutines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from openmpu.gateway.addresses import Binding, PortRange
from openmpu.gateway.ice import IceSession
from openmpu.wire.whip.candidates import Candidate, Credentials

CONNECT_WITHIN_S = 20.0
"""From the answer to a finished handshake; a publisher that takes longer is dropped and may try again."""
_EARLY_DTLS = 32
"""Datagrams of a handshake that may wait; more come from nobody who means well."""

# Forward secrecy and AEAD first; CBC for old clients. Ours is an ECDSA certificate, so only those suites can be chosen;
# GnuTLS (FFmpeg) and old OpenSSL (GStreamer) want AES-256-GCM or CCM beside what aiortc offers.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)


class MediaTaker(Protocol):
    """Who takes decrypted packets; `now` is the gateway's clock in nanoseconds. Must not raise."""

    def rtp(self, data: bytes, now: int) -> None:
        """One RTP packet."""
        ...

    def rtcp(self, data: bytes, now: int) -> None:
        """One compound RTCP packet."""
        ...


class Certificate(RTCCertificate):
    """A certificate whose handshakes take every cipher that we deem safe."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(_CIPHERS)
        return context


class _Dtls(RTCDtlsTransport):
    """aiortc's handshake over a path of ours."""

    def __init__(self, path: _Path, certificate: Certificate, active: bool) -> None:
        ice: Any = path
        super().__init__(ice, [certificate])
        self._set_role("client" if active else "server")

    @property
    def sessions(self) -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
        """The SRTP sessions for what comes in and what goes out, once connected."""
        return self._rx_srtp, self._tx_srtp


class _Path:
    """What RTCDtlsTransport calls its ICE transport: a way for its datagrams, whichever ICE session is in use."""

    role = "controlled"

    def __init__(self) -> None:
        self.session: IceSession | None = None
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_EARLY_DTLS)

    def put(self, data: bytes) -> None:
        """A datagram of DTLS came."""
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    def end(self) -> None:
        """Nothing more will come."""
        while self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def _recv(self) -> bytes:
        data = await self._waiting.get()
        if data is None:
            raise ConnectionError
        return data

    async def _send(self, data: bytes) -> None:
        if self.session:
            self.session.send_now(data)


@dataclass(frozen=True, slots=True)
class Remote:
    """The publisher's end of the transport, as its offer tells it."""

    credentials: Credentials
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...] = ()
    complete: bool = False


class PeerTransport:
    """The one transport of a publication. `open`, then `connect`, then `wait`; `close` at any time.

    Args:
        bindings: Addresses to bind and tell.
        ports: Where sockets come from.
        taker: Takes what is received.
        clock: Nanoseconds, never backwards.
        active: Whether we begin the DTLS handshake.
    """

    def __init__(
        self, bindings: tuple[Binding, ...], ports: PortRange, taker: MediaTaker, clock: Callable[[], int], active: bool
    ) -> None:
        self._bindings, self._ports, self._taker, self._clock = bindings, ports, taker, clock
        self._path = _Path()
        self._certificate = Certificate.generateCertificate()
        self._dtls = _Dtls(self._path, self._certificate, active)
        self._dtls.on("statechange", self._dtls_changed)
        self._ice = self._newest = self._session()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._rx: pylibsrtp.Session | None = None
        self._tx: pylibsrtp.Session | None = None
        self.undecrypted = 0

    def _session(self) -> IceSession:
        return IceSession(self._bindings, self._ports, self._datagram)

    @property
    def fingerprints(self) -> tuple[tuple[str, str], ...]:
        """Of our certificate: SHA-256 only, which everybody knows."""
        prints = self._certificate.getFingerprints()
        return tuple((one.algorithm, one.value) for one in prints if one.algorithm == "sha-256")

    async def open(self) -> IceSession:
        """Bind sockets; its credentials and candidates go into the answer.

        Raises:
            Busy: No port or address is free.
        """
        await self._ice.gather_candidates()
        self._path.session = self._ice
        return self._ice

    async def connect(self, remote: Remote) -> None:
        """Reach the publisher and shake hands.

        Raises:
            ConnectionError: That failed, or took too long; the text says at which step.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._ice.add_candidates(remote.candidates, remote.complete)
                await self._ice.reach(remote.credentials)
                await self._shake_hands(remote.fingerprints)
        except TimeoutError:
            step = "ice" if self._dtls.state == "new" else "dtls"
            raise ConnectionError(f"{step} took longer than {CONNECT_WITHIN_S:g} s") from None

    async def _shake_hands(self, fingerprints: tuple[tuple[str, str], ...]) -> None:
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(*pair) for pair in fingerprints]))
        if self._dtls.state != "connected":
            raise ConnectionError("dtls failed")
        self._rx, self._tx = self._dtls.sessions

    async def trickle(self, candidates: tuple[Candidate, ...], complete: bool) -> None:
        """More candidates of the publisher."""
        await self._newest.add_candidates(candidates, complete)

    async def prepare_restart(self) -> IceSession:
        """A new ICE session beside the present one, which goes on until the new one is up (RFC 8445 9).

        Raises:
            Busy: No port or address is free.
        """
        session = self._session()
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
        former, self._ice, self._path.session = self._ice, session, session
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

    def send_rtcp(self, data: bytes) -> None:
        """Encrypt and send; lost when there is no connection."""
        if self._tx:
            self._ice.send_now(self._tx.protect_rtcp(data))

    async def close(self) -> None:
        """Tell the publisher, and let everything go."""
        self._end("closed")
        self._rx = self._tx = None
        await self._dtls.stop()
        await self._ice.close()
        if self._newest is not self._ice:
            await self._newest.close()

    def _end(self, reason: str) -> None:
        if not self._over.done():
            self._over.set_result(reason)
        self._path.end()

    def _dtls_changed(self) -> None:
        if self._dtls.state == "closed":
            self._end("left")

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
