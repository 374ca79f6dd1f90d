"""UpdateMPUTask into a function from one spec to the next (operations.md 4.1).

What is absent stays; a list with at least one element replaces the whole list. Parameters of the MixMode that the task
does not have after the update are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from openmpu.errors import Invalid, Missing, Unsupported
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS
from openmpu.model.overlays import Fit
from openmpu.model.task import Family, MixSpec, Mode, RelayPart, RelaySpec, TaskSpec
from openmpu.wire.rpc.convert.encoding import encoding_notes, media_encode_of
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.overlays import backgrounds, clocks, panes, source
from openmpu.wire.rpc.convert.starts import FITS, check_layouts, check_task_type
from openmpu.wire.rpc.convert.subscriptions import relayed_user, taking
from openmpu.wire.rpc.requests.mpu import UpdateMPUTask

Change = Callable[[TaskSpec], TaskSpec]
"""Raises Invalid, Missing or Unsupported when the update does not fit the task as it is."""


def update_change(request: UpdateMPUTask, options: ReadingOptions, notes: tuple[str, ...] = ()) -> Change:
    """The change that an UpdateMPUTask (or UpdateMPULayout) asks for."""

    def change(spec: TaskSpec) -> TaskSpec:
        _check_fits(request, spec)
        check_task_type(request.task_type, options)
        auto_relay = spec.auto_relay if request.auto_relay is None else request.auto_relay == 1
        notes_now = _joined(spec.notes, notes)
        changed = replace(spec, mode=_mode(request, spec), auto_relay=auto_relay, notes=notes_now)
        changed = _taken(request, _sent(request, changed))
        return _mixed(request, changed, options) if changed.mode is Mode.MIX else _relayed(request, changed)

    return change


def _check_fits(request: UpdateMPUTask, spec: TaskSpec) -> None:
    if spec.family is Family.LIVE:
        raise Unsupported("task", f"task {spec.task_id} was begun with StartLiveMPUTask: use UpdateLiveMPUTask")
    if request.channel_id and request.channel_id != spec.channel_id:
        raise Invalid("ChannelId", f"ChannelId = {request.channel_id}: the task belongs to another channel")


def _sent(request: UpdateMPUTask, spec: TaskSpec) -> TaskSpec:
    """Where it goes: TaskType 1 has no target, TaskType 0 needs one (operations.md 3.3)."""
    playback = spec.playback if request.task_type is None else request.task_type == 1
    targets = () if playback else (request.stream_url,) if request.stream_url else spec.targets
    if not playback and not targets:
        raise Missing("StreamURL", "StreamURL is missing: TaskType = 0 needs one")
    return replace(spec, playback=playback, targets=targets)


def _mode(request: UpdateMPUTask, spec: TaskSpec) -> Mode:
    if request.mix_mode is None:
        return spec.mode
    return Mode.MIX if request.mix_mode == 1 else Mode.RELAY


def _joined(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))


def _taken(request: UpdateMPUTask, spec: TaskSpec) -> TaskSpec:
    """The lists count in both modes: who is mixed, and the first of SubSpecUsers is who is relayed."""
    mix = replace(spec.mix, taking=taking(request, spec.mix.taking))
    if not request.sub_spec_users:
        return replace(spec, mix=mix)
    return replace(spec, mix=mix, relay=replace(spec.relay, user_id=relayed_user(request)))


def _relayed(request: UpdateMPUTask, spec: TaskSpec) -> TaskSpec:
    relay = RelaySpec(
        spec.relay.user_id,
        source(request.source_type) if request.source_type else spec.relay.source,
        spec.relay.part if request.stream_type is None else RelayPart(request.stream_type),
    )
    return replace(spec, relay=relay)


def _mixed(request: UpdateMPUTask, spec: TaskSpec, options: ReadingOptions) -> TaskSpec:
    encoded = _encoded(request, spec, options)
    check_layouts(request.layout_ids)
    return replace(encoded, mix=_pictured(request, encoded.mix, audio_only=encoded.video is None))


def _encoded(request: UpdateMPUTask, spec: TaskSpec, options: ReadingOptions) -> TaskSpec:
    """MediaEncode 0 takes the picture away, another id brings it back."""
    if request.media_encode is None:
        return spec
    row = media_encode_of(request.media_encode, options)
    mix = replace(spec.mix, unlimited_voices=row.video is None and spec.mix.voices_limit is None)
    notes = _joined(spec.notes, encoding_notes(request.media_encode, options))
    return replace(spec, video=row.video, audio=row.audio, mix=mix, notes=notes)


def _pictured(request: UpdateMPUTask, mix: MixSpec, *, audio_only: bool) -> MixSpec:
    return replace(
        mix,
        layout_ids=_layout_ids(request, mix, audio_only=audio_only),
        panes=panes(request.user_panes) if request.user_panes else mix.panes,
        background=request.background_colour or mix.background,
        fit=_fit(request, mix),
        backgrounds=backgrounds(request.backgrounds) if request.backgrounds else mix.backgrounds,
        watermarks=backgrounds(request.watermarks) if request.watermarks else mix.watermarks,
        clocks=clocks(request.clock_widgets) if request.clock_widgets else mix.clocks,
    )


def _fit(request: UpdateMPUTask, mix: MixSpec) -> Fit:
    return mix.fit if request.crop_mode is None else FITS[request.crop_mode]


def _layout_ids(request: UpdateMPUTask, mix: MixSpec, *, audio_only: bool) -> tuple[LayoutId, ...]:
    if audio_only:
        return ()
    asked = tuple(LayoutId(number) for number in request.layout_ids)
    return asked or mix.layout_ids or DEFAULT_LAYOUT_IDS
