"""ASGI messages into an `Incoming` and a `Reply` back into messages, with the limits of wire.md 1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from openmpu.errors import Limited
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.replies import Reply

MAX_TARGET = 60_000
"""Bytes of path and query."""
MAX_BODY = 1 << 20
"""Bytes."""
BODY_WITHIN_S = 20
"""Clients give up after 10 s (wire.md 10); a body that trickles holds a connection for nothing (security.md S13)."""


def read_head(scope: Scope) -> Incoming:
    """The request without its body."""
    headers = tuple((name.decode("latin-1").lower(), _text(value).strip()) for name, value in scope["headers"])
    query = scope.get("query_string", b"")
    return Incoming(scope["method"], scope["path"], query, headers, b"", scope.get("scheme") == "https")


def _text(value: bytes) -> str:
    """Headers are signed as bytes; clients write UTF-8 into them where they write more than ASCII."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def read_request(scope: Scope, receive: Receive) -> Incoming:
    """The whole request; a chunked body comes in pieces like any other.

    Raises:
        Limited: The target or the body is too large, or the body comes too slowly.
        ClientDisconnect: The client went away before it had sent everything; half a request is none.
    """
    if len(scope.get("raw_path") or b"") + len(scope.get("query_string", b"")) > MAX_TARGET:
        raise Limited("request", f"the request line is longer than {MAX_TARGET} bytes; send a form body")
    head = read_head(scope)
    body = await _read_body(head.header("content-length") or "", receive)
    return Incoming(head.method, head.path, head.query, head.headers, body, head.secure)


async def _read_body(length: str, receive: Receive) -> bytes:
    if length.isdecimal() and len(length) < 20 and int(length) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return b"".join([piece async for piece in _pieces(receive)])
    except TimeoutError:
        raise Limited("slow_request", f"the body did not come within {BODY_WITHIN_S} s") from None


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            raise _too_large()
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _too_large() -> Limited:
    return Limited("request", f"the body is larger than {MAX_BODY} bytes")


async def send_reply(reply: Reply, scope: Scope, send: Send) -> None:
    """Send the answer; a HEAD request gets no body."""
    body = b"" if scope["method"] == "HEAD" else reply.body
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
