"""A dry run: `POST /api/preview` with the parameters of StartMPUTask gives the scene as PNG, with stand-in people.

Signed like an API call; parameters in query and form body, or as a JSON object of them. `People` says how many stand
in. Nothing is started and nothing is kept. Our own addition: nobody on air should be the first to see a layout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.errors import Busy, Denied, Invalid, Limited, NotFound, OpenMpuError
from openmpu.http.rpc import RpcApp
from openmpu.http.rpc_transport import read_request
from openmpu.model.ids import AppId
from openmpu.model.layouts import MAX_PANES
from openmpu.model.task import TaskSpec
from openmpu.services.layouts import Layouts
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.previews import preview_spec
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import collect

_STATUS: tuple[tuple[type[OpenMpuError], int], ...] = (
    (Denied, 401),
    (NotFound, 404),
    (Limited, 429),
    (Busy, 503),
    (Invalid, 400),
)


class Renderer(Protocol):
    """`engines/rendering.py`."""

    async def render(self, spec: TaskSpec, people: int | None) -> bytes:
        """The scene as PNG."""
        ...


class PreviewDoor:
    """The route and its handler."""

    def __init__(self, rpc: RpcApp, layouts: Layouts, renderer: Renderer, reading: ReadingOptions) -> None:
        self._rpc, self._layouts, self._renderer, self._reading = rpc, layouts, renderer, reading

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        return [Route("/api/preview", self._handle, methods=["POST"])]

    async def _handle(self, request: Request) -> Response:
        try:
            return Response(
                await self._render(await read_request(request.scope, request.receive)), media_type="image/png"
            )
        except OpenMpuError as error:
            status = next((number for kind, number in _STATUS if isinstance(error, kind)), 500)
            return JSONResponse({"error": error.subject, "message": error.message}, status)

    async def _render(self, incoming: Incoming) -> bytes:
        account = await self._rpc.account_of(incoming)
        parameters = _parameters(incoming)
        people = _people(parameters.pop("People", ""))
        spec = preview_spec(parameters, self._reading)
        if "AppId" in parameters:
            account.app(spec.app_id)
        layouts = await self._layouts.resolve(AppId(spec.app_id), spec.mix.layout_ids)
        return await self._renderer.render(replace(spec, mix=replace(spec.mix, layouts=layouts)), people)


def _parameters(incoming: Incoming) -> dict[str, str]:
    if not incoming.is_json:
        return dict(collect(incoming).merged)
    try:
        plain = json.loads(incoming.body)
    except ValueError:
        plain = None
    if not isinstance(plain, dict):
        raise Invalid("body", "must be a JSON object with the parameters of StartMPUTask")
    return flatten(plain)


def flatten(plain: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested JSON as dotted parameters: `{"LayoutIds": [1], "UserPanes": [{"PaneId": 0}]}` and dotted names alike.

    Raises:
        Invalid: Nested deeper than any parameter is.
    """
    found: dict[str, str] = {}
    for name, value in plain.items():
        found.update(_flat(f"{prefix}{name}", value))
    return found


def _flat(name: str, value: Any) -> dict[str, str]:
    if name.count(".") > 8:
        raise Invalid(name.partition(".")[0], "is nested too deep")
    if isinstance(value, dict):
        return flatten(value, f"{name}.")
    if isinstance(value, list):
        return flatten({str(place): item for place, item in enumerate(value, 1)}, f"{name}.")
    if value is None:
        return {}
    return {name: str(value).lower() if isinstance(value, bool) else str(value)}


def _people(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) > MAX_PANES:
        raise Invalid("People", f"must be 0 to {MAX_PANES}")
    return int(text)
