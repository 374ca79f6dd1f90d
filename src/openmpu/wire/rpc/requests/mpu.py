"""StartMPUTask, its updates, stop and status (operations.md 3 and 4), of both versions."""
# ruff: noqa: RUF009 - `row` makes a dataclass field

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.colours import Colour
from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.requests import overlays
from openmpu.wire.rpc.requests.common import (
    MAX_LAYOUTS,
    MAX_LISTED_USERS,
    layout_id,
    source_type,
    switch,
    users,
)
from openmpu.wire.rpc.rows import Trees, list_of, object_of, row

TASK_PROFILES = (
    *(f"{inputs}IN_{height}P" for inputs in (1, 2, 4, 9, 12, 16) for height in (360, 720, 1080)),
    "Mixed_Audio",
    "1IN_Audio",
)
"""operations.md 3.7: the union of all times."""


def _relays(trees: Trees) -> bool:
    """Whether TaskType is 0 (or unreadable): then there must be a StreamURL (operations.md 3.3)."""
    node = trees.get("TaskType")
    return node is None or node.text is None or node.text.lstrip("+0") != "1"


@dataclass(frozen=True, slots=True)
class EnhancedParam:
    """`EnhancedParam.*`: the other four are accepted without effect."""

    enable_portrait_segmentation: bool | None = row("EnablePortraitSegmentation", scalars.boolean)
    enable_virtual_conference: bool | None = row("EnableVirtualConference", scalars.boolean)
    enable_cartoon_portrait: bool | None = row("EnableCartoonPortrait", scalars.boolean)
    enable_voice_changer: bool | None = row("EnableVoiceChanger", scalars.boolean)
    enable_user_pane_background: bool | None = row("EnableUserPaneBackground", scalars.boolean)


@dataclass(frozen=True, slots=True)
class StartMPUTask:
    """operations.md 3.1 and 3.2, in the order of the tables."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    task_type: int | None = row("TaskType", switch)
    mix_mode: int | None = row("MixMode", switch)
    task_profile: str | None = row("TaskProfile", scalars.one_of(*TASK_PROFILES))
    task_mode: int | None = row("TaskMode", switch)
    media_encode: int | None = row("MediaEncode", scalars.integer())
    background_colour: Colour | None = row("BackgroundColor", scalars.colour)
    crop_mode: int | None = row("CropMode", scalars.integer(0, 2))
    layout_ids: tuple[int, ...] = row("LayoutIds", list_of(layout_id, MAX_LAYOUTS))
    sub_spec_users: tuple[str, ...] = row("SubSpecUsers", users(16))
    sub_spec_audio_users: tuple[str, ...] = row("SubSpecAudioUsers", users(MAX_LISTED_USERS))
    sub_spec_camera_users: tuple[str, ...] = row("SubSpecCameraUsers", users(MAX_LISTED_USERS))
    sub_spec_share_screen_users: tuple[str, ...] = row("SubSpecShareScreenUsers", users(MAX_LISTED_USERS))
    unsub_spec_audio_users: tuple[str, ...] = row("UnsubSpecAudioUsers", users(MAX_LISTED_USERS))
    unsub_spec_camera_users: tuple[str, ...] = row("UnsubSpecCameraUsers", users(MAX_LISTED_USERS))
    unsub_spec_share_screen_users: tuple[str, ...] = row("UnsubSpecShareScreenUsers", users(MAX_LISTED_USERS))
    stream_type: int | None = row("StreamType", scalars.integer(0, 2))
    source_type: str | None = row("SourceType", source_type)
    stream_url: IngestUrl | None = row("StreamURL", scalars.ingest_url, required=_relays)
    payload_type: int | None = row("PayloadType", switch)
    report_vad: int | None = row("ReportVad", switch)
    vad_interval: int | None = row("VadInterval", scalars.integer(0))
    rtp_ext_info: int | None = row("RtpExtInfo", switch)
    time_stamp_ref: int | None = row("TimeStampRef", scalars.integer())
    enhanced_param: EnhancedParam | None = row("EnhancedParam", object_of(EnhancedParam))
    user_panes: tuple[overlays.UserPane, ...] = row("UserPanes", overlays.user_panes)
    backgrounds: tuple[overlays.Background, ...] = row("Backgrounds", overlays.backgrounds)
    watermarks: tuple[overlays.Watermark, ...] = row("Watermarks", overlays.watermarks)
    clock_widgets: tuple[overlays.Clock, ...] = row("ClockWidgets", overlays.clock_widgets)
    auto_relay: int | None = row("AutoRelay", switch)


@dataclass(frozen=True, slots=True)
class UpdateMPUTask:
    """operations.md 4.1."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    channel_id: str | None = row("ChannelId", scalars.name, identifier=True)
    stream_url: IngestUrl | None = row("StreamURL", scalars.ingest_url)
    mix_mode: int | None = row("MixMode", switch)
    media_encode: int | None = row("MediaEncode", scalars.integer())
    task_type: int | None = row("TaskType", switch)
    crop_mode: int | None = row("CropMode", scalars.integer(0, 2))
    background_colour: Colour | None = row("BackgroundColor", scalars.colour)
    stream_type: int | None = row("StreamType", scalars.integer(0, 2))
    source_type: str | None = row("SourceType", source_type)
    layout_ids: tuple[int, ...] = row("LayoutIds", list_of(layout_id, MAX_LAYOUTS))
    sub_spec_users: tuple[str, ...] = row("SubSpecUsers", users(16))
    sub_spec_audio_users: tuple[str, ...] = row("SubSpecAudioUsers", users(MAX_LISTED_USERS))
    sub_spec_camera_users: tuple[str, ...] = row("SubSpecCameraUsers", users(MAX_LISTED_USERS))
    sub_spec_share_screen_users: tuple[str, ...] = row("SubSpecShareScreenUsers", users(MAX_LISTED_USERS))
    unsub_spec_audio_users: tuple[str, ...] = row("UnsubSpecAudioUsers", users(MAX_LISTED_USERS))
    unsub_spec_camera_users: tuple[str, ...] = row("UnsubSpecCameraUsers", users(MAX_LISTED_USERS))
    unsub_spec_share_screen_users: tuple[str, ...] = row("UnsubSpecShareScreenUsers", users(MAX_LISTED_USERS))
    user_panes: tuple[overlays.UserPane, ...] = row("UserPanes", overlays.user_panes)
    backgrounds: tuple[overlays.Background, ...] = row("Backgrounds", overlays.backgrounds)
    watermarks: tuple[overlays.Watermark, ...] = row("Watermarks", overlays.watermarks)
    clock_widgets: tuple[overlays.Clock, ...] = row("ClockWidgets", overlays.clock_widgets)
    auto_relay: int | None = row("AutoRelay", switch)


@dataclass(frozen=True, slots=True)
class UpdateMPULayout(UpdateMPUTask):
    """operations.md 4.2: an UpdateMPUTask that must name layouts."""

    layout_ids: tuple[int, ...] = row("LayoutIds", list_of(layout_id, MAX_LAYOUTS), required=True)


@dataclass(frozen=True, slots=True)
class NamedTask:
    """StopMPUTask and GetMPUTaskStatus: operations.md 4.3 and 4.4."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
