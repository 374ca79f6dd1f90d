"""The table of operations is the specification's (operations.md 0.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from openmpu.errors import Invalid, Missing, NotFound
from openmpu.http.rpc_actions.table import HANDLERS
from openmpu.wire.rpc.actions import DEFAULT_RATE, LIVE, OPERATIONS, RATES, RTC, Dialect, Rate, find_operation
from tests.wire.rpc.captures import SPEC

TEXT = (SPEC / "operations.md").read_text(encoding="utf-8")
NOT_BUILT = {
    *("CreateEventSub", "UpdateEventSub", "DeleteEventSub", "ListEventSub", "ListEventSubEvent"),
    *("CreateEventSubscribe", "DeleteEventSubscribe", "StopChannelUserPublish", "DescribeApps"),
}
"""Tier 3 that does not follow cheaply; rules that start tasks by themselves are missing by their pattern."""


def rows() -> Iterator[tuple[list[str], str, str, str]]:
    """Names, versions, rate and tier of each row of the index; `Create/Update…Rule` is several names."""
    section = TEXT.split("### 0.3 Index")[1].split("## 1. Common rules")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 6 and cells[0] not in {"Operation", "---"}:
            names = re.split(r"\s*[,/]\s*", cells[0])
            yield names, cells[1].replace("**different answers**", ""), cells[4], cells[5]


def documented(rate: str) -> dict[str, Rate]:
    """Rates by version: `10/s Live-1; 500/s RTC-1`, `4000/min RTC-1`, or one for all."""
    found: dict[str, Rate] = {}
    for part in rate.split(";"):
        match = re.search(r"(\d+)/(s|min)", part)
        if match:
            one = Rate(int(match[1]), 1 if match[2] == "s" else 60)
            versions = [RTC] if "RTC-1" in part else [LIVE] if "Live-1" in part else [RTC, LIVE]
            found.update(dict.fromkeys(versions, one))
    return found


ROWS = [(name, *rest) for names, *rest in rows() for name in names if not name.endswith("Rule") and len(name) > 8]


def test_the_index_was_read() -> None:
    """The test below compares something."""
    assert len(ROWS) > 45
    assert {tier for *_, tier in ROWS} == {"1", "2", "3", "–"}


@pytest.mark.parametrize(("name", "versions", "rate", "tier"), ROWS, ids=[row[0] for row in ROWS])
def test_every_operation_is_there_with_its_versions_and_rate(name: str, versions: str, rate: str, tier: str) -> None:
    """Tiers 1 and 2 all, tier 3 as told above, the rest not."""
    if tier == "–" or name in NOT_BUILT:
        assert name not in OPERATIONS
        return
    wanted = {RTC, LIVE} if versions.startswith("both") else {versions.strip()}
    operation = OPERATIONS[name]
    assert set(operation.rates) == wanted
    told = documented(rate)
    for version in wanted:
        assert operation.rates[version] == told.get(version, DEFAULT_RATE)


def test_nothing_is_built_that_is_not_in_the_index() -> None:
    """And every operation has a handler."""
    assert set(OPERATIONS) <= {name for name, *_ in ROWS}
    assert set(OPERATIONS) == set(HANDLERS)


def test_the_newer_dialect_is_spoken_by_its_operations_only() -> None:
    """operations.md 0.2, Live-2."""
    newer = {name for name, operation in OPERATIONS.items() if operation.dialect is Dialect.LIVE_2}
    assert newer == {name for name in OPERATIONS if re.search("Live(MPU|Mpu)Task|RtcMPU", name)}


def test_rates_are_spelled_for_the_limiter() -> None:
    """`services/limits.py` reads them."""
    assert RATES[RTC, "GetMPUTaskStatus"] == "4000/minute"
    assert RATES[LIVE, "StartMPUTask"] == "10/second"
    assert len(RATES) == sum(len(operation.rates) for operation in OPERATIONS.values())


@pytest.mark.parametrize(
    ("action", "version", "kind", "subject"),
    [
        ("", RTC, Missing, "Action"),
        ("StopMPUTask", "", Missing, "Version"),
        ("StopMPUTask", "2014-05-26", Invalid, "Version"),
        ("StopMPUTasks", RTC, NotFound, "action"),
        ("stopmputask", RTC, NotFound, "action"),
        ("StartLiveMPUTask", RTC, NotFound, "action"),
        ("UpdateMPULayout", LIVE, NotFound, "action"),
        ("StartStreamingOut", RTC, NotFound, "action"),
        ("StartTask", RTC, NotFound, "action"),
        ("CreateMAURule", RTC, NotFound, "action"),
    ],
)
def test_what_is_no_operation(action: str, version: str, kind: type[Exception], subject: str) -> None:
    """wire.md 9 step 3; an operation of one version only is not found under the other."""
    with pytest.raises(kind) as refused:
        find_operation(action, version)
    assert getattr(refused.value, "subject", "") == subject
