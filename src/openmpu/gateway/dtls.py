"""The DTLS handshake of one publisher, by aiortc (OpenSSL); what comes of it are two SRTP sessions.

The only module that touches aiortc's private names; aiortc is pinned, and a test holds each name. Of aiortc only this
is used: receiving is ours (`wire/rtp`), and it needs neither threads nor coroutines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL

_EARLY = 32
"""Datagrams of a handshake that may wait; more come from nobody who means well."""

# Forward secrecy and AEAD first; CBC for old clients. aiortc's own list turns away who has only AES-256-GCM or CCM. As
# a server ours is an ECDSA certificate; as a client (passive publishers) RSA ones are taken too.
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA"
)

Fingerprints = tuple[tuple[str, str], ...]
Sessions = tuple[pylibsrtp.Session, pylibsrtp.Session]
"""For what comes in, for what goes out."""


class Handshake(Protocol):
    """A way to shake hands over `DtlsPath`."""

    async def shake_hands(self, fingerprints: Fingerprints) -> Sessions:
        """Shake hands with whoever owns a certificate with these fingerprints.

        Raises:
            ConnectionError: That failed.
        """
        ...

    async def stop(self) -> None:
        """Tell the other side that it is over."""
        ...


class Certificate(RTCCertificate):
    """A certificate of ours, whose handshakes take every cipher that we deem safe."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(_CIPHERS)
        return context

    @property
    def fingerprints(self) -> Fingerprints:
        """SHA-256 only, which everybody knows."""
        return tuple((one.algorithm, one.value) for one in self.getFingerprints() if one.algorithm == "sha-256")

    @property
    def pem(self) -> tuple[bytes, bytes]:
        """Certificate and key, for another TLS library."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._cert.public_bytes(Encoding.PEM), key


class DtlsPath:
    """How handshakes send and receive; also what RTCDtlsTransport takes for its ICE transport.

    Args:
        send: Sends a datagram to the publisher.
    """

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.send = send
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_EARLY)

    def put(self, data: bytes) -> None:
        """A datagram of DTLS came."""
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    def end(self) -> None:
        """Nothing more will come."""
        while self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def receive(self) -> bytes:
        """The next datagram.

        Raises:
            ConnectionError: Nothing more will come.
        """
        data = await self._waiting.get()
        if data is None:
            raise ConnectionError("the connection is over")
        return data

    async def _recv(self) -> bytes:
        return await self.receive()

    async def _send(self, data: bytes) -> None:
        self.send(data)


class OpenSslHandshake(RTCDtlsTransport):
    """aiortc's handshake over a path of ours.

    Args:
        active: Whether we begin.
        ended: Called when the other side closed.
    """

    def __init__(self, path: DtlsPath, certificate: Certificate, active: bool, ended: Callable[[], None]) -> None:
        ice: Any = path
        super().__init__(ice, [certificate])
        self._set_role("client" if active else "server")
        self._ended = ended
        self.on("statechange", self._changed)

    async def shake_hands(self, fingerprints: Fingerprints) -> Sessions:
        """See `Handshake`."""
        await super().start(RTCDtlsParameters([RTCDtlsFingerprint(*pair) for pair in fingerprints]))
        if self.state != "connected":
            raise ConnectionError("dtls failed")
        return self._rx_srtp, self._tx_srtp

    def _changed(self) -> None:
        if self.state == "closed":
            self._ended()
