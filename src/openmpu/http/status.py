"""A task's live figures, `GET /api/tasks/{AppId}/{TaskId}`: signed like an API call.

Also `GET /api/tasks/{AppId}/{TaskId}/picture`: the canvas as it is now, as PNG. Nothing here is secret: targets are
redacted where they were born.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.errors import Denied, Limited, NotFound, OpenMpuError
from openmpu.http.rpc import RpcApp
from openmpu.http.rpc_transport import read_request
from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.services.accounts import Account
from openmpu.services.ports import TaskRecord

_STATUS: tuple[tuple[type[OpenMpuError], int], ...] = (
    (Denied, 401),
    (NotFound, 404),
    (Limited, 429),
    (OpenMpuError, 400),
)
_Handler = Callable[[Request], Awaitable[Response]]


class Finder(Protocol):
    """`services/tasks.py`."""

    async def find(self, account: Account, key: TaskKey) -> TaskRecord:
        """The account's task.

        Raises:
            NotFound: No such task of this account.
        """
        ...


class Workers(Protocol):
    """`engines/local.py`."""

    def report(self, key: TaskKey) -> WorkerReport | None:
        """The latest report."""
        ...

    async def ask(self, key: TaskKey, name: str, **fields: Any) -> Any:
        """Ask the worker something."""
        ...


class StatusDoor:
    """Routes and handlers."""

    def __init__(self, rpc: RpcApp, tasks: Finder, workers: Workers) -> None:
        self._rpc, self._tasks, self._workers = rpc, tasks, workers

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        place = "/api/tasks/{app}/{task}"
        return [
            Route(place, self._door(self._status), methods=["GET"]),
            Route(place + "/picture", self._door(self._picture), methods=["GET"]),
        ]

    def _door(self, handler: Callable[[TaskRecord], Awaitable[Response]]) -> _Handler:
        async def handle(request: Request) -> Response:
            try:
                account = await self._rpc.account_of(await read_request(request.scope, request.receive))
                key = TaskKey(AppId(request.path_params["app"]), TaskId(request.path_params["task"]))
                return await handler(await self._tasks.find(account, key))
            except OpenMpuError as error:
                status = next(number for kind, number in _STATUS if isinstance(error, kind))
                return JSONResponse({"error": error.subject, "message": error.message}, status)

        return handle

    async def _status(self, record: TaskRecord) -> Response:
        report = None if record.state.final else self._workers.report(record.spec.key)
        return JSONResponse(describe(record, report))

    async def _picture(self, record: TaskRecord) -> Response:
        answer = await self._workers.ask(record.spec.key, "picture")
        return Response(base64.b64decode(answer["png"]), media_type="image/png")


def describe(record: TaskRecord, report: WorkerReport | None) -> dict[str, Any]:
    """All that is known of a task, as plain values."""
    spec = record.spec
    return {
        "app_id": spec.app_id,
        "channel_id": spec.channel_id,
        "task_id": spec.task_id,
        "mode": spec.mode.value,
        "status": int(record.state),
        "state": record.state.name.lower(),
        "created_at": _moment(record.created_at),
        "ended_at": _moment(record.ended_at) if record.ended_at else None,
        "end_code": record.end_code,
        "end_reason": record.end_reason,
        "lease": report.lease if report else record.lease,
        "targets": to_plain(report.targets) if report else [{"url": url.redacted} for url in spec.targets],
        "figures": report.figures if report else {},
        "notes": [*spec.notes, *(report.notes if report else ())],
    }


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")
