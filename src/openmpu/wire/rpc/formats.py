"""JSON or XML: what a request asks for (wire.md 5)."""

from __future__ import annotations

from enum import Enum

from openmpu.errors import Invalid
from openmpu.wire.rpc.authentication import is_v3
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import peek


class Format(Enum):
    """How an answer is printed."""

    JSON = "json"
    XML = "xml"


_ANYTHING = ("*/*", "application/*", "text/*")


def asked_format(incoming: Incoming, asked: str) -> Format:
    """The format of the answer: the parameter decides, then `Accept`, then the kind of signature.

    Args:
        incoming: For its headers.
        asked: The parameter `Format`, empty when absent.

    Raises:
        Invalid: The parameter names another format, or nothing that `Accept` names can be had.
    """
    if asked:
        return _named(asked)
    accept = (incoming.header("accept") or "").lower()
    for format_ in Format:
        if format_.value in accept:
            return format_
    if accept and not any(kind in accept for kind in _ANYTHING):
        raise Invalid("Parameter.Accept", "Accept must allow application/json or text/xml")
    return Format.JSON if is_v3(incoming) else Format.XML


def _named(asked: str) -> Format:
    try:
        return Format(asked.lower())
    except ValueError:
        raise Invalid("Parameter.Format", f"Format must be JSON or XML, not {asked:.20}") from None


def format_of_fault(incoming: Incoming) -> Format:
    """The format of an error that came before, or out of, choosing one: never fails (an unknown Format gets XML)."""
    try:
        return asked_format(incoming, peek(incoming, "Format"))
    except Invalid:
        return Format.XML
