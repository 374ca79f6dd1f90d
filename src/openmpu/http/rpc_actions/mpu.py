"""StartMPUTask, UpdateMPUTask, UpdateMPULayout, StopMPUTask, GetMPUTaskStatus (operations.md 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterable

from openmpu.errors import Conflict, NotFound
from openmpu.http.rpc_actions.call import Call
from openmpu.model.ids import LayoutId, TaskKey
from openmpu.model.task import Mode, TaskSpec
from openmpu.wire.rpc.convert.encoding import encoding_notes
from openmpu.wire.rpc.convert.starts import read_start, start_spec
from openmpu.wire.rpc.convert.updates import update_change
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.mpu import NamedTask, StartMPUTask, UpdateMPULayout, UpdateMPUTask
from openmpu.wire.rpc.rows import read


async def start_mpu_task(call: Call) -> Body:
    """Begin a task; one that is there already is found before any value is looked at."""
    opened = call.open(StartMPUTask)
    await refuse_if_there(call, opened.task)
    reading = call.door.options.reading
    request = read_start(opened.trees, reading)
    spec = start_spec(request, reading, opened.notes)
    call.warn(opened, encoding_notes(request.media_encode, reading))
    await _check_unused_layouts(call, spec, request.layout_ids)
    await call.door.tasks.start(call.account, spec, {})
    return {}


async def _check_unused_layouts(call: Call, spec: TaskSpec, layout_ids: Iterable[int]) -> None:
    """Audio-only mixing: layouts are checked if sent, then ignored (operations.md 3.5)."""
    if spec.mode is Mode.MIX and spec.video is None and layout_ids:
        await call.door.layouts.resolve(spec.app_id, [LayoutId(number) for number in layout_ids])


async def update_mpu_task(call: Call) -> Body:
    """Change a task."""
    return await _update(call, UpdateMPUTask)


async def update_mpu_layout(call: Call) -> Body:
    """The older, smaller change."""
    return await _update(call, UpdateMPULayout)


async def _update(call: Call, kind: type[UpdateMPUTask]) -> Body:
    opened = call.open(kind)
    await refuse_if_over(call, opened.task)
    request, reading = read(kind, opened.trees), call.door.options.reading
    call.warn(opened, encoding_notes(request.media_encode, reading))
    change = update_change(request, reading, opened.notes)
    await call.door.tasks.update(call.account, opened.task, change, {})
    return {}


async def stop_mpu_task(call: Call) -> Body:
    """End a task of either start operation."""
    await call.door.tasks.stop(call.account, call.open(NamedTask).task)
    return {}


async def get_mpu_task_status(call: Call) -> Body:
    """The state number."""
    state = await call.door.tasks.state(call.account, call.open(NamedTask).task)
    return {"Status": int(state)}


async def refuse_if_there(call: Call, task: TaskKey) -> None:
    """An unfinished task of that key.

    Raises:
        Conflict: There is one.
    """
    try:
        state = await call.door.tasks.state(call.account, task)
    except NotFound:
        return
    if not state.final:
        raise Conflict("task", "exists", f"TaskId = {task.task_id}: the task exists already")


async def refuse_if_over(call: Call, task: TaskKey) -> None:
    """A task that cannot be changed.

    Raises:
        NotFound: There is none.
        Conflict: It is over.
    """
    if (await call.door.tasks.state(call.account, task)).final:
        raise Conflict("task", "not_running", f"TaskId = {task.task_id}: the task is over")
