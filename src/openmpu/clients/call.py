"""The core of `openmpu call`: one signed API call, and a small client for programs that make several."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx

from openmpu.clients.signing import Keys, Once, Request, sign_v1, sign_v3
from openmpu.errors import DestinationFailed, Invalid
from openmpu.wire.rpc.actions import LIVE, OPERATIONS, RTC

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)

SUCCESS, REFUSED, NOT_QUITE = 0, 1, 3
"""Exit statuses: done; an error answer; a 2xx answer that carries a `Code`, such as TaskExisted (wire.md 5)."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """One call.

    Attributes:
        endpoint: Such as `http://127.0.0.1:8080`.
        parameters: Names as on the wire: `LayoutIds.1`, `UserPanes.1.UserId`.
        version: Of the API; empty: 2018-01-11, or 2016-11-01 where the operation exists only there.
        answer_format: `json` or `xml`.
        v1: Sign with HMAC-SHA1 instead of V3.
    """

    endpoint: str
    access_key: str
    secret: str = field(repr=False)
    action: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    answer_format: str = "json"
    v1: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as it came."""

    status: int
    text: str

    @property
    def code(self) -> str:
        """The `Code` in the body, of errors and of `TaskExisted`; empty without one."""
        try:
            return str(json.loads(self.text).get("Code", ""))
        except (ValueError, AttributeError):
            return _xml_code(self.text)

    @property
    def exit_status(self) -> int:
        """For the shell: `SUCCESS`, `REFUSED` or `NOT_QUITE`."""
        if not 200 <= self.status < 300:
            return REFUSED
        return NOT_QUITE if self.code else SUCCESS

    def value(self) -> dict[str, Any]:
        """A JSON answer.

        Raises:
            DestinationFailed: It is not a JSON object.
        """
        try:
            value = json.loads(self.text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise DestinationFailed("endpoint", f"answered {self.status} without a JSON object")
        return value


def _xml_code(text: str) -> str:
    try:
        return ET.fromstring(text).findtext("Code", "")  # noqa: S314 - Expat expands no external entities
    except ET.ParseError:
        return ""


def read_parameters(pairs: Sequence[str]) -> dict[str, str]:
    """`Name=Value` arguments as a mapping.

    Raises:
        Invalid: One has no `=` or no name, or a name comes twice.
    """
    parameters: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name):
            raise Invalid("parameters", f"{pair:.60}: must be Name=Value")
        if name in parameters:
            raise Invalid("parameters", f"{name:.60}: given twice")
        parameters[name] = value
    return parameters


async def call(options: CallOptions) -> Answer:
    """Make the call.

    Raises:
        Invalid: The endpoint or the format cannot be.
        DestinationFailed: No answer.
    """
    if options.answer_format.lower() not in ("json", "xml"):
        raise Invalid("format", f"{options.answer_format}: must be json or xml")
    client = ApiClient(options.endpoint, Keys(options.access_key, options.secret))
    try:
        return await client.call(
            options.action, options.parameters, options.version, options.answer_format, v1=options.v1
        )
    finally:
        await client.close()


class ApiClient:
    """Signed requests to one server. Close it at the end.

    Raises:
        Invalid: The endpoint is not an http(s) URL.
    """

    def __init__(self, endpoint: str, keys: Keys) -> None:
        self._base, self._host = _endpoint(endpoint)
        self._keys = keys
        self._http = httpx.AsyncClient(timeout=_TIMEOUT)

    async def close(self) -> None:
        """Close its sockets."""
        await self._http.aclose()

    async def call(
        self,
        action: str,
        parameters: Mapping[str, str],
        version: str = "",
        answer_format: str = "json",
        *,
        v1: bool = False,
    ) -> Answer:
        """One operation, by POST.

        Raises:
            DestinationFailed: No answer.
        """
        version = version or default_version(action)
        sent = {**parameters, "Format": answer_format.upper()}
        if v1:
            sent |= {"Action": action, "Version": version}
            return await self._send("/", sign_v1("POST", "/", sent, self._keys, _once(), self._host))
        return await self._send("/", sign_v3("POST", "/", sent, self._keys, _once(), self._host, (action, version)))

    async def task(self, app_id: str, task_id: str) -> Answer:
        """A task's live figures.

        Raises:
            DestinationFailed: No answer.
        """
        path = f"/api/tasks/{app_id}/{task_id}"
        return await self._send(path, sign_v1("GET", path, {}, self._keys, _once(), self._host))

    async def preview_token(self, app_id: str, task_id: str, life_s: int = 300) -> Answer:
        """A token to watch a task with, and where.

        Raises:
            DestinationFailed: No answer.
        """
        path, sent = f"/api/tasks/{app_id}/{task_id}/preview-token", {"ExpireTime": str(life_s)}
        signed = sign_v1("POST", path, sent, self._keys, _once(), self._host)
        return await self._send(path, signed)

    async def _send(self, path: str, request: Request) -> Answer:
        query = f"?{request.query}" if request.query else ""
        url = f"{self._base}{path}{query}"
        try:
            reply = await self._http.request(request.method, url, headers=request.headers, content=request.body or None)
        except httpx.HTTPError as error:
            reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else str(error)
            raise DestinationFailed("endpoint", f"{self._host}: {reason or type(error).__name__}") from None
        return Answer(reply.status_code, reply.text)


def default_version(action: str) -> str:
    """The API version of an operation when nobody says: 2018-01-11 unless it exists only in 2016-11-01."""
    operation = OPERATIONS.get(action)
    return LIVE if operation and RTC not in operation.rates else RTC


def _endpoint(text: str) -> tuple[str, str]:
    """Scheme and host as one URL without a path, and the Host header that belongs to it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Invalid("endpoint", f"{text:.80}: is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise Invalid("endpoint", f"{text:.80}: must be a URL like http://127.0.0.1:8080")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port in (None, 443 if parts.scheme == "https" else 80)
    host = name if usual else f"{name}:{port}"
    return f"{parts.scheme}://{host}", host


def _once() -> Once:
    return Once(time.time(), uuid.uuid4().hex)
