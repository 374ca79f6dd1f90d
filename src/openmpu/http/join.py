"""The join page, `/join/{AppId}/{ChannelId}`: publish camera, microphone and screen from a browser.

The page is the same for everybody and knows nothing; the token is typed in or stands in the URL's fragment
(`#user=alice&token=...`), which browsers do not send.
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


def join_routes() -> list[Route]:
    """The page and its two files."""
    return [
        Route("/join/join.css", _file("join.css"), methods=["GET"]),
        Route("/join/join.js", _file("join.js"), methods=["GET"]),
        Route("/join/{app}/{channel}", _file("join.html"), methods=["GET"]),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = files(pages).joinpath(name).read_bytes()
    kind = _TYPES[name.rpartition(".")[2]]

    async def handle(_request: Request) -> Response:
        return Response(content, headers=SECURITY_HEADERS, media_type=kind)

    return handle
