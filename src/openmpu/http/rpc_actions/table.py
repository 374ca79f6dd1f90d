"""Operation name to handler; a test holds it against `wire/rpc/actions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from openmpu.http.rpc_actions import layouts, live, mpu
from openmpu.http.rpc_actions.call import Handler

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "StartMPUTask": mpu.start_mpu_task,
        "UpdateMPUTask": mpu.update_mpu_task,
        "UpdateMPULayout": mpu.update_mpu_layout,
        "StopMPUTask": mpu.stop_mpu_task,
        "GetMPUTaskStatus": mpu.get_mpu_task_status,
        "CreateMPULayout": layouts.create_mpu_layout,
        "ModifyMPULayout": layouts.modify_mpu_layout,
        "DeleteMPULayout": layouts.delete_mpu_layout,
        "DescribeMPULayoutInfoList": layouts.describe_mpu_layout_info_list,
        "DescribeMPULayoutInfo": layouts.describe_mpu_layout_info,
        "DescribeMPULayoutList": layouts.describe_mpu_layout_list,
        "DescribeSystemLayoutList": layouts.describe_system_layout_list,
        "StartLiveMPUTask": live.start_live_mpu_task,
        "UpdateLiveMPUTask": live.update_live_mpu_task,
        "StopLiveMPUTask": live.stop_live_mpu_task,
        "ListRtcMPUTaskDetail": live.list_rtc_mpu_task_detail,
        "SetLiveMpuTaskSei": live.set_live_mpu_task_sei,
    }
)
