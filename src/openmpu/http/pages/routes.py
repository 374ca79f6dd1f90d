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

_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def page_routes() -> list[Route]:
    """Both pages with their files."""
    return [*_page("join", "/join/{app}/{channel}"), *_page("play", "/play/{app}/{task}")]


def _page(name: str, place: str) -> list[Route]:
    return [
        Route(f"/{name}/{name}.css", _file(f"{name}.css"), methods=["GET"]),
        Route(f"/{name}/{name}.js", _file(f"{name}.js"), methods=["GET"]),
        Route(place, _file(f"{name}.html"), methods=["GET"]),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = files(pages).joinpath(name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]

    async def handle(_request: Request) -> Response:
        return Response(content, headers=SECURITY_HEADERS, media_type=kind)

    return handle
