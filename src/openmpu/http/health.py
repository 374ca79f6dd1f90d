"""`/healthz`: the process answers. `/readyz`: a task could be started and a publisher let in now."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Checks = Callable[[], dict[str, bool]]
"""What readiness depends on, by name."""


def health_routes(checks: Checks) -> list[Route]:
    """Both routes."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        found = checks()
        ready = all(found.values())
        return JSONResponse({"ready": ready, **found}, 200 if ready else 503)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
