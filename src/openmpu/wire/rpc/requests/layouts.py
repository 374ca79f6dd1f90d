"""Custom layouts (operations.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.requests.common import MAX_PANES, extent, layout_id, page_number, page_size, share, switch, zorder
from openmpu.wire.rpc.rows import list_of, object_of, row

MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class LayoutPane:
    """`Panes.N`."""

    pane_id: int | None = row("PaneId", scalars.integer(0, MAX_PANES - 1))
    major_pane: int | None = row("MajorPane", switch)
    x: float | None = row("X", share)
    y: float | None = row("Y", share)
    width: float | None = row("Width", extent)
    height: float | None = row("Height", extent)
    zorder: int | None = row("ZOrder", zorder)


panes = list_of(object_of(LayoutPane), MAX_PANES)
name = scalars.string_up_to(MAX_NAME)
voices = scalars.integer(0, 6)


@dataclass(frozen=True, slots=True)
class CreateMPULayout:
    """operations.md 5.1."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    name: str | None = row("Name", name)
    audio_mix_count: int = row("AudioMixCount", voices, required=True)
    panes: tuple[LayoutPane, ...] = row("Panes", panes, required=True)


@dataclass(frozen=True, slots=True)
class ModifyMPULayout:
    """operations.md 5.1: what is absent stays."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    layout_id: int = row("LayoutId", layout_id, required=True)
    name: str | None = row("Name", name)
    audio_mix_count: int | None = row("AudioMixCount", voices)
    panes: tuple[LayoutPane, ...] = row("Panes", panes)


@dataclass(frozen=True, slots=True)
class NamedLayout:
    """DeleteMPULayout and DescribeMPULayoutInfo: operations.md 5.2, 5.5."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    layout_id: int = row("LayoutId", layout_id, required=True)


@dataclass(frozen=True, slots=True)
class DescribeMPULayoutInfoList:
    """operations.md 5.3."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    layout_id: int | None = row("LayoutId", layout_id)
    name: str | None = row("Name", scalars.string)
    page_num: int | None = row("PageNum", page_number)
    page_size: int | None = row("PageSize", page_size)


@dataclass(frozen=True, slots=True)
class DescribeSystemLayoutList:
    """operations.md 5.4."""

    page_num: int | None = row("PageNum", page_number)
    page_size: int | None = row("PageSize", page_size)


@dataclass(frozen=True, slots=True)
class NamedApp:
    """Operations that take an app and nothing else."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
