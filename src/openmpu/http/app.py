"""The whole HTTP application, put together from its doors.

No answer is ever HTML but a page's own: whatever fails outside a door is JSON too.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from openmpu.version import __version__

_log = structlog.get_logger()


def make_app(routes: Sequence[BaseRoute]) -> FastAPI:
    """An application with these routes and nothing else: no generated documents, no redirects of slashes."""
    app = FastAPI(title="openmpu", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False
    app.router.routes.extend(routes)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    return app


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": "http", "message": f"{status}"}, status)


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse({"error": "internal", "message": "failed inside; see the log"}, 500)
