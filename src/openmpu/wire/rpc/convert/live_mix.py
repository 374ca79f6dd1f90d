"""TranscodeParams into the picture and sound of a mixing task (operations.md 6.1, layouts.md 1, 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from openmpu.errors import Invalid, Missing
from openmpu.model.encoder import AudioProfile, VideoCodec, VideoProfile
from openmpu.model.geometry import Rect
from openmpu.model.ids import ChannelId, LayoutId, UserId
from openmpu.model.layouts import Layout, Pane
from openmpu.model.overlays import Display, Fit, ImageSpec
from openmpu.model.taking import NamedUser, Taking
from openmpu.model.task import MixSpec, PaneSpec, Pin, TaskSpec
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.convert.overlays import source
from openmpu.wire.rpc.requests.live import (
    EncodeParams,
    LiveBackground,
    LivePane,
    PaneUser,
    TranscodeParams,
    UserInfo,
)

OWN_LAYOUT = LayoutId(0)
"""The one layout that a Live-2 request is itself; never looked up."""

BOTH, AUDIO, VIDEO = 0, 1, 2
"""StreamType."""


def mixed(params: TranscodeParams, spec: TaskSpec, options: ReadingOptions) -> TaskSpec:
    """The spec with all that TranscodeParams says in place of what was there.

    Raises:
        Invalid: Values that do not go together, or a codec that this server cannot make.
        Missing: Panes, where there is video.
    """
    video = _video(params.encode_params, options)
    named = tuple(_named(info, spec.channel_id) for info in params.user_infos)
    panes = params.layout.user_panes if params.layout else ()
    if video and not panes:
        raise Missing("TranscodeParams", "TranscodeParams.Layout.UserPanes is required unless AudioOnly is true")
    _check_pins(panes, named, spec.channel_id)
    mix = MixSpec(
        layouts=(_layout(panes),) if video else (),
        taking=Taking(named=named),
        panes=tuple(_pane(place, pane) for place, pane in enumerate(panes)) if video else (),
        backgrounds=_background(params.background) if video else (),
        empty_panes_black=True,
        keep_pinned_panes=True,
        unlimited_voices=True,
    )
    return replace(spec, video=video, audio=_audio(params.encode_params), mix=mix)


def _video(encode: EncodeParams, options: ReadingOptions) -> VideoProfile | None:
    if encode.audio_only:
        return None
    codec = _codec(encode, options)
    choice = encode.enhanced_param
    return VideoProfile(
        width=_even(encode.video_width, "VideoWidth"),
        height=_even(encode.video_height, "VideoHeight"),
        fps=encode.video_framerate or 0,
        bitrate_kbps=encode.video_bitrate or 0,
        gop=encode.video_gop or 0,
        codec=codec,
        profile=(choice and choice.profile) or ("high" if codec == "h264" else "main"),
        preset=choice.preset if choice else None,
    )


def _even(size: int | None, name: str) -> int:
    """Odd sizes are lowered by one: 4:2:0 has no half pairs."""
    even = (size or 0) // 2 * 2
    if not even:
        raise Invalid("TranscodeParams", f"TranscodeParams.EncodeParams.{name} = {size}: no picture is that small")
    return even


def _codec(encode: EncodeParams, options: ReadingOptions) -> VideoCodec:
    if encode.video_codec != "H.265":
        return "h264"
    if not options.h265:
        raise Invalid("TranscodeParams", "TranscodeParams.EncodeParams.VideoCodec = H.265: not on this server")
    if encode.enhanced_param and encode.enhanced_param.profile not in {None, "main"}:
        raise Invalid("TranscodeParams", "TranscodeParams.EncodeParams.EnhancedParam.profile: H.265 has main only")
    return "h265"


def _audio(encode: EncodeParams) -> AudioProfile:
    return AudioProfile(encode.audio_bitrate, int(encode.audio_sample_rate), encode.audio_channels)


def _named(info: UserInfo, channel_id: ChannelId) -> NamedUser:
    wanted = info.stream_type or BOTH
    return NamedUser(
        ChannelId(info.channel_id) if info.channel_id else channel_id,
        UserId(info.user_id),
        audio=wanted in {BOTH, AUDIO},
        video=wanted in {BOTH, VIDEO},
        source=source(info.source_type),
    )


def _check_pins(panes: Iterable[LivePane], named: tuple[NamedUser, ...], channel_id: ChannelId) -> None:
    """A pinned user must be taken, where the takers are named."""
    taken = {(user.channel_id, user.user_id) for user in named}
    for pane in panes:
        pin = pane.user_info
        if named and pin and pin.user_id and (pin.channel_id or channel_id, pin.user_id) not in taken:
            why = f"{pin.user_id} is pinned to a pane but not in UserInfos"
            raise Invalid("TranscodeParams", f"TranscodeParams.Layout.UserPanes: {why}")


def _layout(panes: Iterable[LivePane]) -> Layout:
    return Layout(
        OWN_LAYOUT,
        tuple(
            Pane(place, Rect(pane.x, pane.y, pane.width, pane.height), pane.zorder or 0)
            for place, pane in enumerate(panes)
        ),
        audio_mix_count=None,
    )


def fit_of(render_mode: int | None) -> Fit:
    """RenderMode: 1, also when absent, fills; 0 shows all on black (layouts.md 5)."""
    return Fit.CONTAIN_ON_BLACK if render_mode == 0 else Fit.CROP


def _pane(place: int, pane: LivePane) -> PaneSpec:
    fit = fit_of(pane.render_mode)
    url, hidden = pane.background_image_url, Display.WITHOUT_VIDEO
    image = ImageSpec(url, display=hidden, fit=fit) if url else None
    return PaneSpec(place, _pin(pane.user_info), fit=fit, placeholder=image)


def _pin(user: PaneUser | None) -> Pin | None:
    if user is None or not user.user_id:
        return None
    channel_id = ChannelId(user.channel_id) if user.channel_id else None
    return Pin(UserId(user.user_id), source(user.source_type), channel_id)


def _background(background: LiveBackground | None) -> tuple[ImageSpec, ...]:
    if background is None or not background.url:
        return ()
    return (ImageSpec(background.url, fit=fit_of(background.render_mode)),)
