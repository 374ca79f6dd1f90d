"""A worker without media: takes orders, reports, ends when told. What the engine sees is the same as of the real one."""

import asyncio
import os
import signal
from typing import Any

from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.processes.child import Child


def main(options: dict[str, Any]) -> None:
    """Entry for the zygote; a TaskId `crash` ends at once with status 3."""
    if options["task_id"] == "crash":
        os._exit(3)
    asyncio.run(_run(options))


async def _run(options: dict[str, Any]) -> None:
    ended = asyncio.Event()
    state = {"lease": options["lease"], "spec": None}

    async def handle(message: dict[str, Any]) -> Any:
        match message.get("do"):
            case "run" | "update":
                state.update({name: message[name] for name in ("lease", "spec") if name in message})
                report()
            case "stop":
                ended.set()
            case "speak":
                child.tell("voices", report=message["report"])
            case "spec":
                return state["spec"]
        return None

    def hello() -> dict[str, Any]:
        mine = {name: options[name] for name in ("app_id", "task_id")}
        return {"process": "worker", "pid": os.getpid(), "lease": state["lease"], **mine}

    def report() -> None:
        key = TaskKey(AppId(options["app_id"]), TaskId(options["task_id"]))
        figures = {"pid": os.getpid()}
        child.tell("report", report=to_plain(WorkerReport(key, state["lease"], figures=figures)))

    async def report_often() -> None:
        while True:
            report()
            await asyncio.sleep(0.1)

    child = Child(options["control_path"], hello, handle, options["grace_s"])
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    jobs = [asyncio.create_task(child.run()), asyncio.create_task(report_often()), asyncio.create_task(ended.wait())]
    await asyncio.wait([jobs[0], jobs[2]], return_when=asyncio.FIRST_COMPLETED)
