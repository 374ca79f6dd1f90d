"""The pages: `/join/{AppId}/{ChannelId}` to publish from a browser, `/play/{AppId}/{TaskId}` to watch.

A page is the same for everybody and knows nothing; the token is typed in or stands in the URL's fragment
(`#token=...`), which browsers do not send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openmpu.http import pages
from openmpu.http.whip import elsewhere
from openmpu.wire.whip.http import Elsewhere

_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


_Handler = Callable[[Request], Awaitable[Response]]


def page_routes(known: Elsewhere = Elsewhere()) -> list[Route]:  # noqa: B008 - has no state
    """Both pages with their files; who would join a channel that lives elsewhere is sent there, fragment and all."""
    join = _or_elsewhere(known, _file("join.html"))
    return [*_page("join", "/join/{app}/{channel}", join), *_page("play", "/play/{app}/{task}", _file("play.html"))]


def _page(name: str, place: str, page: _Handler) -> list[Route]:
    return [
        Route(f"/{name}/{name}.css", _file(f"{name}.css"), methods=["GET"]),
        Route(f"/{name}/{name}.js", _file(f"{name}.js"), methods=["GET"]),
        Route(place, page, methods=["GET"]),
    ]


def _or_elsewhere(known: Elsewhere, page: _Handler) -> _Handler:
    async def handle(request: Request) -> Response:
        there = elsewhere(known, request)
        return Response(status_code=307, headers={"Location": there}) if there else await page(request)

    return handle


def _file(name: str) -> _Handler:
    content = files(pages).joinpath(name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]

    async def handle(_request: Request) -> Response:
        return Response(content, headers=SECURITY_HEADERS, media_type=kind)

    return handle
