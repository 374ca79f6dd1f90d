"""The HTTP/1.1 of our server: uvicorn's with llhttp's parser, for clients that make progress (security.md S13).

uvicorn waits for ever for the rest of a request and takes any header; a thousand connections that each send half a
header would hold the server's door shut. Doors may give up earlier with an answer of their own; here a connection that
stands still is simply closed, what cannot be read is answered in the form that API clients can read, and one address
may have so many connections and no more (`addresses.py`).
"""

from __future__ import annotations

import asyncio
import re
import sys
from enum import Enum

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openmpu.http.addresses import Addresses
from openmpu.http.unreadable import NOT_HTTP, TOO_LONG, TOO_MANY, UNKNOWN_METHOD, whole_answer
from openmpu.wire.rpc.faults import Fault

HEAD_WITHIN_S = 15.0
"""From the connection, or from the first byte of a further request, to the end of the header."""
BODY_WITHIN_S = 30.0
"""From there to the end of the body. More than any door allows, so that the client gets their answer."""
MAX_HEAD = 128 * 1024
"""Bytes of request line and headers: more than any door takes, so that a too long target gets the door's own answer."""
_LONGEST_READ = 65_000
"""Bytes of a target that llhttp can take apart; no door takes so many."""
_LINGER_S = 1.0
"""After a refusal of something that still comes: closing at once would take the answer back."""

_ROOTLESS = re.compile(rb"[A-Z]{1,20} \?")
"""`GET ?Action=…`, as the seeds print it; an empty path is `/` (wire.md 1), and llhttp wants it written."""


_UPGRADE = re.compile(rb"(?i)\r\n(upgrade[ \t]*:)")


class _Awaited(Enum):
    """What must come before the connection is given up."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with limits of time, size and number."""

    addresses = Addresses(0)
    _address: str | None = ""
    _awaited = _Awaited.NOTHING
    _timed = _Awaited.NOTHING
    _patience: asyncio.TimerHandle | None = None
    _begun = False
    _head_size = 0
    """Bytes since the piece in which the request began."""
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """asyncio: somebody connected."""
        super().connection_made(transport)
        self._address = self.addresses.enter((transport.get_extra_info("peername") or ("",))[0])
        if self._address is None:
            self._refused = True
            transport.write(whole_answer(TOO_MANY))
            transport.close()
            return
        self._awaited = _Awaited.HEAD
        self._wait()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of a request, or of several."""
        if self._refused:
            return
        if self._begun:
            self._head_size += len(data)
        elif _ROOTLESS.match(data):
            data = data.replace(b" ?", b" /?", 1)
        super().data_received(data if self._awaited is _Awaited.BODY else _without_offers(data))
        if self._awaited is _Awaited.HEAD and self._head_size > MAX_HEAD:
            self._refuse(TOO_LONG)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self._awaited = _Awaited.NOTHING
        self._wait()
        self.addresses.leave(self._address or "")
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """llhttp: the first byte of a request."""
        self._awaited, self._begun, self._head_size = _Awaited.HEAD, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """llhttp: the end of a header."""
        self._awaited = _Awaited.BODY
        if self.url.startswith(b"//"):
            self.url = b"/%2F" + self.url[2:]  # a path that is nobody's, not a host
        target, self.url = self.url, self.url[:_LONGEST_READ]
        super().on_headers_complete()
        if len(target) > _LONGEST_READ:
            self.scope["query_string"] = target.partition(b"?")[2]

    def on_message_complete(self) -> None:
        """llhttp: the end of a request."""
        self._awaited, self._begun = _Awaited.NOTHING, False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in plain text
        """uvicorn: the parser gave up; called while its error is being handled."""
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        self._refuse(UNKNOWN_METHOD if unknown else NOT_HTTP)

    def _refuse(self, fault: Fault) -> None:
        """Answer, and read no further; what still comes is thrown away for a moment, then the connection is closed.

        The answer of a whole request before it still goes out, and is then the last: a client would take ours for it.
        """
        self._refused, self._awaited = True, _Awaited.NOTHING
        if self.cycle is not None and not self.cycle.response_complete:
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True  # the refused request itself, its body being read: nobody else answers it
            self.cycle.message_event.set()
        self.transport.write(whole_answer(fault))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def eof_received(self) -> None:
        """asyncio: the client has said all."""
        if self._refused:
            self.transport.close()
        super().eof_received()

    def _wait(self) -> None:
        """Begin to wait for what is awaited now; a wait that goes on goes on from its beginning."""
        if self._awaited is self._timed:
            return
        if self._patience:
            self._patience.cancel()
        self._timed, self._patience = self._awaited, None
        if self._timed is not _Awaited.NOTHING:
            within_s = HEAD_WITHIN_S if self._timed is _Awaited.HEAD else BODY_WITHIN_S
            self._patience = self.loop.call_later(within_s, self._give_up)

    def _give_up(self) -> None:
        """Close; but not under an earlier request of this connection whose answer is still being made."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if self._timed is _Awaited.HEAD and busy:
            self._timed = _Awaited.NOTHING
            self._wait()
        else:
            self.transport.abort()


def patient(addresses: Addresses) -> type[PatientProtocol]:
    """The protocol of a server whose connections are counted there."""
    return type("CountingProtocol", (PatientProtocol,), {"addresses": addresses})


def _without_offers(data: bytes) -> bytes:
    """A header without `Upgrade`: nothing else than HTTP/1.1 is spoken here, and llhttp would not read the body.

    Java's client offers HTTP/2 with each first request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\r\nx-\1", head) + end + rest if _UPGRADE.search(head) else data
