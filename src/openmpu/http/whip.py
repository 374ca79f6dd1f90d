"""The WHIP door (RFC 9725): `POST /whip/{app}/{channel}/{user}`, then PATCH and DELETE on the publication's own URL.

The token is asked for on every verb (security.md S12). A refusal is JSON, `{"error": word, "message": ...}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.errors import Invalid, OpenMpuError
from openmpu.model.ids import AppId, ChannelId, UserId
from openmpu.model.reports import Publication
from openmpu.model.roster import Source
from openmpu.services.channels import Channels
from openmpu.wire.tokens import Claims
from openmpu.wire.whip import http as whip

_log = structlog.get_logger()
_SOURCES = {"camera": Source.CAMERA, "shareScreen": Source.SCREEN}
_Handler = Callable[[Request], Awaitable[Response]]
_EVERY = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Taken, so that the refusal of a method is ours, in JSON."""


class WhipDoor:
    """Routes and handlers."""

    def __init__(self, channels: Channels, ice_servers: tuple[whip.IceServer, ...] = ()) -> None:
        self._channels = channels
        self._links = whip.link_headers(ice_servers)

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        place = "/whip/{app}/{channel}/{user}"
        return [
            Route(place, self._door({"POST": self._post, "OPTIONS": self._options}), methods=_EVERY),
            Route(
                place + "/{resource}",
                self._door({"PATCH": self._patch, "DELETE": self._delete, "OPTIONS": self._options}),
                methods=_EVERY,
            ),
        ]

    def _door(self, verbs: dict[str, _Handler]) -> _Handler:
        async def handle(request: Request) -> Response:
            response = await self._answer(request, verbs)
            response.headers.update(whip.cors_headers())
            return response

        return handle

    async def _answer(self, request: Request, verbs: dict[str, _Handler]) -> Response:
        handler = verbs.get(request.method)
        if handler is None:
            return _refused(405, "method", f"allowed here: {', '.join(verbs)}", {"Allow": ", ".join(verbs)})
        try:
            return await handler(request)
        except OpenMpuError as error:
            status, body = whip.refusal(error)
            _log.warning("whip refused", path=request.url.path, error=error.subject, reason=error.message)
            return JSONResponse(body, status)

    async def _options(self, _request: Request) -> Response:
        return Response(status_code=204, headers={"Accept-Post": whip.SDP})

    async def _post(self, request: Request) -> Response:
        claims = self._admitted(request)
        source = _source(request)
        if not whip.is_type(request.headers.get("content-type"), whip.SDP):
            return _refused(415, "type", f"the body must be {whip.SDP}")
        offer = await _body(request)
        publication = await self._channels.publish(
            claims.app_id, claims.channel_id, claims.user_id, source, offer, claims
        )
        return self._created(request, publication)

    def _created(self, request: Request, publication: Publication) -> Response:
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
        self._admitted(request)
        if not whip.is_type(request.headers.get("content-type"), whip.FRAGMENT):
            return _refused(415, "type", f"the body must be {whip.FRAGMENT}", {"Accept-Patch": whip.FRAGMENT})
        wanted = whip.read_if_match(request.headers.get("if-match"))
        if wanted is None:
            return _refused(428, "etag", "If-Match is required")
        fragment = await _body(request)
        publication = await self._channels.trickle(request.path_params["resource"], fragment, wanted.etag)
        if not publication.sdp:
            return Response(status_code=204)
        return Response(publication.sdp, 200, {"ETag": whip.quote_etag(publication.etag)}, whip.FRAGMENT)

    async def _delete(self, request: Request) -> Response:
        self._admitted(request)
        await self._channels.unpublish(request.path_params["resource"])
        return Response(status_code=200)

    def _admitted(self, request: Request) -> Claims:
        """Who the path says is publishing, once the token proved it."""
        names = AppId(request.path_params["app"]), ChannelId(request.path_params["channel"])
        return self._channels.claims(*names, UserId(request.path_params["user"]), _credentials(request))


def _credentials(request: Request) -> dict[str, str]:
    """The token's parts where tokens.md 7 puts them: the bearer, or the query."""
    found = {name.lower(): value for name, value in request.query_params.items()}
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        found["token"] = bearer.strip()
    return found


def _source(request: Request) -> Source:
    name = request.query_params.get("source", "camera")
    if name not in _SOURCES:
        raise Invalid("source", f"source={name[:20]!r}: must be camera or shareScreen")
    return _SOURCES[name]


async def _body(request: Request) -> str:
    """The body, read no further than its limit."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > whip.MAX_BODY:
            raise Invalid("sdp", f"longer than {whip.MAX_BODY} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Invalid("sdp", "is not UTF-8") from None


def _refused(status: int, word: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": word, "message": message}, status, headers)
