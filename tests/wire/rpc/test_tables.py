"""The parameter tables of operations.md are read here and held against the rows of `requests/`: nothing is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from openmpu.wire.rpc.requests import channels, events, layouts, live, mpu, overlays
from openmpu.wire.rpc.rows import rows_of
from tests.wire.rpc.captures import SPEC

TEXT = (SPEC / "operations.md").read_text(encoding="utf-8")
COMMON = {"Action", "OwnerId", "ShowLog"}
OURS = {"AutoRelay"}
"""Added to the contract by us, and told in the manual."""
NO_EFFECT = {"EnhancedParam.BackgroundPath"}
"""Accepted like any unknown parameter."""


def first_cells(section: str) -> Iterator[str]:
    """Every name in backticks of the first column of a section's tables, `.X` `.Y` beside their first one."""
    body = TEXT.split(f"\n### {section} ")[1].split("\n### ")[0].split("\n## ")[0]
    for line in body.splitlines():
        if line.startswith("| `"):
            yield from expanded(re.findall(r"`([^`]+)`", line.split("|")[1]))


def expanded(names: list[str]) -> Iterator[str]:
    stem = names[0].rpartition(".")[0] if names else ""
    for name in names:
        yield stem + name if name.startswith(".") else name


def flat_names(kind: type[Any], prefix: str = "") -> set[str]:
    """The names of a table as the specification writes them, without its letters for numbers."""
    return {f"{prefix}{info.name}" for _, info in rows_of(kind)}


def bare(name: str) -> str:
    """`UserPanes.N.Images.M.Url` as `UserPanes.Images.Url`."""
    return re.sub(r"\.[NMK](?=\.|…|$)|…$", "", name)


OVERLAYS = (
    flat_names(overlays.UserPane, "UserPanes.")
    | flat_names(overlays.Image, "UserPanes.Images.")
    | flat_names(overlays.Text, "UserPanes.Texts.")
    | flat_names(overlays.Background, "Backgrounds.")
    | flat_names(overlays.Watermark, "Watermarks.")
    | flat_names(overlays.Clock, "ClockWidgets.")
)


def test_start_mpu_task_takes_every_parameter_of_its_table() -> None:
    """operations.md 3.1, in the same order."""
    told = [bare(name) for name in first_cells("3.1") if bare(name) not in COMMON | NO_EFFECT]
    top = list(dict.fromkeys(name.partition(".")[0] for name in told))
    ours = [info.name for _, info in rows_of(mpu.StartMPUTask)]
    assert top == ours[: len(top)]
    enhanced = {name for name in told if name.startswith("EnhancedParam.")}
    assert enhanced == flat_names(mpu.EnhancedParam, "EnhancedParam.")


def test_panes_and_overlays_take_every_parameter_of_their_table() -> None:
    """operations.md 3.2."""
    told = {bare(name) for name in first_cells("3.2")}
    assert len(told) > 50
    assert told == {name for name in OVERLAYS if name not in {"UserPanes.Images", "UserPanes.Texts"}}


def test_the_update_takes_every_parameter_of_its_table() -> None:
    """operations.md 4.1."""
    told = {bare(name) for name in first_cells("4.1")}
    kinds = {"Audio", "Camera", "ShareScreen"}
    told -= {name for name in told if "{" in name}
    told |= {f"{word}{kind}Users" for word in ("SubSpec", "UnsubSpec") for kind in kinds}
    assert told == flat_names(mpu.UpdateMPUTask) - OURS


def test_layouts_take_every_parameter_of_their_table() -> None:
    """operations.md 5.1."""
    told = {bare(name) for name in first_cells("5.1") if "." in name or name[0].isupper()}
    ours = flat_names(layouts.ModifyMPULayout) - {"Panes"} | flat_names(layouts.LayoutPane, "Panes.")
    assert told - {"InvalidPanes.Malformed"} == ours


def live_names() -> Iterator[str]:
    """Section 6.1, where `….X` stands for the list or object named last."""
    stem = ""
    for line in TEXT.split("### 6.1 ")[1].split("### 6.2 ")[0].splitlines():
        names = re.findall(r"`([^`]+)`", line.split("|")[1]) if line.startswith("| `") else []
        if names and names[0].startswith("…."):
            names[0] = stem + names[0][1:]
        elif names:
            stem = names[0] if names[0].endswith("[]") else names[0].rpartition(".")[0]
        yield from expanded(names)


LIVE_PREFIXES: list[tuple[type[Any], str]] = [
    (live.StreamTarget, "MultiStreamURL[]."),
    (live.SingleSubParams, "SingleSubParams."),
    (live.UserInfo, "TranscodeParams.UserInfos[]."),
    (live.LivePane, "TranscodeParams.Layout.UserPanes[]."),
    (live.PaneUser, "TranscodeParams.Layout.UserPanes[].UserInfo."),
    (live.LiveBackground, "TranscodeParams.Background."),
    (live.EncodeParams, "TranscodeParams.EncodeParams."),
    (live.PassThrough, "SeiParams.PassThrough."),
    (live.LayoutVolume, "SeiParams.LayoutVolume."),
]


@pytest.mark.parametrize(("kind", "prefix"), LIVE_PREFIXES, ids=[prefix for _, prefix in LIVE_PREFIXES])
def test_the_newer_start_takes_every_parameter_of_its_table(kind: type[Any], prefix: str) -> None:
    """operations.md 6.1."""
    mine = {name for name in live_names() if name.startswith(prefix) and "." not in name[len(prefix) :]}
    assert mine
    assert mine == flat_names(kind, prefix) - {f"{prefix}UserInfo"}


def test_the_newer_starts_own_parameters() -> None:
    """operations.md 6.1, 6.2."""
    told = {name for name in first_cells("6.1") if re.fullmatch(r"[A-Z]\w+", name) and not name.startswith("Invalid")}
    told -= {"MissingParam", "OperationDenied", "Forbidden", "InternalError", "ChannelId", "SourceType"}
    assert told <= flat_names(live.StartLiveMPUTask)
    dropped = flat_names(live.StartLiveMPUTask) - flat_names(live.UpdateLiveMPUTask)
    assert dropped == {"MaxIdleTime", "Region"}


def test_event_and_channel_operations_take_what_their_rows_name() -> None:
    """operations.md 7, 10: the names in backticks of each row are rows of the request."""
    for action, kind in (
        ("CreateRtcMPUEventSub", events.CreateRtcMPUEventSub),
        ("UpdateRtcMPUEventSub", events.UpdateRtcMPUEventSub),
        ("ListRtcMPUEventSubRecord", events.ListRtcMPUEventSubRecord),
    ):
        row = next(line for line in TEXT.splitlines() if line.startswith(f"| {action} | `"))
        told = set(re.findall(r"`([A-Z]\w+)`", row.split("|")[2]))
        assert told == flat_names(kind)
    assert flat_names(channels.CreateRTCWhipStreamAddress) == {
        *("AppId", "ChannelId", "UserId", "DisplayName", "ExpireTime"),
    }
