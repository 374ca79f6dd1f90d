"""What openmpu says inside the video: the JSON of SEI messages (callbacks.md 6.2 and 6.4).

Pure: values in, text out. Knows nothing of scenes, encoders and NAL units (`media/encoding/sei.py` has the bytes).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

NO_PANE: Final = -1
DECIMALS: Final = 5


class Shown(IntEnum):
    """`type`: what is seen of somebody."""

    CAMERA = 0
    SCREEN = 1
    NOTHING = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in the picture; `x`, `y`, `w` and `h` in shares of the canvas."""

    user_id: str
    pane_id: int = NO_PANE
    zorder: int = 0
    x: float = 0
    y: float = 0
    w: float = 0
    h: float = 0
    shown: Shown = Shown.NOTHING


@dataclass(frozen=True, slots=True)
class Sounding:
    """How somebody sounds: `volume` 0 to 255 over the last 100 ms, `vad` 0 to 150."""

    volume: int = 0
    vad: int = 0


SILENT: Final = Sounding()


def layout_volume(people: Iterable[tuple[Place, Sounding]]) -> str:
    """Seating and volumes, in the order given: compact, numbers with at most 5 decimals."""
    return _compact({"stream": [_element(place, sounding) for place, sounding in people]})


def passed_through(key: str, content: str) -> str:
    """The caller's own text under its key."""
    return _compact({key: content})


def _element(place: Place, sounding: Sounding) -> dict[str, Any]:
    return {
        "uid": place.user_id,
        "paneid": place.pane_id,
        "zorder": place.zorder,
        "x": _number(place.x),
        "y": _number(place.y),
        "w": _number(place.w),
        "h": _number(place.h),
        "type": int(place.shown),
        "ms": 0,
        "vol": sounding.volume,
        "vad": sounding.vad,
    }


def _number(share: float) -> float:
    """0 and 1 are whole numbers, as in the sample."""
    rounded = round(share, DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded


def _compact(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
