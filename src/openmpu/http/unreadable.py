"""Answers to what is no HTTP request: whole, as bytes, in the one form that all API clients read (wire.md 8.1).

There is no request to ask for a format, so it is XML.
"""

from __future__ import annotations

import secrets
import uuid
from http import HTTPStatus

from openmpu.wire.rpc.faults import Fault
from openmpu.wire.rpc.formats import Format
from openmpu.wire.rpc.replies import fault_reply

NOT_HTTP = Fault(400, "InvalidParameter.Encoding", "this is not an HTTP/1.1 request")
UNKNOWN_METHOD = Fault(400, "UnsupportedHTTPMethod", "this method is not supported; use GET or POST")
TOO_LONG = Fault(413, "RequestEntityTooLarge", "the header is too long")

TOO_MANY = Fault(503, "ServiceUnavailable", "too many connections of this address")


def whole_answer(fault: Fault) -> bytes:
    """An HTTP answer that ends its connection."""
    request_id, trace_id = str(uuid.uuid4()).upper(), secrets.token_hex(16)
    reply = fault_reply(fault, "Error", Format.XML, request_id, trace_id, "")
    size = ("content-length", str(len(reply.body)))
    lines = [f"{name}: {value}\r\n" for name, value in (*reply.headers, size, ("connection", "close"))]
    status = HTTPStatus(reply.status)
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{''.join(lines)}\r\n"
    return head.encode("latin-1") + reply.body
