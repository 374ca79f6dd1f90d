"""All layers of the output at this moment, and `plan`: the one place where panes meet people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from openmpu.model.colours import BLACK, Colour
from openmpu.model.geometry import PixelRect, to_pixels
from openmpu.model.geometry import Rect as ShareRect
from openmpu.model.ids import ChannelId, TrackId, UserId
from openmpu.model.layouts import Pane
from openmpu.model.overlays import ClockSpec, Display, Fit, ImageSpec, TextSpec, TextStyle
from openmpu.model.roster import Kind, Roster, Source, User
from openmpu.model.seating import Seat, Seating, seat_users
from openmpu.model.task import MixSpec, PaneSpec, TaskSpec

_L = TypeVar("_L")


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """A picture by URL, in pixels. `only_without_video`: hidden while the pane it lies in shows video."""

    url: str
    rect: PixelRect
    alpha: float = 1.0
    fit: Fit = Fit.STRETCH
    only_without_video: bool = False


@dataclass(frozen=True, slots=True)
class TextLayer:
    """A text whose left-top corner is (left, top)."""

    text: str
    left: int
    top: int
    style: TextStyle


@dataclass(frozen=True, slots=True)
class ClockLayer:
    """A clock whose left-top corner is (left, top)."""

    left: int
    top: int
    style: TextStyle


@dataclass(frozen=True, slots=True)
class PaneLayer:
    """One pane: a group, clipped to `rect`. Bottom to top: fill, video, overlays.

    Attributes:
        share: The pane in shares of the canvas, as SEI tells it.
        fill: Painted where no video is (Live-2 black); None: what lies below shows.
        user: Who sits there, with or without video; None: empty.
        track_id: The video shown; None: none published.
    """

    pane_id: int
    rect: PixelRect
    share: ShareRect
    zorder: int
    fit: Fit
    fill: Colour | None = None
    channel_id: ChannelId | None = None
    user: UserId | None = None
    source: Source | None = None
    track_id: TrackId | None = None
    segment: bool = False
    overlays: tuple[ImageLayer | TextLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """One user who may be heard, with every audio track of theirs (a screen's sound belongs to its user)."""

    channel_id: ChannelId
    user: UserId
    track_ids: tuple[TrackId, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the output shows and sounds like, bottom to top (layouts.md 6). Equal scenes look the same.

    Attributes:
        voices_limit: At most this many voices at once; None: no limit.
        participants: Everybody taken, seated or not, in join order.
    """

    width: int
    height: int
    layout_id: int
    background: Colour = BLACK
    backgrounds: tuple[ImageLayer, ...] = ()
    panes: tuple[PaneLayer, ...] = ()
    overlays: tuple[ImageLayer | ClockLayer, ...] = ()
    voices: tuple[Voice, ...] = ()
    voices_limit: int | None = None
    participants: tuple[tuple[ChannelId, UserId], ...] = ()

    @property
    def shown_tracks(self) -> frozenset[TrackId]:
        """The video tracks that must be decoded."""
        return frozenset(pane.track_id for pane in self.panes if pane.track_id)

    @property
    def heard_tracks(self) -> frozenset[TrackId]:
        """The audio tracks that may be heard."""
        return frozenset(track_id for voice in self.voices for track_id in voice.track_ids)


def plan(spec: TaskSpec, roster: Roster) -> Scene:
    """The scene of a mixing task for who is there now.

    Args:
        spec: Mode MIX, with `mix.layouts` filled in when it has video.
        roster: Of all channels in `spec.channels`.
    """
    mix = spec.mix
    participants = tuple(user for user in roster.users if mix.taking.takes_any(user))
    named = tuple((user.channel_id, user.user_id) for user in participants)
    voices = tuple(_voices(mix, participants))
    if spec.video is None or not mix.layouts:
        return Scene(0, 0, 0, voices=voices, voices_limit=mix.voices_limit, participants=named)
    canvas = PixelRect(0, 0, spec.video.width, spec.video.height)
    seating = seat_users(mix, spec.channel_id, roster)
    return Scene(
        canvas.width,
        canvas.height,
        seating.layout.layout_id,
        background=mix.background,
        backgrounds=_pictures(mix.backgrounds, canvas),
        panes=_panes(mix, seating, canvas),
        overlays=_overlays(mix, canvas),
        voices=voices,
        voices_limit=_voices_limit(mix, seating),
        participants=named,
    )


def _voices(mix: MixSpec, participants: tuple[User, ...]) -> list[Voice]:
    heard: dict[User, list[TrackId]] = {}
    for user, track in mix.taking.tracks(participants, Kind.AUDIO):
        heard.setdefault(user, []).append(track.track_id)
    return [Voice(user.channel_id, user.user_id, tuple(ids)) for user, ids in heard.items()]


def _voices_limit(mix: MixSpec, seating: Seating) -> int | None:
    if mix.voices_limit is not None:
        return mix.voices_limit
    return None if mix.unlimited_voices else seating.layout.audio_mix_count


def _panes(mix: MixSpec, seating: Seating, canvas: PixelRect) -> tuple[PaneLayer, ...]:
    specs = {pane.pane_id: pane for pane in mix.panes}
    ordered = sorted(seating.layout.panes, key=lambda pane: (pane.zorder, pane.pane_id))
    return tuple(
        _pane(
            mix,
            pane,
            specs.get(pane.pane_id, PaneSpec(pane.pane_id)),
            seating.seats.get(pane.pane_id),
            canvas,
        )
        for pane in ordered
    )


def _pane(mix: MixSpec, pane: Pane, spec: PaneSpec, seat: Seat | None, canvas: PixelRect) -> PaneLayer:
    rect = to_pixels(pane.rect, canvas)
    return PaneLayer(
        pane.pane_id,
        rect,
        pane.rect,
        pane.zorder,
        spec.fit or mix.fit,
        fill=BLACK if mix.empty_panes_black else None,
        channel_id=seat.user.channel_id if seat else None,
        user=seat.user.user_id if seat else None,
        source=seat.source if seat else None,
        track_id=seat.track.track_id if seat and seat.track else None,
        segment=spec.segment and mix.segmentation,
        overlays=_pane_overlays(spec, rect),
    )


def _pane_overlays(spec: PaneSpec, rect: PixelRect) -> tuple[ImageLayer | TextLayer, ...]:
    """Images and texts together by ZOrder, images first at equal ZOrder, then place in the list (layouts.md 6)."""
    placeholder = (_image(spec.placeholder, rect),) if spec.placeholder else ()
    images = [(image.zorder, _image(image, rect)) for image in spec.images if image.display]
    texts = [(text.zorder, _text(text, rect)) for text in spec.texts]
    return placeholder + _stacked([*images, *texts])


def _image(image: ImageSpec, on: PixelRect) -> ImageLayer:
    hidden = image.display is Display.WITHOUT_VIDEO
    return ImageLayer(image.url, to_pixels(image.rect, on), image.alpha, image.fit, hidden)


def _text(text: TextSpec, on: PixelRect) -> TextLayer:
    left, top = _corner(text.x, text.y, on)
    return TextLayer(text.text, left, top, text.style)


def _clock(clock: ClockSpec, on: PixelRect) -> ClockLayer:
    left, top = _corner(clock.x, clock.y, on)
    return ClockLayer(left, top, clock.style)


def _corner(x: float, y: float, on: PixelRect) -> tuple[int, int]:
    return on.left + round(x * on.width), on.top + round(y * on.height)


def _pictures(images: tuple[ImageSpec, ...], canvas: PixelRect) -> tuple[ImageLayer, ...]:
    return _stacked([(image.zorder, _image(image, canvas)) for image in images if image.display])


def _overlays(mix: MixSpec, canvas: PixelRect) -> tuple[ImageLayer | ClockLayer, ...]:
    """Watermarks and clocks together by ZOrder, watermarks first at equal ZOrder (layouts.md 6)."""
    marks = [(mark.zorder, _image(mark, canvas)) for mark in mix.watermarks if mark.display]
    clocks = [(clock.zorder, _clock(clock, canvas)) for clock in mix.clocks]
    return _stacked([*marks, *clocks])


def _stacked(layers: Sequence[tuple[int, _L]]) -> tuple[_L, ...]:
    """Bottom to top: by ZOrder, at equal ZOrder as listed (the sort is stable)."""
    return tuple(layer for _, layer in sorted(layers, key=lambda entry: entry[0]))
