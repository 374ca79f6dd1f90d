"""Operation name to handler; a test holds it against `wire/rpc/actions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from openmpu.http.rpc_actions import apps, channels, events, layouts, live, mpu
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
        "CreateRtcMPUEventSub": events.create_rtc_mpu_event_sub,
        "UpdateRtcMPUEventSub": events.update_rtc_mpu_event_sub,
        "DeleteRtcMPUEventSub": events.delete_rtc_mpu_event_sub,
        "DescribeRtcMPUEventSub": events.describe_rtc_mpu_event_sub,
        "ListRtcMPUEventSubRecord": events.list_rtc_mpu_event_sub_record,
        "DescribeChannelUsers": channels.describe_channel_users,
        "DescribeChannelParticipants": channels.describe_channel_participants,
        "DescribeUserInfoInChannel": channels.describe_user_info_in_channel,
        "DescribeChannel": channels.describe_channel,
        "DescribeChannels": channels.describe_channels,
        "DescribeChannelAllUsers": channels.describe_channel_all_users,
        "DescribeChannelUser": channels.describe_channel_user,
        "ListRTCLiveRooms": channels.list_rtc_live_rooms,
        "RemoveTerminals": channels.remove_terminals,
        "RemoveUsers": channels.remove_users,
        "StopChannel": channels.delete_channel,
        "DeleteChannel": channels.delete_channel,
        "CreateRTCWhipStreamAddress": channels.create_rtc_whip_stream_address,
        "DescribeAppKey": apps.describe_app_key,
        "DescribeRTCAppKey": apps.describe_app_key,
        "ModifyApp": apps.modify_app,
    }
)
