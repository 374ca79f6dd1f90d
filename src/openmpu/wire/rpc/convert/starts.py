"""StartMPUTask into a TaskSpec, with every default put in (operations.md 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openmpu.errors import Invalid, Unsupported
from openmpu.model.colours import BLACK
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId
from openmpu.model.layouts import BUILT_IN, DEFAULT_LAYOUT_IDS, LAST_BUILT_IN_ID
from openmpu.model.overlays import Fit
from openmpu.model.task import MixSpec, Mode, RelayPart, RelaySpec, SeiRhythm, SeiSpec, TaskSpec
from openmpu.wire.rpc.convert.encoding import DEFAULT_MEDIA_ENCODE, Encoding, encoding_of
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.overlays import backgrounds, clocks, panes, source
from openmpu.wire.rpc.convert.subscriptions import relayed_user, taking
from openmpu.wire.rpc.requests.mpu import StartMPUTask
from openmpu.wire.rpc.rows import Trees, read

FITS = {None: Fit.CONTAIN, 0: Fit.STRETCH, 1: Fit.CROP, 2: Fit.CONTAIN}
"""CropMode (layouts.md 5)."""

SHORTEST_VAD_INTERVAL_MS = 100


def read_start(trees: Trees, options: ReadingOptions) -> StartMPUTask:
    """The request, with the rules between its parameters checked at the place of the table where they belong.

    Raises:
        Invalid: The first value that cannot be.
        Unsupported: TaskType 1 where there is no such output.
    """

    def media_encode(values: Mapping[str, Any]) -> None:
        if values.get("mix_mode") != 0:
            encoding_of(values["media_encode"], values.get("task_profile"), options)

    def layout_ids(values: Mapping[str, Any]) -> None:
        if values.get("mix_mode") != 0:
            check_layouts(values["layout_ids"])

    def task_type(values: Mapping[str, Any]) -> None:
        check_task_type(values["task_type"], options)

    checks = {"task_type": task_type, "media_encode": media_encode, "layout_ids": layout_ids}
    return read(StartMPUTask, trees, checks)


def check_task_type(task_type: int | None, options: ReadingOptions) -> None:
    """Whether the kind of output can be had.

    Raises:
        Unsupported: It cannot.
    """
    if task_type == 1 and not options.playback:
        raise Unsupported("TaskType", "TaskType = 1: this server has no low-latency distribution")


def check_layouts(layout_ids: Iterable[int]) -> None:
    """What can be said about layout ids without the store: custom ones are the task service's.

    Raises:
        Invalid: An id of the built-in range that is none, or two built-in ones with the same number of panes.
    """
    sizes: dict[int, int] = {}
    for number in layout_ids:
        layout = BUILT_IN.get(LayoutId(number))
        if layout is None and number <= LAST_BUILT_IN_ID:
            raise Invalid("LayoutIds", f"LayoutIds: {number}: no such layout")
        size = len(layout.panes) if layout else -number
        if size in sizes:
            raise Invalid("LayoutIds", f"LayoutIds: {sizes[size]} and {number} have the same number of panes")
        sizes[size] = number


def start_spec(request: StartMPUTask, options: ReadingOptions, notes: tuple[str, ...] = ()) -> TaskSpec:
    """What a StartMPUTask asks for. Parameters of the other MixMode are ignored (operations.md 3.3).

    Args:
        request: As `read_start` gave it.
        options: As it was read with.
        notes: What was dropped from the request before.

    Raises:
        Invalid: Two entries for one pane.
    """
    mixing = request.mix_mode != 0
    encoding = _encoding(request, options, mixing=mixing)
    return TaskSpec(
        app_id=AppId(request.app_id),
        channel_id=ChannelId(request.channel_id),
        task_id=TaskId(request.task_id),
        mode=Mode.MIX if mixing else Mode.RELAY,
        targets=(request.stream_url,) if request.stream_url and request.task_type != 1 else (),
        video=encoding.video,
        audio=encoding.audio,
        mix=_mix(request, encoding) if mixing else MixSpec(layout_ids=DEFAULT_LAYOUT_IDS, taking=taking(request)),
        relay=_relay(request, mixing=mixing),
        sei=SeiSpec(layout_volume=SeiRhythm()) if request.payload_type == 1 else None,
        vad_interval_ms=_vad_interval(request.vad_interval),
        report_vad=request.report_vad == 1,
        playback=request.task_type == 1,
        auto_relay=None if request.auto_relay is None else request.auto_relay == 1,
        notes=(*notes, *encoding.notes),
    )


def _encoding(request: StartMPUTask, options: ReadingOptions, *, mixing: bool) -> Encoding:
    """A relay has the default row too: it is what an update to MixMode 1 finds."""
    if mixing:
        return encoding_of(request.media_encode, request.task_profile, options)
    default = MEDIA_ENCODES[DEFAULT_MEDIA_ENCODE]
    return Encoding(default.video, default.audio)


def _mix(request: StartMPUTask, encoding: Encoding) -> MixSpec:
    return MixSpec(
        layout_ids=() if encoding.audio_only else _layout_ids(request.layout_ids),
        taking=taking(request),
        panes=panes(request.user_panes),
        background=request.background_colour or BLACK,
        fit=FITS[request.crop_mode],
        backgrounds=backgrounds(request.backgrounds),
        watermarks=backgrounds(request.watermarks),
        clocks=clocks(request.clock_widgets),
        segmentation=_segments(request),
        unlimited_voices=encoding.audio_only and encoding.voices_limit is None,
        voices_limit=encoding.voices_limit,
    )


def _layout_ids(numbers: tuple[int, ...]) -> tuple[LayoutId, ...]:
    return tuple(LayoutId(number) for number in numbers) or DEFAULT_LAYOUT_IDS


def _segments(request: StartMPUTask) -> bool:
    enhanced = request.enhanced_param
    return request.task_mode == 1 or bool(enhanced and enhanced.enable_portrait_segmentation)


def _relay(request: StartMPUTask, *, mixing: bool) -> RelaySpec:
    """SubSpecUsers.1 is the user to relay (operations.md 3.4), also once an update turns a mix into a relay."""
    user_id = relayed_user(request)
    if mixing:
        return RelaySpec(user_id)
    return RelaySpec(user_id, source(request.source_type), RelayPart(request.stream_type or 0))


def _vad_interval(asked: int | None) -> int:
    return max(asked, SHORTEST_VAD_INTERVAL_MS) if asked else 0
