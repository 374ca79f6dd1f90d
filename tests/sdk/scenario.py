"""What every client does against a running server, and what it must see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RTC, LIVE = "2018-01-11", "2016-11-01"
APP = {"AppId": "app"}
TASK = {**APP, "TaskId": "t1"}
START: dict[str, Any] = {
    **TASK,
    "ChannelId": "room",
    "MediaEncode": 20,
    "BackgroundColor": 255,
    "LayoutIds": [1, 2],
    "UserPanes": [{"PaneId": 0, "UserId": "ann", "SourceType": "camera"}],
    "StreamURL": "rtmp://cdn.example/live/t1?auth_key=1-0-0-ab",
}
LAYOUT: dict[str, Any] = {
    **APP,
    "Name": "two up & *~'(1+1)% 值",
    "AudioMixCount": 3,
    "Panes": [
        {"PaneId": 0, "MajorPane": 1, "X": 0.0, "Y": 0.0, "Width": 0.5, "Height": 1.0, "ZOrder": 0},
        {"PaneId": 1, "MajorPane": 0, "X": 0.5, "Y": 0.0, "Width": 0.5, "Height": 1.0, "ZOrder": 0},
    ],
}
ENCODE = {
    "VideoWidth": "1280",
    "VideoHeight": "720",
    "VideoBitrate": "1500",
    "VideoFramerate": "30",
    "VideoGop": "60",
    "AudioBitrate": "128",
    "AudioSampleRate": "44100",
    "AudioChannels": "2",
}
LIVE_TASK = {**APP, "TaskId": "live1"}
LIVE_START: dict[str, Any] = {
    **LIVE_TASK,
    "ChannelId": "room",
    "MixMode": "1",
    "MultiStreamURL": [{"URL": "rtmp://cdn.example/live/l1", "IsAliCdn": False}],
    "TranscodeParams": {
        "EncodeParams": ENCODE,
        "Layout": {"UserPanes": [{"X": "0", "Y": "0", "Width": "1", "Height": "1", "ZOrder": "0"}]},
    },
}
FIRST_LAYOUT = 10_001


@dataclass
class Step:
    """One call; `code` is what a client that tells errors must tell, `body` what must stand in a good answer."""

    action: str
    version: str
    parameters: dict[str, Any]
    code: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    secret: str | None = None
    json: bool = False

    def plain(self) -> dict[str, Any]:
        """For the driver."""
        named = {"action": self.action, "version": self.version, "parameters": self.parameters, "json": self.json}
        return {**named, **({"key": self.key} if self.key else {}), **({"secret": self.secret} if self.secret else {})}


def rtc(action: str, parameters: dict[str, Any], code: str = "", **rest: Any) -> Step:
    return Step(action, RTC, parameters, code, **rest)


def live(action: str, parameters: dict[str, Any], code: str = "", **rest: Any) -> Step:
    return Step(action, LIVE, parameters, code, json=True, **rest)


STEPS = [
    rtc("StartMPUTask", START),
    rtc("StartMPUTask", START, "TaskExisted"),
    rtc("GetMPUTaskStatus", TASK, body={"Status": 1}),
    rtc("UpdateMPUTask", {**TASK, "CropMode": 1, "LayoutIds": [6]}),
    rtc("StartMPUTask", {**START, "TaskId": "t2", "LayoutIds": [77]}, "InvalidLayoutID.Malformed"),
    rtc("StartMPUTask", {**START, "TaskId": "t2", "MediaEncode": 99}, "InvalidMediaEncode.Malformed"),
    rtc("StartMPUTask", {**START, "TaskId": "t2", "BackgroundColor": -1}, "InvalidBackgroundColor.Malformed"),
    rtc("StartMPUTask", {**START, "TaskId": "t2", "StreamURL": "http://a/b/c"}, "InvalidStreamURL.Malformed"),
    rtc("StartMPUTask", {**START, "TaskId": "t2"}, "InvalidStreamURL.InUse"),
    rtc("StartMPUTask", {**START, "AppId": "foreign"}, "InvalidAppId"),
    rtc("StopMPUTask", {**TASK, "TaskId": "never"}, "InvalidTask.NotFound"),
    rtc("StopMPUTask", {**TASK, "TaskId": "a b"}, "InvalidTask.IDError"),
    rtc("StopMPUTask", APP, "MissingTaskId"),
    rtc("StopMPUTask", TASK, "InvalidAccessKeyId.NotFound", key="nobody"),
    rtc("StopMPUTask", TASK, "SignatureDoesNotMatch", secret="wrong"),
    live("StartMPUTask", {**TASK, "TaskId": "t3", "ChannelId": "room", "StreamURL": "rtmp://cdn.example/live/t3"}),
    live("GetMPUTaskStatus", {**TASK, "TaskId": "t3"}, body={"Status": 1}),
    rtc("StopMPUTask", TASK),
    rtc("GetMPUTaskStatus", TASK, body={"Status": 3}),
    rtc("UpdateMPUTask", {**TASK, "CropMode": 1}, "InvalidTask.NotRunning"),
    rtc("CreateMPULayout", LAYOUT, body={"LayoutId": FIRST_LAYOUT}),
    rtc("DescribeMPULayoutInfoList", {**APP, "PageNum": 1, "PageSize": 10}, body={"TotalNum": 1, "TotalPage": 1}),
    rtc("ModifyMPULayout", {**APP, "LayoutId": FIRST_LAYOUT, "Name": "two"}),
    rtc("ModifyMPULayout", {**APP, "LayoutId": 1, "Name": "two"}, "Forbidden"),
    rtc("DeleteMPULayout", {**APP, "LayoutId": FIRST_LAYOUT}),
    rtc("DeleteMPULayout", {**APP, "LayoutId": FIRST_LAYOUT}, "InvalidLayout.NotFound"),
    live("StartLiveMPUTask", LIVE_START),
    live("StartLiveMPUTask", LIVE_START, "InvalidParam"),
    live("UpdateLiveMPUTask", {**LIVE_TASK, "ChannelId": "room", "MixMode": "0", "SingleSubParams": {"UserId": "ann"}}),
    live("ListRtcMPUTaskDetail", {**LIVE_TASK, "PageNo": 1, "PageSize": 10}),
    live("SetLiveMpuTaskSei", {**LIVE_TASK, "CustomSei": '{"k":"v"}'}),
    live("GetMPUTaskStatus", LIVE_TASK, body={"Status": 1}),
    live("StopLiveMPUTask", LIVE_TASK),
    live("StopLiveMPUTask", {**LIVE_TASK, "TaskId": "never"}, "InvalidParam"),
    live("StartLiveMPUTask", {**LIVE_TASK, "ChannelId": "room"}, "MissingParam"),
    live("CreateRtcMPUEventSub", {**APP, "CallbackUrl": "https://hooks.example/x", "ChannelIds": "room"}),
    live("CreateRtcMPUEventSub", {**APP, "CallbackUrl": "https://hooks.example/x"}, "InvalidParam"),
    live("DescribeRtcMPUEventSub", APP),
    live("UpdateRtcMPUEventSub", {**APP, "CallbackUrl": "https://hooks.example/y"}),
    live("DeleteRtcMPUEventSub", APP),
    live("DescribeChannelUsers", {**APP, "ChannelId": "room"}, body={"IsChannelExists": True}),
]
