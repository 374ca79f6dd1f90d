"""WHIP as a client speaks it (RFC 9725): offer posted, answer and resource got, resource deleted at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx

from openmpu.errors import Busy, Denied, DestinationFailed, Invalid, NotFound

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class WhipEndpoint:
    """Where a user publishes, and with what proof. `repr` hides the token."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WhipAnswer:
    """An accepted offer: the SDP answer, and the session's own URL."""

    sdp: str
    resource: str


def endpoint_url(server: str, app_id: str, channel_id: str, user_id: str, source: str) -> str:
    """The URL of DESIGN 6 for a server such as `http://127.0.0.1:8080`.

    Raises:
        Invalid: `server` is not an http(s) URL with a host.
    """
    try:
        parts = urlsplit(server)
        _ = parts.port
    except ValueError:
        raise Invalid("server", f"{server}: is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Invalid("server", f"{server}: must be a URL like http://127.0.0.1:8080")
    path = "/".join(quote(part, safe="") for part in (app_id, channel_id, user_id))
    return f"{server.rstrip('/')}/whip/{path}?{urlencode({'source': source})}"


MOST_REDIRECTS = 3
_REDIRECTS = (307, 308)


class WhipClient:
    """One HTTP client for the offers of one publisher. Close it at the end.

    Follows redirects to where a channel lives (RFC 9725 4.5), with the token: it opens that channel and nothing else.
    """

    def __init__(self) -> None:
        self._http = httpx.AsyncClient(timeout=_TIMEOUT)

    async def close(self) -> None:
        """Close its sockets."""
        await self._http.aclose()

    async def offer(self, endpoint: WhipEndpoint, sdp: str) -> WhipAnswer:
        """Begin a session.

        Raises:
            Denied, NotFound, Invalid: The server refuses, and will the next time too.
            Busy, DestinationFailed: No answer, or not now; trying again may help.
        """
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {endpoint.token}"}
        url = endpoint.url
        try:
            for _ in range(MOST_REDIRECTS + 1):
                reply = await self._http.post(url, content=sdp.encode(), headers=headers)
                if reply.status_code not in _REDIRECTS or "Location" not in reply.headers:
                    break
                url = _redirected(url, reply.headers["Location"])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DestinationFailed("server", f"{_host(url)}: {_reason(error)}") from None
        if reply.status_code != httpx.codes.CREATED:
            raise _refusal(reply)
        if "Location" not in reply.headers:
            raise Invalid("server", "answered 201 without a Location: not a WHIP server")
        return WhipAnswer(reply.text, urljoin(str(reply.url), reply.headers["Location"]))

    async def delete(self, resource: str, token: str) -> None:
        """End a session. A server that is gone or has forgotten it is no error: the session is over either way."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            await self._http.delete(resource, headers=headers, timeout=2.0)
        except httpx.HTTPError:
            return


def _redirected(url: str, location: str) -> str:
    there = urljoin(url, location)
    if url.startswith("https:") and not there.startswith("https:"):
        raise Invalid("server", "redirects from HTTPS to plain HTTP: the token is not sent there")
    return there


def _refusal(reply: httpx.Response) -> Exception:
    text = f"answered {reply.status_code} {_told(reply)}".rstrip()
    match reply.status_code:
        case 401 | 403:
            return Denied("token", f"the server {text}")
        case 404:
            return NotFound("server", f"the server {text}: no such app, or not a WHIP endpoint")
        case code if code in _TEMPORARY:
            return Busy("server", f"the server {text}")
        case _:
            return Invalid("server", f"the server {text}")


def _told(reply: httpx.Response) -> str:
    """The server's own word for it, as far as it is short and printable."""
    try:
        word = reply.json()["error"]
    except (ValueError, KeyError, TypeError):
        word = reply.text
    printable = "".join(char for char in str(word) if char.isprintable())
    return printable[:120]


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
