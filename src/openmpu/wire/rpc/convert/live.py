"""StartLiveMPUTask and UpdateLiveMPUTask into specs and changes (operations.md 6.1, 6.2).

Absent stays; an object that is sent replaces the whole object. The parameters as they were given are kept for
ListRtcMPUTaskDetail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from openmpu.errors import Invalid, Missing
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.ids import AppId, ChannelId, TaskId, UserId
from openmpu.model.task import Family, Mode, RelayPart, RelaySpec, SeiRhythm, SeiSpec, SeiText, TaskSpec
from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc.convert.encoding import DEFAULT_MEDIA_ENCODE
from openmpu.wire.rpc.convert.live_mix import mixed
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.overlays import source
from openmpu.wire.rpc.convert.updates import Change
from openmpu.wire.rpc.nodes import Node, from_json, to_plain
from openmpu.wire.rpc.requests.live import (
    LayoutVolume,
    PassThrough,
    SeiParams,
    SingleSubParams,
    StartLiveMPUTask,
    StreamTarget,
    TranscodeParams,
    UpdateLiveMPUTask,
)
from openmpu.wire.rpc.rows import Trees, read_object

DEFAULT_PAYLOAD_TYPE = 5
REPORTED = (
    *("AppId", "ChannelId", "TaskId", "MixMode", "Region", "MaxIdleTime", "StreamURL"),
    *("MultiStreamURL", "SingleSubParams", "TranscodeParams", "SeiParams"),
)
"""What ListRtcMPUTaskDetail gives back, in its order (operations.md 6.4)."""

Live = StartLiveMPUTask | UpdateLiveMPUTask


def live_start_spec(request: StartLiveMPUTask, options: ReadingOptions) -> TaskSpec:
    """What a StartLiveMPUTask asks for.

    Raises:
        Invalid: A value, or values that do not go together.
        Missing: Something required inside an object.
    """
    default = MEDIA_ENCODES[DEFAULT_MEDIA_ENCODE]
    bare = TaskSpec(
        app_id=AppId(request.app_id),
        channel_id=ChannelId(request.channel_id),
        task_id=TaskId(request.task_id),
        mode=Mode.RELAY if request.mix_mode == 0 else Mode.MIX,
        family=Family.LIVE,
        targets=_targets(request.stream_url, request.multi_stream_url),
        video=default.video,
        audio=default.audio,
        max_idle_s=request.max_idle_time,
        auto_relay=None if request.auto_relay is None else request.auto_relay == 1,
    )
    return _with_sei(request.sei_params, _with_mode(request, bare, options))


def live_update_change(request: UpdateLiveMPUTask, options: ReadingOptions) -> Change:
    """The change that an UpdateLiveMPUTask asks for."""

    def change(spec: TaskSpec) -> TaskSpec:
        _check_fits(request, spec)
        mode = spec.mode if request.mix_mode is None else Mode.MIX if request.mix_mode == 1 else Mode.RELAY
        auto_relay = spec.auto_relay if request.auto_relay is None else request.auto_relay == 1
        changed = replace(spec, mode=mode, auto_relay=auto_relay)
        if request.stream_url or request.multi_stream_url:
            changed = replace(changed, targets=_targets(request.stream_url, request.multi_stream_url))
        return _with_sei(request.sei_params, _with_mode(request, changed, options))

    return change


def _check_fits(request: UpdateLiveMPUTask, spec: TaskSpec) -> None:
    if spec.family is not Family.LIVE:
        raise Invalid("TaskId", f"TaskId = {spec.task_id}: was begun with StartMPUTask; use UpdateMPUTask")
    if request.channel_id != spec.channel_id:
        raise Invalid("ChannelId", f"ChannelId = {request.channel_id}: the task belongs to another channel")


def _targets(url: IngestUrl | None, several: Iterable[StreamTarget]) -> tuple[IngestUrl, ...]:
    targets = tuple(target.url for target in several)
    if url and targets:
        raise Invalid("MultiStreamURL", "MultiStreamURL: not together with StreamURL")
    if len({target.lock_key for target in targets}) != len(targets):
        raise Invalid("MultiStreamURL", "MultiStreamURL: the same URL twice")
    return (url,) if url else targets


def _with_mode(request: Live, spec: TaskSpec, options: ReadingOptions) -> TaskSpec:
    """The objects of the task's MixMode; those of the other are ignored, whatever they hold."""
    if spec.mode is Mode.RELAY:
        return _relayed(request.single_sub_params, spec)
    if request.transcode_params:
        params = read_object(TranscodeParams, request.transcode_params, "TranscodeParams")
        return mixed(params, spec, options)
    if spec.video and not spec.mix.layouts:
        raise Missing("TranscodeParams", "TranscodeParams is required with MixMode 1")
    return spec


def _relayed(node: Node | None, spec: TaskSpec) -> TaskSpec:
    if node is None:
        if spec.relay.user_id is None:
            raise Missing("SingleSubParams", "SingleSubParams is required with MixMode 0")
        return spec
    single = read_object(SingleSubParams, node, "SingleSubParams")
    relay = RelaySpec(UserId(single.user_id), source(single.source_type), RelayPart(single.stream_type or 0))
    return replace(spec, relay=relay)


def _with_sei(params: SeiParams | None, spec: TaskSpec) -> TaskSpec:
    """The payload type is no parameter of the update: it stays (operations.md 6.2)."""
    if params is None:
        return spec
    before = spec.sei.payload_type if spec.sei else DEFAULT_PAYLOAD_TYPE
    sei = SeiSpec(
        payload_type=before if params.payload_type is None else params.payload_type,
        layout_volume=_rhythm(params.layout_volume) if params.layout_volume else None,
        pass_through=_text(params.pass_through),
    )
    return replace(spec, sei=sei)


def _rhythm(said: LayoutVolume | PassThrough) -> SeiRhythm:
    default = SeiRhythm()
    return SeiRhythm(said.interval or default.interval_ms, said.follow_idr == 1)


def _text(said: PassThrough | None) -> SeiText | None:
    if said is None or not said.payload_content:
        return None
    key = said.payload_content_key or SeiText("").key
    return SeiText(said.payload_content, key, _rhythm(said))


def as_given(trees: Trees) -> dict[str, Any]:
    """The parameters of a start or update as ListRtcMPUTaskDetail gives them back: objects, leaves as strings.

    A target of the other form is told as None, so that laid over the older parameters it takes that one away.
    """
    given = {name: _opened(trees[name]) for name in REPORTED if name in trees and not trees[name].says_nothing}
    for one, other in (("StreamURL", "MultiStreamURL"), ("MultiStreamURL", "StreamURL")):
        if one in given:
            given.setdefault(other, None)
    return given


def _opened(node: Node) -> Any:
    """JSON text as what it says; text that is none (an object of the other MixMode may hold anything) as it stands."""
    if node.text is None or node.text[:1] not in "[{":
        return to_plain(node)
    try:
        return to_plain(from_json(node.text))
    except ValueError:
        return node.text
