"""Operation name to handler; a test holds it against `wire/rpc/actions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from openmpu.http.rpc_actions import mpu
from openmpu.http.rpc_actions.call import Handler

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "StartMPUTask": mpu.start_mpu_task,
        "UpdateMPUTask": mpu.update_mpu_task,
        "UpdateMPULayout": mpu.update_mpu_layout,
        "StopMPUTask": mpu.stop_mpu_task,
        "GetMPUTaskStatus": mpu.get_mpu_task_status,
    }
)
