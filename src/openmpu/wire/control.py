"""The control socket between the server and its gateways and workers: framing of JSON objects.

Children dial the server (and dial again when it comes back: that is how a new server finds the workers and gateways
that outlived the old one). Each frame is `length u32` big-endian and one JSON object. Forms:

    {"hello": {...}}                                    child -> server, first
    {"do": "name", "id": 7, ...}                        a request; without id no answer is wanted
    {"answer": 7, "value": ...} or {"answer": 7, "error": {"kind", "subject", "message"}}
    {"tell": "name", ...}                               an event or figures, no answer

What the objects hold is told where they are made: `processes/`, `engines/`, `gateway/main.py`, `media/worker.py`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from openmpu import errors

_LENGTH = struct.Struct(">I")
MAX_BODY = 4 << 20
"""Bytes: the largest spec is some 100 KiB."""

_KINDS: dict[str, type[errors.OpenMpuError]] = {
    kind.__name__: kind
    for kind in (
        errors.Invalid,
        errors.Missing,
        errors.Denied,
        errors.NotFound,
        errors.Limited,
        errors.Unsupported,
        errors.Busy,
        errors.InternalError,
    )
}


def encode(message: dict[str, Any]) -> bytes:
    """One frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


class ControlReader:
    """Takes the bytes of a control socket as they come and gives the objects in them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """What `data` completes, in order.

        Raises:
            Invalid: A frame is too long or not a JSON object; the socket must be closed.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_BODY:
                raise errors.Invalid("control", f"a frame of {length} bytes")
            if len(self._buffer) < _LENGTH.size + length:
                return
            body = bytes(self._buffer[_LENGTH.size : _LENGTH.size + length])
            del self._buffer[: _LENGTH.size + length]
            yield _object(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise errors.Invalid("control", "a frame that is not JSON") from error
    if not isinstance(message, dict):
        raise errors.Invalid("control", "a frame that is not an object")
    return message


def plain_error(error: Exception) -> dict[str, str]:
    """An error as it crosses the socket; a bug's own words stay on the side where it happened."""
    if isinstance(error, errors.OpenMpuError) and type(error).__name__ in _KINDS:
        return {"kind": type(error).__name__, "subject": error.subject, "message": error.message}
    return {"kind": "InternalError", "subject": "control", "message": "failed inside; see the log"}


def raise_error(plain: dict[str, str]) -> None:
    """Raise again what `plain_error` told."""
    kind = _KINDS.get(plain.get("kind", ""), errors.InternalError)
    raise kind(plain.get("subject", ""), plain.get("message", ""))
