"""The DTLS handshake by GnuTLS, for publishers that OpenSSL refuses: FFmpeg's WHIP muxer.

FFmpeg built with GnuTLS (as in PyAV's wheel and in Debian) makes itself a key on the curve P-224. OpenSSL 4, which the
cryptography wheel carries, knows that curve no longer in TLS and answers with illegal_parameter; nothing can be set.
GnuTLS takes it. Its library comes with PyAV's wheel, or with the system; where there is none, FFmpeg can publish with a
key of its own on P-256 only. Used through its C interface, which has been the same for ten years (soname 30).
"""

from __future__ import annotations

import asyncio
import ctypes
import ctypes.util
import errno
import hashlib
import importlib.util
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pylibsrtp
import structlog

from openmpu.gateway.dtls import Certificate, DtlsPath, Fingerprints, Sessions

# gnutls/gnutls.h
_SERVER, _CLIENT, _DATAGRAM, _NONBLOCK = 1, 2, 4, 8
_CRD_CERTIFICATE, _X509_FMT_PEM, _CERT_REQUIRE, _SHUT_WR = 1, 1, 2, 1
_SUCCESS, _AGAIN, _INTERRUPTED = 0, -28, -52
_PRIORITY = b"NORMAL:-VERS-ALL:+VERS-DTLS1.2"
_PROFILES = b"SRTP_AES128_CM_HMAC_SHA1_80"
_KEY, _SALT = 16, 14
_MTU = 1200
_AGAIN_MS, _AT_MOST_MS = 250, 20_000
"""Our first flight often comes before FFmpeg listens; a second (the usual time) is long for a publisher that waits."""
_log = structlog.get_logger()

_PUSH = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_PULL = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_PULL_TIMEOUT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint)


class _Datum(ctypes.Structure):
    """gnutls_datum_t."""

    _fields_ = (("data", ctypes.POINTER(ctypes.c_ubyte)), ("size", ctypes.c_uint))

    @classmethod
    def of(cls, data: bytes) -> _Datum:
        """Bytes for GnuTLS to read; the caller keeps them."""
        array = (ctypes.c_ubyte * len(data)).from_buffer_copy(data)
        return cls(ctypes.cast(array, ctypes.POINTER(ctypes.c_ubyte)), len(data))


@cache
def library() -> ctypes.CDLL | None:
    """GnuTLS, where there is one."""
    for path in _places():
        try:
            found = ctypes.CDLL(path)
        except OSError:
            continue
        found.gnutls_strerror.restype = ctypes.c_char_p
        found.gnutls_certificate_get_peers.restype = ctypes.POINTER(_Datum)
        return found
    return None


def _places() -> list[str]:
    """Beside PyAV's wheel, then the system's."""
    av = importlib.util.find_spec("av")
    folders = [Path(place).parent / "av.libs" for place in (av.submodule_search_locations or [])] if av else []
    bundled = [str(path) for folder in folders for path in sorted(folder.glob("libgnutls*.so*"))]
    return [*bundled, *filter(None, [ctypes.util.find_library("gnutls")])]


class GnuTlsHandshake:
    """One handshake and what follows it until the other side closes.

    Args:
        active: Whether we begin.
        ended: Called when the other side closed.
    """

    def __init__(
        self,
        gnutls: ctypes.CDLL,
        path: DtlsPath,
        certificate: Certificate,
        *,
        active: bool,
        ended: Callable[[], None],
    ) -> None:
        self._gnutls, self._path, self._ended, self._active = gnutls, path, ended, active
        self._datagrams: deque[bytes] = deque()
        self._session, self._credentials = ctypes.c_void_p(), ctypes.c_void_p()
        self._watch: asyncio.Task[None] | None = None
        # GnuTLS keeps only pointers to these
        self._callbacks = (_PUSH(self._push), _PULL(self._pull), _PULL_TIMEOUT(self._pull_timeout))
        self._set_up(*certificate.pem)

    def _set_up(self, certificate: bytes, key: bytes) -> None:
        call, session = self._call, self._session
        kind = _CLIENT if self._active else _SERVER
        call("gnutls_certificate_allocate_credentials", ctypes.byref(self._credentials))
        call(
            "gnutls_certificate_set_x509_key_mem",
            self._credentials,
            ctypes.byref(_Datum.of(certificate)),
            ctypes.byref(_Datum.of(key)),
            _X509_FMT_PEM,
        )
        call("gnutls_init", ctypes.byref(session), kind | _DATAGRAM | _NONBLOCK)
        call("gnutls_priority_set_direct", session, _PRIORITY, None)
        call("gnutls_credentials_set", session, _CRD_CERTIFICATE, self._credentials)
        call("gnutls_srtp_set_profile_direct", session, _PROFILES, None)
        self._gnutls.gnutls_certificate_server_set_request(session, _CERT_REQUIRE)
        self._gnutls.gnutls_dtls_set_mtu(session, _MTU)
        self._gnutls.gnutls_dtls_set_timeouts(session, _AGAIN_MS, _AT_MOST_MS)
        push, pull, pull_timeout = self._callbacks
        self._gnutls.gnutls_transport_set_push_function(session, push)
        self._gnutls.gnutls_transport_set_pull_function(session, pull)
        self._gnutls.gnutls_transport_set_pull_timeout_function(session, pull_timeout)

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._gnutls, name)(*arguments)
        if code < _SUCCESS:
            raise ConnectionError(f"dtls failed: {self._text(code)}")

    def _text(self, code: int) -> str:
        return str(self._gnutls.gnutls_strerror(code), "ascii", "replace")

    async def shake_hands(self, fingerprints: Fingerprints) -> Sessions:
        """Shake hands; see `dtls.Handshake`.

        Raises:
            ConnectionError: That failed, or the certificate is another one than the offer told.
        """
        while (code := self._gnutls.gnutls_handshake(self._session)) != _SUCCESS:
            if self._gnutls.gnutls_error_is_fatal(code):
                raise ConnectionError(f"dtls failed: {self._text(code)}")
            if code in (_AGAIN, _INTERRUPTED):
                await self._more()
        self._check(fingerprints)
        sessions = self._keys()
        self._watch = asyncio.get_running_loop().create_task(self._run())
        return sessions

    async def stop(self) -> None:
        """Tell the other side; free what GnuTLS holds."""
        if self._watch:
            self._watch.cancel()
        if self._session:
            self._gnutls.gnutls_bye(self._session, _SHUT_WR)
            self._gnutls.gnutls_deinit(self._session)
            self._gnutls.gnutls_certificate_free_credentials(self._credentials)
            self._session = ctypes.c_void_p()

    async def _more(self) -> None:
        """Wait for a datagram, at most until something must be sent again."""
        within = self._gnutls.gnutls_dtls_get_timeout(self._session) / 1000
        try:
            async with asyncio.timeout(within or None):
                self._datagrams.append(await self._path.receive())
        except TimeoutError:
            return

    async def _run(self) -> None:
        """Read what comes after the handshake: repeated flights, and the end."""
        buffer = ctypes.create_string_buffer(2048)
        code = _AGAIN
        while code in (_AGAIN, _INTERRUPTED) or code > 0:
            try:
                self._datagrams.append(await self._path.receive())
            except ConnectionError:
                return
            code = self._gnutls.gnutls_record_recv(self._session, buffer, len(buffer))
        self._ended()

    def _check(self, fingerprints: Fingerprints) -> None:
        """Every fingerprint told must be that of the certificate shown (RFC 8122 5)."""
        count = ctypes.c_uint()
        chain = self._gnutls.gnutls_certificate_get_peers(self._session, ctypes.byref(count))
        if not chain or not count.value:
            raise ConnectionError("dtls failed: the publisher showed no certificate")
        der = ctypes.string_at(chain[0].data, chain[0].size)
        for name, digits in fingerprints:
            shown = hashlib.new(name.replace("-", ""), der).hexdigest().upper()
            if shown != digits.replace(":", ""):
                raise ConnectionError("dtls failed: the certificate is not the one that the offer told")

    def _keys(self) -> Sessions:
        """Keys and salts by RFC 5764 4.2."""
        size = 2 * (_KEY + _SALT)
        material = ctypes.create_string_buffer(size)
        datums = [_Datum() for _ in range(4)]
        references = (ctypes.byref(datum) for datum in datums)
        self._call("gnutls_srtp_get_keys", self._session, material, size, *references)
        client_key, client_salt, server_key, server_salt = (ctypes.string_at(one.data, one.size) for one in datums)
        ours, theirs = client_key + client_salt, server_key + server_salt
        if not self._active:
            ours, theirs = theirs, ours
        return _session(theirs, incoming=True), _session(ours, incoming=False)

    # Called by GnuTLS

    def _push(self, _: int, data: int, size: int) -> int:
        self._path.send(ctypes.string_at(data, size))
        return size

    def _pull(self, _: int, buffer: int, size: int) -> int:
        if not self._datagrams:
            self._gnutls.gnutls_transport_set_errno(self._session, errno.EAGAIN)
            return -1
        data = self._datagrams.popleft()[:size]
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    def _pull_timeout(self, _: int, __: int) -> int:
        return int(bool(self._datagrams))


def _session(key: bytes, *, incoming: bool) -> pylibsrtp.Session:
    """An SRTP session as aiortc makes it: a wide replay window, for NACK and reordering."""
    policy = pylibsrtp.Policy(
        key=key,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND if incoming else pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    )
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return pylibsrtp.Session(policy)
