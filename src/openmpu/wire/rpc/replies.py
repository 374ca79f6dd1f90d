"""Answers and errors as bytes: JSON and XML, exactly as clients compare them (wire.md 5, 7, 8.1).

A body is an ordered dict; lists in it are printed as repeated elements in XML. Wrapped lists of the 2018 version are
written as they stand: `{"Layouts": {"Layout": [...]}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from openmpu.wire.rpc.faults import Fault
from openmpu.wire.rpc.formats import Format

Body = dict[str, Any]

CONTENT_TYPES = {Format.JSON: "application/json;charset=utf-8", Format.XML: "text/xml;charset=utf-8"}
"""Letter by letter: the Tea SDK compares the XML one before it parses an error."""

_XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_QUOTES = {'"': "&quot;", "'": "&apos;"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def success_reply(body: Body, root: str, format_: Format, request_id: str, trace_id: str) -> Reply:
    """The answer of an operation; `root` is its name + `Response` (operations.md 1.7)."""
    return _reply(200, {"RequestId": request_id, **body}, root, format_, trace_id)


def fault_reply(
    fault: Fault, root: str, format_: Format, request_id: str, trace_id: str, host: str, recommend_url: str = ""
) -> Reply:
    """An error (wire.md 8.1). The 200 of TaskExisted has the operation's root, and no HostId in XML."""
    body: Body = {"RequestId": request_id, "HostId": host, "Code": fault.code, "Message": fault.message}
    if fault.status < 400 and format_ is Format.XML:
        del body["HostId"]
    if recommend_url and fault.status >= 400:
        body["Recommend"] = f"{recommend_url}?{urlencode({'q': fault.code, 'requestId': request_id})}"
    return _reply(fault.status, body, root, format_, trace_id, fault.retry_after_ms)


def _reply(
    status: int, body: Body, root: str, format_: Format, trace_id: str, retry_after_ms: int | None = None
) -> Reply:
    headers: tuple[tuple[str, str], ...] = (
        ("content-type", CONTENT_TYPES[format_]),
        ("x-acs-request-id", body["RequestId"]),
        ("x-acs-trace-id", trace_id),
    )
    if retry_after_ms is not None:
        headers = (*headers, ("x-acs-retry-after", str(retry_after_ms)))
    text = to_json(body) if format_ is Format.JSON else to_xml(root, body)
    return Reply(status, headers, text.encode())


def to_json(body: Body) -> str:
    """Valid JSON, text as it is."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_xml(root: str, body: Body) -> str:
    """An XML document."""
    return f"{_XML_HEAD}<{root}>{''.join(_children(body))}</{root}>"


def _children(named: Mapping[str, Any]) -> Iterator[str]:
    for name, value in named.items():
        for item in value if isinstance(value, list) else (value,):
            yield f"<{name}>{_content(item)}</{name}>"


def _content(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(_children(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_NOT_XML.sub("\ufffd", str(value)), _QUOTES)
