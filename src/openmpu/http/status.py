"""A task's live figures, `GET /api/tasks/{AppId}/{TaskId}`: signed like an API call.

Also `GET …/picture`: the canvas as it is now, as PNG; and `POST …/preview-token`: a token to watch the task with. But
for that token nothing here is secret: targets are redacted where they were born.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.errors import Denied, Invalid, Limited, NotFound, OpenMpuError
from openmpu.http.rpc import RpcApp
from openmpu.http.rpc_transport import read_request
from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.services.accounts import Account
from openmpu.services.playing import PREVIEW_LIFE_S, PreviewToken
from openmpu.services.ports import TaskRecord
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import collect

_STATUS: tuple[tuple[type[OpenMpuError], int], ...] = (
    (Denied, 401),
    (NotFound, 404),
    (Limited, 429),
    (OpenMpuError, 400),
)
_Handler = Callable[[Request], Awaitable[Response]]
Played = Callable[[], Mapping[TaskKey, Mapping[str, Any]]]
"""Figures of the tasks that somebody plays or played (`engines/gateways.py`)."""


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


class Previews(Protocol):
    """`services/playing.py`."""

    def preview_token(self, account: Account, record: TaskRecord, life_s: int) -> PreviewToken:
        """A token to watch the task with."""
        ...


class StatusDoor:
    """Routes and handlers.

    Args:
        rpc: Knows whose a call is.
        base_url: What clients reach this server by, without a slash at its end.
    """

    def __init__(
        self, rpc: RpcApp, tasks: Finder, workers: Workers, previews: Previews, played: Played, base_url: str
    ) -> None:
        self._rpc, self._tasks, self._workers = rpc, tasks, workers
        self._previews, self._played, self._base_url = previews, played, base_url

    def routes(self) -> list[Route]:
        """To be mounted at the root."""
        place = "/api/tasks/{app}/{task}"
        return [
            Route(place, self._door(self._status), methods=["GET"]),
            Route(place + "/picture", self._door(self._picture), methods=["GET"]),
            Route(place + "/preview-token", self._door(self._preview_token), methods=["POST"]),
        ]

    def _door(self, handler: Callable[[Account, TaskRecord, Incoming], Awaitable[Response]]) -> _Handler:
        async def handle(request: Request) -> Response:
            try:
                incoming = await read_request(request.scope, request.receive)
                account = await self._rpc.account_of(incoming)
                key = TaskKey(AppId(request.path_params["app"]), TaskId(request.path_params["task"]))
                return await handler(account, await self._tasks.find(account, key), incoming)
            except OpenMpuError as error:
                status = next(number for kind, number in _STATUS if isinstance(error, kind))
                return JSONResponse({"error": error.subject, "message": error.message}, status)

        return handle

    async def _status(self, _account: Account, record: TaskRecord, _incoming: Incoming) -> Response:
        report = None if record.state.final else self._workers.report(record.spec.key)
        return JSONResponse(describe(record, report, self._played().get(record.spec.key, {})))

    async def _preview_token(self, account: Account, record: TaskRecord, incoming: Incoming) -> Response:
        made = self._previews.preview_token(account, record, _life(incoming))
        place = f"{record.spec.app_id}/{record.spec.task_id}"
        content = {
            "token": made.token,
            "expires_at": _moment(made.expires_at * 10**9),
            "whep": f"{self._base_url}/whep/{place}",
            "page": f"{self._base_url}/play/{place}#token={made.token}",
        }
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    async def _picture(self, _account: Account, record: TaskRecord, _incoming: Incoming) -> Response:
        answer = await self._workers.ask(record.spec.key, "picture")
        return Response(base64.b64decode(answer["png"]), media_type="image/png")


def _life(incoming: Incoming) -> int:
    asked = collect(incoming).merged.get("ExpireTime", str(PREVIEW_LIFE_S))
    if not asked.isascii() or not asked.isdecimal() or len(asked) > 9:
        raise Invalid("ExpireTime", "ExpireTime is not a number of seconds")
    return int(asked)


def describe(record: TaskRecord, report: WorkerReport | None, played: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known of a task, as plain values."""
    spec = record.spec
    return {
        "app_id": spec.app_id,
        "channel_id": spec.channel_id,
        "task_id": spec.task_id,
        "mode": spec.mode.value,
        "playback": spec.playback,
        "status": int(record.state),
        "state": record.state.name.lower(),
        "created_at": _moment(record.created_at),
        "ended_at": _moment(record.ended_at) if record.ended_at else None,
        "end_code": record.end_code,
        "end_reason": record.end_reason,
        "lease": report.lease if report else record.lease,
        "targets": to_plain(report.targets) if report else [{"url": url.redacted} for url in spec.targets],
        "audience": {name: value for name, value in played.items() if name not in {"app_id", "task_id"}},
        "figures": report.figures if report else {},
        "notes": [*spec.notes, *(report.notes if report else ())],
    }


def _moment(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds")
