"""What the doors of WHIP and WHEP have in common (RFC 9725): verbs on a place and on a session's own URL.

The token is asked for on every verb (security.md S12). A refusal is JSON, `{"error": word, "message": ...}`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.errors import Invalid, OpenMpuError
from openmpu.model.reports import Publication
from openmpu.wire.whip import http as whip

RETRY_AFTER_S: Final = 2
"""Told where there is nothing yet (409) or nobody to serve it (503)."""
_log = structlog.get_logger()
_Handler = Callable[[Request], Awaitable[Response]]
_EVERY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Taken, so that the refusal of a method is ours, in JSON."""


class SessionDoor(ABC):
    """Routes and handlers of one of the two.

    Args:
        name: For the log.
        place: Where sessions are begun.
        ice_servers: Told to whoever begins one.
    """

    def __init__(self, name: str, place: str, ice_servers: tuple[whip.IceServer, ...] = ()) -> None:
        self._name, self._place = name, place
        self._links = whip.link_headers(ice_servers)

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        begin = {"POST": self._post, "OPTIONS": _options("Accept-Post", whip.SDP)}
        go_on = {"PATCH": self._patch, "DELETE": self._delete, "OPTIONS": _options("Accept-Patch", whip.FRAGMENT)}
        return [
            Route(self._place, self._door(begin), methods=_EVERY),
            Route(self._place + "/{resource}", self._door(go_on), methods=_EVERY),
        ]

    # What differs

    @abstractmethod
    async def begin(self, request: Request) -> Publication:
        """Check who comes, then begin a session with the offer in `offer_of(request)`."""

    @abstractmethod
    async def admit(self, request: Request) -> None:
        """Check who speaks of a session."""

    @abstractmethod
    async def trickle(self, request: Request, fragment: str, etag: str | None) -> Publication:
        """Candidates, or an ICE restart, for the session that the URL names."""

    @abstractmethod
    async def end(self, request: Request) -> None:
        """End the session that the URL names."""

    def elsewhere(self, request: Request) -> str | None:  # noqa: ARG002 - for those that know of other servers
        """The URL to begin at instead, where what is asked for lives on another server."""
        return None

    # What is the same

    def _door(self, verbs: Mapping[str, _Handler]) -> _Handler:
        async def handle(request: Request) -> Response:
            response = await self._answer(request, verbs)
            response.headers.update(whip.cors_headers())
            return response

        return handle

    async def _answer(self, request: Request, verbs: Mapping[str, _Handler]) -> Response:
        handler = verbs.get(request.method)
        if handler is None:
            return refused(405, "method", f"allowed here: {', '.join(verbs)}", {"Allow": ", ".join(verbs)})
        try:
            return await handler(request)
        except OpenMpuError as error:
            status, body = whip.refusal(error)
            _log.warning(f"{self._name} refused", path=request.url.path, error=error.subject, reason=error.message)
            return JSONResponse(body, status, _MORE.get(status))

    async def _post(self, request: Request) -> Response:
        if there := self.elsewhere(request):
            return Response(status_code=307, headers={"Location": there})
        publication = await self.begin(request)
        headers = {
            "Location": f"{request.url.path}/{publication.resource}",
            "ETag": whip.quote_etag(publication.etag),
            "Accept-Patch": whip.FRAGMENT,
        }
        response = Response(publication.sdp, 201, headers, whip.SDP)
        for link in self._links:
            response.headers.append("Link", link)
        return response

    async def _patch(self, request: Request) -> Response:
        await self.admit(request)
        if not whip.is_type(request.headers.get("content-type"), whip.FRAGMENT):
            return refused(415, "type", f"the body must be {whip.FRAGMENT}", {"Accept-Patch": whip.FRAGMENT})
        wanted = whip.read_if_match(request.headers.get("if-match"))
        if wanted is None:
            return refused(428, "etag", "If-Match is required")
        publication = await self.trickle(request, await _body(request), wanted.etag)
        if not publication.sdp:
            return Response(status_code=204)
        return Response(publication.sdp, 200, {"ETag": whip.quote_etag(publication.etag)}, whip.FRAGMENT)

    async def _delete(self, request: Request) -> Response:
        await self.admit(request)
        await self.end(request)
        return Response(status_code=200)


_MORE: Final = {
    401: {"WWW-Authenticate": "Bearer"},  # RFC 9110 11.6.1
    409: {"Retry-After": str(RETRY_AFTER_S)},
    503: {"Retry-After": str(RETRY_AFTER_S)},
}
"""Headers that go with a refusal."""


def _options(header: str, kind: str) -> _Handler:
    """What a URL takes (RFC 9725 4.2, RFC 5789 3.1); the rest is CORS."""

    async def handle(_request: Request) -> Response:
        return Response(status_code=204, headers={header: kind})

    return handle


def credentials(request: Request) -> dict[str, str]:
    """The token's parts where tokens.md 7 puts them: the bearer, or the query."""
    found = {name.lower(): value for name, value in request.query_params.items()}
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found["token"] = bearer.strip()
    return found


async def offer_of(request: Request) -> str:
    """The offer in a POST.

    Raises:
        Invalid: `type`: the body says that it is something else; `sdp`: it is too long or no text.
    """
    if not whip.is_type(request.headers.get("content-type"), whip.SDP):
        raise Invalid("type", f"the body must be {whip.SDP}")
    return await _body(request)


async def _body(request: Request) -> str:
    """The body, read no further than its limit."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > whip.MAX_BODY:
            raise Invalid("size", f"the body is longer than {whip.MAX_BODY} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("sdp", "is not UTF-8") from None


def refused(status: int, word: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal in our form."""
    return JSONResponse({"error": word, "message": message}, status, headers)
