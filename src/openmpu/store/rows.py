"""Values of the model as columns, and back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from openmpu.model.codec import from_plain, to_plain
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.ports import TaskRecord

_AS_THEY_ARE = (
    "account",
    "created_at",
    "idle_since",
    "named_gone_since",
    "ended_at",
    "lease",
    "end_code",
    "end_reason",
)


def dump(value: Any) -> str:
    """Any value of the model as JSON text."""
    return json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":"))


def task_columns(record: TaskRecord) -> dict[str, Any]:
    """The columns of a task's row; what queries look at stands in columns of its own."""
    spec = record.spec
    return {
        **{name: getattr(record, name) for name in _AS_THEY_ARE},
        "app_id": spec.app_id,
        "task_id": spec.task_id,
        "family": spec.family.value,
        "mode": spec.mode.value,
        "state": record.state.value,
        "spec": dump(spec),
        "request": dump(record.request),
    }


def task_record(row: Row[Any]) -> TaskRecord:
    """The record of a whole row of `tasks`."""
    columns = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return TaskRecord(
        spec=from_plain(TaskSpec, json.loads(columns["spec"])),
        state=TaskState(columns["state"]),
        request=json.loads(columns["request"]),
        **{name: columns[name] for name in _AS_THEY_ARE},
    )
