"""Custom layouts: the request's panes into a layout or a change of one, and layouts into answers (operations.md 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from openmpu.model.geometry import Rect
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import Layout, Pane
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.layouts import CreateMPULayout, LayoutPane, ModifyMPULayout

DEFAULT_PAGE_SIZE = 10


def new_layout(request: CreateMPULayout) -> Layout:
    """The layout, still without an id of its own."""
    return Layout(LayoutId(0), _panes(request.panes), request.audio_mix_count, request.name or "")


def layout_change(request: ModifyMPULayout) -> Callable[[Layout], Layout]:
    """What is absent stays; a sent list of panes replaces all panes."""

    def change(layout: Layout) -> Layout:
        return replace(
            layout,
            name=layout.name if request.name is None else request.name,
            audio_mix_count=layout.audio_mix_count if request.audio_mix_count is None else request.audio_mix_count,
            panes=_panes(request.panes) if request.panes else layout.panes,
        )

    return change


def _panes(panes: Iterable[LayoutPane]) -> tuple[Pane, ...]:
    made = (_pane(place, pane) for place, pane in enumerate(panes))
    return tuple(sorted(made, key=lambda pane: pane.pane_id))


def _pane(place: int, pane: LayoutPane) -> Pane:
    rect = Rect(pane.x or 0.0, pane.y or 0.0, pane.width or 1.0, pane.height or 1.0)
    pane_id = place if pane.pane_id is None else pane.pane_id
    return Pane(pane_id, rect, pane.zorder or 0, pane.major_pane == 1)


def layout_body(layout: Layout) -> Body:
    """One layout as DescribeMPULayoutInfoList tells it: the list of panes is wrapped in itself."""
    return {
        "LayoutId": layout.layout_id,
        "Name": layout.name,
        "AudioMixCount": layout.audio_mix_count,
        "Panes": {"Panes": [_pane_body(pane) for pane in layout.panes]},
    }


def _pane_body(pane: Pane) -> dict[str, Any]:
    return {
        "PaneId": pane.pane_id,
        "MajorPane": int(pane.major),
        "X": pane.rect.x,
        "Y": pane.rect.y,
        "Width": pane.rect.width,
        "Height": pane.rect.height,
        "ZOrder": pane.zorder,
    }


def layout_page(layouts: Sequence[Layout], page_num: int | None, page_size: int | None) -> Body:
    """One page of layouts and how many there are."""
    size = page_size or DEFAULT_PAGE_SIZE
    first = ((page_num or 1) - 1) * size
    shown = layouts[first : first + size]
    return {
        "TotalNum": len(layouts),
        "TotalPage": -(-len(layouts) // size),
        "Layouts": {"Layout": [layout_body(layout) for layout in shown]},
    }
