"""Pictures, texts, clocks and panes of StartMPUTask and its updates (operations.md 3.2)."""

from __future__ import annotations

from collections.abc import Iterable

from openmpu.errors import Invalid
from openmpu.model.colours import BLACK
from openmpu.model.geometry import Rect
from openmpu.model.ids import UserId
from openmpu.model.overlays import ClockSpec, Display, ImageSpec, TextSpec, TextStyle
from openmpu.model.roster import Source
from openmpu.model.task import PaneSpec, Pin
from openmpu.wire.rpc.requests.overlays import Background, Clock, Image, Text, UserPane, Watermark

DEFAULT_FONT_SIZE = 24
MAX_BORDER = 256
"""Pixels: wider outlines and boxes cover the same; painting them would only cost."""


def source(source_type: str | None) -> Source:
    """`camera` (also when absent) or `shareScreen`."""
    return Source.SCREEN if source_type == "shareScreen" else Source.CAMERA


def panes(user_panes: Iterable[UserPane]) -> tuple[PaneSpec, ...]:
    """UserPanes; an absent PaneId is the entry's place in the list, from 0.

    Raises:
        Invalid: Two entries for one pane.
    """
    specs = tuple(_pane(place, pane) for place, pane in enumerate(user_panes))
    seen: set[int] = set()
    for spec in specs:
        if spec.pane_id in seen:
            raise Invalid("UserPanes", f"UserPanes: two entries for pane {spec.pane_id}")
        seen.add(spec.pane_id)
    return specs


def _pane(place: int, pane: UserPane) -> PaneSpec:
    return PaneSpec(
        pane_id=place if pane.pane_id is None else pane.pane_id,
        pin=Pin(UserId(pane.user_id), source(pane.source_type)) if pane.user_id else None,
        images=tuple(_image(image) for image in pane.images if image.url),
        texts=tuple(_text(text) for text in pane.texts if text.text),
        segment=pane.segment_type == 1,
    )


def _rect(image: Image | Background) -> Rect:
    return Rect(image.x or 0.0, image.y or 0.0, image.width or 1.0, image.height or 1.0)


def _image(image: Image) -> ImageSpec:
    display = Display.WITHOUT_VIDEO if image.display is None else Display(image.display)
    return ImageSpec(image.url or "", _rect(image), image.zorder or 0, display)


def backgrounds(entries: Iterable[Background]) -> tuple[ImageSpec, ...]:
    """Backgrounds or Watermarks; an entry without Url is ignored."""
    return tuple(_canvas_image(entry) for entry in entries if entry.url)


def _canvas_image(entry: Background) -> ImageSpec:
    display = Display.NEVER if entry.display == 0 else Display.ALWAYS
    alpha = entry.alpha if isinstance(entry, Watermark) and entry.alpha is not None else 1.0
    return ImageSpec(entry.url or "", _rect(entry), entry.zorder or 0, display, alpha)


def clocks(widgets: Iterable[Clock]) -> tuple[ClockSpec, ...]:
    """ClockWidgets."""
    return tuple(ClockSpec(clock.x or 0.0, clock.y or 0.0, clock.zorder or 0, _style(clock)) for clock in widgets)


def _text(text: Text) -> TextSpec:
    return TextSpec(text.text or "", text.x or 0.0, text.y or 0.0, text.zorder or 0, _style(text))


def _style(letters: Clock) -> TextStyle:
    return TextStyle(
        font_type=letters.font_type or 0,
        font_size=DEFAULT_FONT_SIZE if letters.font_size is None else letters.font_size,
        colour=letters.font_colour or BLACK,
        border_width=min(letters.border_width or 0, MAX_BORDER),
        border_colour=letters.border_colour or BLACK,
        box=letters.box or False,
        box_colour=letters.box_colour or BLACK,
        box_border_width=min(letters.box_border_width or 0, MAX_BORDER),
        alpha=1.0 if letters.alpha is None else letters.alpha,
    )
