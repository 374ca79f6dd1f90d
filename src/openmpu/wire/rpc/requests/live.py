"""StartLiveMPUTask and its family (operations.md 6): objects as JSON text in one parameter, or dotted.

The objects that belong to one MixMode are kept unread (`raw`): the one of the other mode is ignored, whatever it holds.
"""
# ruff: noqa: RUF009 - `row` makes a dataclass field

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.nodes import Node
from openmpu.wire.rpc.requests.common import (
    MAX_LISTED_USERS,
    MAX_PANES,
    extent,
    page_number,
    page_size,
    share,
    source_type,
    switch,
    zorder,
)
from openmpu.wire.rpc.rows import Shape, Trees, list_of, object_of, raw, row

MAX_TARGETS = 10
MAX_SEI = 4096
"""CustomSei in characters, PayloadContent in bytes (operations.md 6.5, callbacks.md 6.4)."""
MAX_SEI_KEY = 128
SAMPLE_RATES = ("8000", "16000", "32000", "44100", "48000")
PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)

stream_type = scalars.integer(0, 2)
render_mode = switch
rhythm = scalars.integer(1000, 5000)


def _object(kind: type[object]) -> Shape:
    return object_of(kind, json=True)


def _list(kind: type[object], most: int) -> Shape:
    return list_of(_object(kind), most, json=True)


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """`MultiStreamURL[]`."""

    url: IngestUrl = row("URL", scalars.ingest_url, required=True)
    is_ali_cdn: bool | None = row("IsAliCdn", scalars.boolean)


@dataclass(frozen=True, slots=True)
class SingleSubParams:
    """The one user of a relay."""

    user_id: str = row("UserId", scalars.name, required=True)
    stream_type: int | None = row("StreamType", stream_type)
    source_type: str | None = row("SourceType", source_type)


@dataclass(frozen=True, slots=True)
class UserInfo:
    """`TranscodeParams.UserInfos[]`: one user who is taken."""

    user_id: str = row("UserId", scalars.name, required=True)
    channel_id: str | None = row("ChannelId", scalars.name)
    stream_type: int | None = row("StreamType", stream_type)
    source_type: str | None = row("SourceType", source_type)


@dataclass(frozen=True, slots=True)
class PaneUser:
    """`….UserPanes[].UserInfo`: who is pinned to a pane."""

    user_id: str | None = row("UserId", scalars.name)
    channel_id: str | None = row("ChannelId", scalars.name)
    source_type: str | None = row("SourceType", source_type)


@dataclass(frozen=True, slots=True)
class LivePane:
    """`TranscodeParams.Layout.UserPanes[]`."""

    x: float = row("X", share, required=True)
    y: float = row("Y", share, required=True)
    width: float = row("Width", extent, required=True)
    height: float = row("Height", extent, required=True)
    zorder: int | None = row("ZOrder", zorder)
    render_mode: int | None = row("RenderMode", render_mode)
    background_image_url: str | None = row("BackgroundImageUrl", scalars.web_url)
    user_info: PaneUser | None = row("UserInfo", _object(PaneUser))


@dataclass(frozen=True, slots=True)
class LiveLayout:
    """`TranscodeParams.Layout`."""

    user_panes: tuple[LivePane, ...] = row("UserPanes", _list(LivePane, MAX_PANES))


@dataclass(frozen=True, slots=True)
class LiveBackground:
    """`TranscodeParams.Background`."""

    url: str | None = row("URL", scalars.web_url)
    render_mode: int | None = row("RenderMode", render_mode)


@dataclass(frozen=True, slots=True)
class EncoderChoice:
    """`EncodeParams.EnhancedParam`: names in lower case, as the page prints them."""

    profile: str | None = row("profile", scalars.one_of("baseline", "main", "high"))
    preset: str | None = row("preset", scalars.one_of(*PRESETS))


def _with_video(trees: Trees) -> bool:
    """Whether AudioOnly is not true: then the video fields are required too."""
    node = trees.get("AudioOnly")
    return node is None or (node.text or "").lower() not in {"true", "1"}


@dataclass(frozen=True, slots=True)
class EncodeParams:
    """`TranscodeParams.EncodeParams`."""

    audio_only: bool | None = row("AudioOnly", scalars.boolean)
    video_width: int | None = row("VideoWidth", scalars.integer(0, 1920), required=_with_video)
    video_height: int | None = row("VideoHeight", scalars.integer(0, 1920), required=_with_video)
    video_bitrate: int | None = row("VideoBitrate", scalars.integer(1, 10_000), required=_with_video)
    video_framerate: int | None = row("VideoFramerate", scalars.integer(1, 60), required=_with_video)
    video_gop: int | None = row("VideoGop", scalars.integer(1, 60), required=_with_video)
    video_codec: str | None = row("VideoCodec", scalars.one_of("H.264", "H.265"))
    audio_bitrate: int = row("AudioBitrate", scalars.integer(8, 500), required=True)
    audio_sample_rate: str = row("AudioSampleRate", scalars.one_of(*SAMPLE_RATES), required=True)
    audio_channels: int = row("AudioChannels", scalars.integer(1, 2), required=True)
    enhanced_param: EncoderChoice | None = row("EnhancedParam", _object(EncoderChoice))


@dataclass(frozen=True, slots=True)
class TranscodeParams:
    """All of a mix."""

    user_infos: tuple[UserInfo, ...] = row("UserInfos", _list(UserInfo, MAX_LISTED_USERS))
    layout: LiveLayout | None = row("Layout", _object(LiveLayout))
    background: LiveBackground | None = row("Background", _object(LiveBackground))
    encode_params: EncodeParams = row("EncodeParams", _object(EncodeParams), required=True)


def payload_type(text: str, path: str) -> int:
    """100 to 254, or the default 5 written out."""
    return 5 if text == "5" else scalars.integer(100, 254)(text, path)


@dataclass(frozen=True, slots=True)
class LayoutVolume:
    """`SeiParams.LayoutVolume`."""

    interval: int | None = row("Interval", rhythm)
    follow_idr: int | None = row("FollowIdr", switch)


@dataclass(frozen=True, slots=True)
class PassThrough:
    """`SeiParams.PassThrough`."""

    payload_content: str | None = row("PayloadContent", scalars.string_up_to(MAX_SEI, octets=True))
    payload_content_key: str | None = row("PayloadContentKey", scalars.string_up_to(MAX_SEI_KEY))
    interval: int | None = row("Interval", rhythm)
    follow_idr: int | None = row("FollowIdr", switch)


@dataclass(frozen=True, slots=True)
class SeiParams:
    """What is put into the video; an empty LayoutVolume asks for the default one."""

    payload_type: int | None = row("PayloadType", payload_type)
    layout_volume: LayoutVolume | None = row("LayoutVolume", _object(LayoutVolume), empty_counts=True)
    pass_through: PassThrough | None = row("PassThrough", _object(PassThrough))


def _relays(trees: Trees) -> bool:
    node = trees.get("MixMode")
    return node is not None and node.text is not None and node.text.lstrip("+-0") == "" and "0" in node.text


def _mixes(trees: Trees) -> bool:
    return not _relays(trees)


def _has_no_targets(trees: Trees) -> bool:
    node = trees.get("MultiStreamURL")
    return node is None or node.says_nothing


@dataclass(frozen=True, slots=True)
class StartLiveMPUTask:
    """operations.md 6.1."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    mix_mode: int | None = row("MixMode", switch)
    stream_url: IngestUrl | None = row("StreamURL", scalars.ingest_url, required=_has_no_targets)
    multi_stream_url: tuple[StreamTarget, ...] = row("MultiStreamURL", _list(StreamTarget, MAX_TARGETS))
    single_sub_params: Node | None = row("SingleSubParams", raw(), required=_relays)
    transcode_params: Node | None = row("TranscodeParams", raw(), required=_mixes)
    sei_params: SeiParams | None = row("SeiParams", _object(SeiParams))
    max_idle_time: int | None = row("MaxIdleTime", scalars.integer(10, 86_400))
    region: str | None = row("Region", scalars.string_up_to(64))
    auto_relay: int | None = row("AutoRelay", switch)


@dataclass(frozen=True, slots=True)
class UpdateLiveMPUTask:
    """operations.md 6.2."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    mix_mode: int | None = row("MixMode", switch)
    stream_url: IngestUrl | None = row("StreamURL", scalars.ingest_url)
    multi_stream_url: tuple[StreamTarget, ...] = row("MultiStreamURL", _list(StreamTarget, MAX_TARGETS))
    single_sub_params: Node | None = row("SingleSubParams", raw())
    transcode_params: Node | None = row("TranscodeParams", raw())
    sei_params: SeiParams | None = row("SeiParams", _object(SeiParams))
    auto_relay: int | None = row("AutoRelay", switch)


@dataclass(frozen=True, slots=True)
class ListRtcMPUTaskDetail:
    """operations.md 6.4: paging is required where no TaskId is."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    task_id: str | None = row("TaskId", scalars.task_id, identifier=True, also="TaskID")
    page_no: int | None = row("PageNo", page_number, required=lambda trees: "TaskId" not in trees)
    page_size: int | None = row("PageSize", page_size, required=lambda trees: "TaskId" not in trees)


@dataclass(frozen=True, slots=True)
class SetLiveMpuTaskSei:
    """operations.md 6.5."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    custom_sei: str = row("CustomSei", scalars.json_text(MAX_SEI), required=True)
