"""Pictures, texts and clocks as a task asks for them (operations.md 3.2), in shares of what they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from openmpu.model.colours import BLACK, Colour
from openmpu.model.geometry import WHOLE, Rect


class Display(IntEnum):
    """When a picture is drawn: values as on the wire."""

    NEVER = 0
    ALWAYS = 1
    WITHOUT_VIDEO = 2


class Fit(Enum):
    """How a picture fits a rectangle of other proportions (layouts.md 5)."""

    STRETCH = "stretch"
    CROP = "crop"
    CONTAIN = "contain"
    """Whole picture visible, borders not painted: what lies below shows."""
    CONTAIN_ON_BLACK = "contain_on_black"


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """A picture by URL."""

    url: str
    rect: Rect = WHOLE
    zorder: int = 0
    display: Display = Display.ALWAYS
    alpha: float = 1.0
    fit: Fit = Fit.STRETCH


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How letters look. Sizes in pixels of the output picture; `alpha` covers letters, outline and box."""

    font_type: int = 0
    font_size: int = 24
    colour: Colour = BLACK
    border_width: int = 0
    border_colour: Colour = BLACK
    box: bool = False
    box_colour: Colour = BLACK
    box_border_width: int = 0
    alpha: float = 1.0


@dataclass(frozen=True, slots=True)
class TextSpec:
    r"""A text; (x, y) is its left-top corner in shares of its pane. `\\n` breaks lines, nothing wraps."""

    text: str
    x: float = 0.0
    y: float = 0.0
    zorder: int = 0
    style: TextStyle = TextStyle()


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """A clock `YYYY-MM-DD HH:MM:SS`; (x, y) in shares of the canvas."""

    x: float = 0.0
    y: float = 0.0
    zorder: int = 0
    style: TextStyle = TextStyle()
