"""StartLiveMPUTask and its family (operations.md 6)."""

from __future__ import annotations

from openmpu.http.rpc_actions.call import Call
from openmpu.http.rpc_actions.mpu import refuse_if_over, refuse_if_there
from openmpu.model.ids import TaskId
from openmpu.wire.rpc.convert.live import REPORTED, as_given, live_start_spec, live_update_change
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.live import (
    ListRtcMPUTaskDetail,
    SetLiveMpuTaskSei,
    StartLiveMPUTask,
    UpdateLiveMPUTask,
)
from openmpu.wire.rpc.requests.mpu import NamedTask
from openmpu.wire.rpc.rows import read


async def start_live_mpu_task(call: Call) -> Body:
    """Begin a task with panes of its own and any number of targets."""
    opened = call.open(StartLiveMPUTask)
    await refuse_if_there(call, opened.task)
    spec = live_start_spec(read(StartLiveMPUTask, opened.trees), call.door.options.reading)
    await call.door.tasks.start(call.account, spec, as_given(opened.trees))
    return {}


async def update_live_mpu_task(call: Call) -> Body:
    """Change such a task."""
    opened = call.open(UpdateLiveMPUTask)
    await refuse_if_over(call, opened.task)
    change = live_update_change(read(UpdateLiveMPUTask, opened.trees), call.door.options.reading)
    await call.door.tasks.update(call.account, opened.task, change, as_given(opened.trees))
    return {}


async def stop_live_mpu_task(call: Call) -> Body:
    """End a task of either start operation."""
    await call.door.tasks.stop(call.account, call.open(NamedTask).task)
    return {}


async def list_rtc_mpu_task_detail(call: Call) -> Body:
    """The parameters of running tasks, as they were given; a TaskId wins over paging."""
    opened = call.open(ListRtcMPUTaskDetail)
    request = read(ListRtcMPUTaskDetail, opened.trees)
    task_id = TaskId(request.task_id) if request.task_id else None
    page, size = request.page_no or 1, request.page_size or 1
    records = await call.door.tasks.details(call.account, opened.app_id, task_id, page, size)
    told = [{name: record.request[name] for name in REPORTED if record.request.get(name)} for record in records]
    return {"MPUTasks": told}


async def set_live_mpu_task_sei(call: Call) -> Body:
    """One message of the caller's into the next video frame."""
    opened = call.open(SetLiveMpuTaskSei)
    request = read(SetLiveMpuTaskSei, opened.trees)
    await call.door.tasks.inject_sei(call.account, opened.task, request.custom_sei)
    return {}
