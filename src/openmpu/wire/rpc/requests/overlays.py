"""Panes, pictures, texts and clocks of StartMPUTask and its updates (operations.md 3.2)."""
# ruff: noqa: RUF009 - `row` makes a dataclass field

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.colours import Colour
from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.requests.common import (
    MAX_OVERLAYS,
    MAX_PANES,
    extent,
    share,
    sizes,
    source_type,
    switch,
    zorder,
)
from openmpu.wire.rpc.rows import list_of, object_of, row

MAX_TEXT = 1024
"""Characters: shaping costs time, and no picture holds more (security.md S7)."""


@dataclass(frozen=True, slots=True)
class Image:
    """`UserPanes.N.Images.M`."""

    url: str | None = row("Url", scalars.web_url)
    display: int | None = row("Display", scalars.integer(0, 2))
    x: float | None = row("X", share)
    y: float | None = row("Y", share)
    width: float | None = row("Width", extent)
    height: float | None = row("Height", extent)
    zorder: int | None = row("ZOrder", zorder)


@dataclass(frozen=True, slots=True)
class Clock:
    """`ClockWidgets.K`."""

    x: float | None = row("X", share)
    y: float | None = row("Y", share)
    font_type: int | None = row("FontType", scalars.integer(0, 5))
    font_size: int | None = row("FontSize", scalars.integer(0, 72))
    font_colour: Colour | None = row("FontColor", scalars.colour)
    border_width: int | None = row("BorderWidth", sizes)
    border_colour: Colour | None = row("BorderColor", scalars.colour)
    box: bool | None = row("Box", scalars.boolean)
    box_colour: Colour | None = row("BoxColor", scalars.colour)
    box_border_width: int | None = row("BoxBorderWidth", sizes)
    alpha: float | None = row("Alpha", share)
    zorder: int | None = row("ZOrder", zorder)


@dataclass(frozen=True, slots=True)
class Text(Clock):
    """`UserPanes.N.Texts.M`: a clock's fields and the words."""

    text: str | None = row("Text", scalars.string_up_to(MAX_TEXT))


@dataclass(frozen=True, slots=True)
class Background:
    """`Backgrounds.K`."""

    url: str | None = row("Url", scalars.web_url)
    display: int | None = row("Display", switch)
    x: float | None = row("X", share)
    y: float | None = row("Y", share)
    width: float | None = row("Width", extent)
    height: float | None = row("Height", extent)
    zorder: int | None = row("ZOrder", zorder)


@dataclass(frozen=True, slots=True)
class Watermark(Background):
    """`Watermarks.K`: a background that can be seen through."""

    alpha: float | None = row("Alpha", share)


@dataclass(frozen=True, slots=True)
class UserPane:
    """`UserPanes.N`."""

    pane_id: int | None = row("PaneId", scalars.integer(0, MAX_PANES - 1))
    user_id: str | None = row("UserId", scalars.name)
    source_type: str | None = row("SourceType", source_type)
    segment_type: int | None = row("SegmentType", switch)
    images: tuple[Image, ...] = row("Images", list_of(object_of(Image), MAX_OVERLAYS))
    texts: tuple[Text, ...] = row("Texts", list_of(object_of(Text), MAX_OVERLAYS))


user_panes = list_of(object_of(UserPane), MAX_PANES)
backgrounds = list_of(object_of(Background), MAX_OVERLAYS)
watermarks = list_of(object_of(Watermark), MAX_OVERLAYS)
clock_widgets = list_of(object_of(Clock), MAX_OVERLAYS)
