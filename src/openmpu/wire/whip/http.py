"""The HTTP side of WHIP and WHEP as pure rules (RFC 9725 4.2 to 4.6): content types, ETags, Link headers, refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from openmpu import errors

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
MAX_BODY = 64 << 10
"""Bytes of a POST or PATCH body; more is refused with 413 before it is read to its end."""

METHODS = "OPTIONS, POST, PATCH, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, If-Match"
EXPOSED_HEADERS = "Location, ETag, Link, Accept-Patch, Retry-After"


def is_type(header: str | None, wanted: str) -> bool:
    """Whether a Content-Type header names `wanted`; parameters and case do not matter."""
    return (header or "").partition(";")[0].strip().lower() == wanted


def quote_etag(etag: str) -> str:
    """A strong entity tag (RFC 9110 8.8.3)."""
    return f'"{etag}"'


@dataclass(frozen=True, slots=True)
class IfMatch:
    """An If-Match header: `any` for `*` (an ICE restart), else the one session meant."""

    etag: str | None
    any: bool = False


def read_if_match(header: str | None) -> IfMatch | None:
    """The header's meaning; None where it is missing: 428 for a PATCH (RFC 9725 4.3.1).

    Raises:
        Invalid: subject `etag`: it is neither `*` nor one strong tag in quotes.
    """
    if header is None or not header.strip():
        return None
    text = header.strip()
    if text in ("*", '"*"'):  # the RFC's own examples quote it
        return IfMatch(None, any=True)
    if len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return IfMatch(text[1:-1])
    raise errors.Invalid("etag", "If-Match must be one strong ETag or *")


class Elsewhere:
    """Where channels live that this server does not keep: they are sent on by 307 (RFC 9725 4.5).

    Args:
        servers: `AppId` or `AppId/ChannelId` -> URL of a server, without a slash at its end. The channel's own counts.
    """

    def __init__(self, servers: Mapping[str, str] = MappingProxyType({})) -> None:
        self._servers = dict(servers)

    def place(self, app: str, channel: str, target: str) -> str | None:
        """The URL there of `target`, a path with its query; None: the channel lives here."""
        server = self._servers.get(f"{app}/{channel}") or self._servers.get(app)
        return f"{server}{target}" if server else None


def cors_headers() -> dict[str, str]:
    """What a browser of any origin needs: a token proves who publishes, no cookie is in play."""
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Access-Control-Max-Age": "86400",
    }


@dataclass(frozen=True, slots=True, repr=False)
class IceServer:
    """A STUN or TURN server told to publishers. Its credential is secret."""

    url: str
    username: str = ""
    credential: str = ""

    def __repr__(self) -> str:
        return f"IceServer({self.url!r})"


def link_headers(servers: Iterable[IceServer]) -> list[str]:
    """One Link header value for each ICE server (RFC 9725 4.6)."""
    return [_link(server) for server in servers]


def _link(server: IceServer) -> str:
    parts = [f'<{server.url}>; rel="ice-server"']
    if server.username:
        parts += [f'username="{_quoted(server.username)}"', f'credential="{_quoted(server.credential)}"']
        parts.append('credential-type="password"')
    return "; ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_STATUS: tuple[tuple[type[errors.OpenMpuError], str, int], ...] = (
    (errors.NotFound, "", 404),
    (errors.Denied, "privilege", 403),
    (errors.Denied, "", 401),
    (errors.Conflict, "", 409),
    (errors.Invalid, "etag", 412),
    (errors.Invalid, "type", 415),
    (errors.Invalid, "size", 413),
    (errors.Invalid, "restart", 422),
    (errors.Invalid, "id", 400),
    (errors.Invalid, "", 400),
    (errors.Unsupported, "codec", 406),
    (errors.Unsupported, "", 422),
    (errors.Limited, "", 429),
    (errors.Busy, "", 503),
)
"""Kind, subject (empty: any) -> HTTP status; the first that fits counts."""


def refusal(error: errors.OpenMpuError) -> tuple[int, dict[str, str]]:
    """Status and JSON body: `error` is the subject as one word (tokens.md 8), `message` says what to mend."""
    for kind, subject, status in _STATUS:
        if isinstance(error, kind) and subject in ("", error.subject):
            return status, {"error": error.subject, "message": error.message}
    return 500, {"error": "internal", "message": "failed inside; see the log"}
