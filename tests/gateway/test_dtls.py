"""DTLS handshakes over a path in memory, and the private names of aiortc and aioice that the gateway leans on."""

from __future__ import annotations

import asyncio
import inspect
from importlib.metadata import version

import aioice.ice
import pytest
from aioice import stun
from aiortc import rtcdtlstransport
from cryptography.hazmat.primitives.asymmetric import ec

from openmpu.gateway.dtls import Certificate, DtlsPath, OpenSslHandshake
from openmpu.gateway.gnutls import GnuTlsHandshake, library

RTP = bytes.fromhex("8060000100000001000004d2") + b"payload"
KINDS = ("openssl", "gnutls")


def handshake(kind, path, certificate, ended=lambda: None, *, active):
    """Either implementation."""
    if kind == "openssl":
        return OpenSslHandshake(path, certificate, active, ended)
    gnutls = library()
    if gnutls is None:
        pytest.skip("no GnuTLS here")
    return GnuTlsHandshake(gnutls, path, certificate, active=active, ended=ended)


class Pair:
    """Two ends and the path between them."""

    def __init__(self, client, server, *, lose=lambda count: False):
        self.sent, self._lose = 0, lose
        self.paths = [DtlsPath(lambda data: self._carry(1, data)), DtlsPath(lambda data: self._carry(0, data))]
        self.certificates = [Certificate.generateCertificate() for _ in range(2)]
        self.ended = [asyncio.Event(), asyncio.Event()]
        self.ends = [
            handshake(kind, path, certificate, ended.set, active=active)
            for kind, path, certificate, ended, active in zip(
                (client, server), self.paths, self.certificates, self.ended, (True, False), strict=True
            )
        ]

    def _carry(self, to, data):
        self.sent += 1
        if not self._lose(self.sent):
            self.paths[to].put(data)

    async def shake_hands(self, *told):
        """Both ends at once, each told the other's fingerprints unless given."""
        told = told or (self.certificates[1].fingerprints, self.certificates[0].fingerprints)
        async with asyncio.timeout(10):
            return await asyncio.gather(*(end.shake_hands(one) for end, one in zip(self.ends, told, strict=True)))

    async def close(self):
        """End both."""
        for end in self.ends:
            await end.stop()
        for path in self.paths:
            path.end()


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("server", KINDS)
async def test_keys_fit(client, server):
    """What one end protects the other reads, in both directions, whichever library each uses."""
    pair = Pair(client, server)
    (client_rx, client_tx), (server_rx, server_tx) = await pair.shake_hands()
    assert server_rx.unprotect(client_tx.protect(RTP)) == RTP
    assert client_rx.unprotect(server_tx.protect(RTP)) == RTP
    await pair.close()


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("server", KINDS)
async def test_foreign_certificate_is_refused(client, server):
    """Who shows another certificate than the offer told is nobody, on either side."""
    pair = Pair(client, server)
    foreign = Certificate.generateCertificate().fingerprints
    with pytest.raises(ConnectionError, match="dtls failed"):
        await pair.shake_hands(pair.certificates[1].fingerprints, foreign)
    await pair.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_lost_flights_are_sent_again(kind):
    """The handshake survives the loss of its first flights."""
    pair = Pair(kind, kind, lose=lambda count: count in (1, 3))
    await pair.shake_hands()
    await pair.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_is_heard(kind):
    """When one end closes, the other is told."""
    pair = Pair(kind, kind)
    await pair.shake_hands()
    await pair.ends[0].stop()
    await asyncio.wait_for(pair.ended[1].wait(), 5)
    await pair.close()


async def test_keys_of_ffmpeg():
    """A publisher with a key on P-224, as FFmpeg with GnuTLS makes it, is taken by GnuTLS."""
    pair = Pair("gnutls", "gnutls")
    old = ec.generate_private_key(ec.SECP224R1())
    pair.certificates[0] = Certificate(old, rtcdtlstransport.generate_certificate(old))
    pair.ends[0] = handshake("gnutls", pair.paths[0], pair.certificates[0], active=True)
    await pair.shake_hands()
    await pair.close()


def test_pinned_versions():
    """The private names below were read in these versions."""
    assert version("aiortc") == "1.16.0"
    assert version("aioice").startswith("0.13.")


def test_names_of_aiortc():
    """What `dtls.py` leans on in aiortc is there."""
    transport = rtcdtlstransport.RTCDtlsTransport
    source = inspect.getsource(transport)
    for name in ("_rx_srtp", "_tx_srtp", "self.transport._send(", "self.transport._recv(", "self.transport.role"):
        assert name in source
    assert list(inspect.signature(transport._set_role).parameters) == ["self", "role"]
    assert "srtp_profiles" in inspect.signature(rtcdtlstransport.RTCCertificate._create_ssl_context).parameters
    certificate = rtcdtlstransport.RTCCertificate.generateCertificate()
    assert certificate._key.curve.name == "secp256r1"
    assert certificate._cert.public_key() == certificate._key.public_key()


def test_names_of_aioice():
    """What `ice.py` leans on in aioice is there."""
    source = inspect.getsource(aioice.ice.Connection)
    for name in (
        "self._protocols",
        "self._nominated",
        "self._query_consent_task = asyncio.create_task(self.query_consent())",
        "self.get_component_candidates(component=component, addresses=addresses)",
        "def data_received(self, data: bytes, component: int)",
    ):
        assert name in source
    protocol = inspect.getsource(aioice.ice.StunProtocol)
    assert "self.receiver.data_received(data, self.local_candidate.component)" in protocol
    assert {"request", "addr", "integrity_key", "retransmissions"} <= set(
        inspect.signature(aioice.ice.StunProtocol.request).parameters
    )
    assert issubclass(stun.TransactionFailed, stun.TransactionError)
