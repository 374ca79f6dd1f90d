"""Layouts: panes without people, and which of a task's layouts is up (layouts.md 1 to 3)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from types import MappingProxyType

from openmpu.errors import Invalid
from openmpu.model.geometry import Rect
from openmpu.model.ids import LayoutId

LAST_BUILT_IN_ID = 10_000
MAX_PANES = 16
MAX_VOICES = 6


@dataclass(frozen=True, slots=True)
class Pane:
    """One rectangle of a layout, in shares of the canvas; `major` is seated first (layouts.md 4.1)."""

    pane_id: int
    rect: Rect
    zorder: int = 0
    major: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Panes by number, and how many voices are mixed at most (None: no limit)."""

    layout_id: LayoutId
    panes: tuple[Pane, ...]
    audio_mix_count: int | None = MAX_VOICES
    name: str = ""

    @property
    def major_pane_id(self) -> int:
        """The pane that is filled first: the one marked, else pane 0."""
        return next((pane.pane_id for pane in self.panes if pane.major), 0)


def _pane(row: dict[str, str]) -> Pane:
    rect = Rect(float(row["x"]), float(row["y"]), float(row["width"]), float(row["height"]))
    return Pane(int(row["pane_id"]), rect, int(row["zorder"]), row["major_pane"] == "1")


def _layout(layout_id: str, rows: Sequence[dict[str, str]]) -> Layout:
    panes = tuple(_pane(row) for row in rows)
    return Layout(LayoutId(int(layout_id)), panes, int(rows[0]["audio_mix_count"]), rows[0]["name"])


def _read_built_in() -> dict[LayoutId, Layout]:
    text = files("openmpu.data").joinpath("layouts.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    layouts = (_layout(key, list(group)) for key, group in groupby(rows, key=lambda row: row["layout_id"]))
    return {layout.layout_id: layout for layout in layouts}


BUILT_IN = MappingProxyType(_read_built_in())
"""LayoutId -> layout, from `data/layouts.csv`."""

DEFAULT_LAYOUT_IDS: tuple[LayoutId, ...] = tuple(
    LayoutId(number) for number in (1, 2, 5, 6, 7, 8, 9, 10, 11, *range(9010, 9017))
)
"""What a mixing task without LayoutIds has: one layout for every number from 1 to 16 (layouts.md 2.3)."""


def built_in(layout_ids: Iterable[LayoutId]) -> tuple[Layout, ...]:
    """The built-in layouts of those ids.

    Raises:
        Invalid: `layouts`: one is not built in.
    """
    ids = tuple(layout_ids)
    unknown = [number for number in ids if number not in BUILT_IN]
    if unknown:
        raise Invalid("layouts", f"no built-in layout {unknown[0]}")
    return tuple(BUILT_IN[number] for number in ids)


def choose_layout(layouts: Iterable[Layout], slots: int) -> Layout:
    """The layout with exactly `slots` panes, else the next larger one, else the largest (layouts.md 3)."""
    by_size = sorted(layouts, key=lambda layout: len(layout.panes))
    return next((layout for layout in by_size if len(layout.panes) >= slots), by_size[-1])
