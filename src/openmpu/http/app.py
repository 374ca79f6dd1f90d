"""The whole HTTP application, put together from its doors.

No answer is ever HTML but a page's own: whatever fails outside a door is JSON too. The API's own path goes straight to
its door: the layers of a framework before it were measured to cost as much as reading and checking a whole call.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from openmpu.http.rpc import RpcRoute

_log = structlog.get_logger()


_ROOT = frozenset({"", "/"})


def make_app(routes: Sequence[BaseRoute]) -> ASGIApp:
    """An application with these routes and nothing else: no generated documents, no redirects of slashes."""
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _bug})
    inner.router.redirect_slashes = False
    api = next((route.app for route in routes if isinstance(route, RpcRoute)), inner)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        straight = scope["type"] == "http" and scope["path"] in _ROOT
        await (api if straight else inner)(scope, receive, send)

    return app


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": "http", "message": f"{status}"}, status)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse({"error": "internal", "message": "failed inside; see the log"}, 500)
