"""StartMPUTask and its updates as the tests write them: nested Python values."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.errors import OpenMpuError
from openmpu.model.task import TaskSpec
from openmpu.wire.rpc.convert.live import live_start_spec, live_update_change
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.starts import read_start, start_spec
from openmpu.wire.rpc.convert.updates import update_change
from openmpu.wire.rpc.requests.live import StartLiveMPUTask, UpdateLiveMPUTask
from openmpu.wire.rpc.requests.mpu import StartMPUTask, UpdateMPUTask
from openmpu.wire.rpc.rows import check_required, read, trees_of
from tests.http.signing import flatten

IDS = {"AppId": "app", "ChannelId": "room", "TaskId": "t1"}
URL = "rtmp://cdn.example/live/s1?auth_key=k"


def start(options: ReadingOptions | None = None, **parameters: Any) -> TaskSpec:
    """The spec of a StartMPUTask."""
    options = options or ReadingOptions()
    trees, notes = trees_of(StartMPUTask, dict(flatten({**IDS, "StreamURL": URL, **parameters})))
    check_required(StartMPUTask, trees)
    return start_spec(read_start(trees, options), options, notes)


def update(spec: TaskSpec, options: ReadingOptions | None = None, **parameters: Any) -> TaskSpec:
    """The spec after an UpdateMPUTask."""
    trees, notes = trees_of(UpdateMPUTask, dict(flatten({"AppId": "app", "TaskId": "t1", **parameters})))
    return update_change(read(UpdateMPUTask, trees), options or ReadingOptions(), notes)(spec)


def live(options: ReadingOptions | None = None, **parameters: Any) -> TaskSpec:
    """The spec of a StartLiveMPUTask; objects as JSON text or nested (then dotted)."""
    trees, _ = trees_of(StartLiveMPUTask, dict(flatten({**IDS, **parameters})))
    check_required(StartLiveMPUTask, trees)
    return live_start_spec(read(StartLiveMPUTask, trees), options or ReadingOptions())


def live_update(spec: TaskSpec, **parameters: Any) -> TaskSpec:
    """The spec after an UpdateLiveMPUTask."""
    trees, _ = trees_of(UpdateLiveMPUTask, dict(flatten({**IDS, **parameters})))
    return live_update_change(read(UpdateLiveMPUTask, trees), ReadingOptions())(spec)


def refused(kind: type[OpenMpuError], call: Any, *values: Any, **parameters: Any) -> str:
    """The subject of the error that a call must raise."""
    with pytest.raises(kind) as error:
        call(*values, **parameters)
    assert type(error.value) is kind
    return error.value.subject
