"""The operations: names, versions, rates, dialect of their errors (operations.md 0.3).

A test reads the same table out of the specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from openmpu.errors import Invalid, Missing, NotFound
from openmpu.wire.rpc.authentication import is_v3
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import Parameters

RTC = "2018-01-11"
LIVE = "2016-11-01"
VERSIONS = frozenset({RTC, LIVE})


class Dialect(Enum):
    """Whose names an operation's errors have (wire.md 8.2 to 8.4)."""

    CLASSIC = "classic"
    """RTC-1 and Live-1: `MissingAppId`, `InvalidCropMode.Malformed`."""
    LIVE_2 = "live-2"
    """`MissingParam`, `InvalidParam`."""
    GATEWAY = "gateway"
    """Before any operation: `MissingAction`, `InvalidVersion`."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls of an account in so many seconds: 1 or 60."""

    calls: int
    seconds: int = 1


DEFAULT_RATE = Rate(100)
"""Where no rate is documented."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `rates` by version tells under which versions it exists."""

    name: str
    rates: Mapping[str, Rate]
    dialect: Dialect = Dialect.CLASSIC


def _operation(
    name: str, dialect: Dialect = Dialect.CLASSIC, *, rtc: Rate | None = None, live: Rate | None = None
) -> Operation:
    rates = {version: rate for version, rate in ((RTC, rtc), (LIVE, live)) if rate}
    return Operation(name, MappingProxyType(rates), dialect)


def _live_2(name: str, calls: int) -> Operation:
    return _operation(name, Dialect.LIVE_2, live=Rate(calls))


def _table(operations: Iterable[Operation]) -> Mapping[str, Operation]:
    return MappingProxyType({operation.name: operation for operation in operations})


OPERATIONS = _table(
    (
        _operation("StartMPUTask", rtc=Rate(500), live=Rate(10)),
        _operation("UpdateMPUTask", rtc=Rate(500), live=Rate(10)),
        _operation("UpdateMPULayout", rtc=Rate(500)),
        _operation("StopMPUTask", rtc=Rate(500), live=Rate(10)),
        _operation("GetMPUTaskStatus", rtc=Rate(4000, 60), live=Rate(10)),
        _operation("CreateMPULayout", rtc=Rate(10)),
        _operation("ModifyMPULayout", rtc=Rate(10)),
        _operation("DeleteMPULayout", rtc=Rate(10)),
        _operation("DescribeMPULayoutInfoList", rtc=Rate(10)),
        _operation("DescribeMPULayoutInfo", rtc=Rate(10)),
        _operation("DescribeMPULayoutList", rtc=Rate(10)),
        _operation("DescribeSystemLayoutList", rtc=Rate(10)),
        _live_2("StartLiveMPUTask", 500),
        _live_2("UpdateLiveMPUTask", 500),
        _live_2("StopLiveMPUTask", 500),
        _live_2("ListRtcMPUTaskDetail", 50),
        _live_2("SetLiveMpuTaskSei", 50),
        _live_2("CreateRtcMPUEventSub", 50),
        _live_2("UpdateRtcMPUEventSub", 50),
        _live_2("DeleteRtcMPUEventSub", 50),
        _live_2("DescribeRtcMPUEventSub", 50),
        _live_2("ListRtcMPUEventSubRecord", 100),
        _operation("DescribeChannelUsers", rtc=DEFAULT_RATE, live=DEFAULT_RATE),
        _operation("DescribeChannelParticipants", rtc=DEFAULT_RATE, live=DEFAULT_RATE),
        _operation("DescribeUserInfoInChannel", rtc=DEFAULT_RATE),
        _operation("DescribeChannel", rtc=DEFAULT_RATE),
        _operation("DescribeChannels", rtc=DEFAULT_RATE),
        _operation("DescribeChannelAllUsers", rtc=DEFAULT_RATE),
        _operation("DescribeChannelUser", rtc=DEFAULT_RATE),
        _operation("ListRTCLiveRooms", live=DEFAULT_RATE),
        _operation("RemoveTerminals", rtc=DEFAULT_RATE, live=DEFAULT_RATE),
        _operation("RemoveUsers", rtc=DEFAULT_RATE),
        _operation("StopChannel", rtc=DEFAULT_RATE),
        _operation("DeleteChannel", rtc=DEFAULT_RATE, live=DEFAULT_RATE),
        _operation("CreateRTCWhipStreamAddress", live=DEFAULT_RATE),
        _operation("DescribeAppKey", rtc=DEFAULT_RATE),
        _operation("DescribeRTCAppKey", rtc=DEFAULT_RATE),
        _operation("ModifyApp", rtc=DEFAULT_RATE),
    )
)
"""Every operation that is built, by name; looked up, never assembled."""


def _spelled(rate: Rate) -> str:
    return f"{rate.calls}/{'minute' if rate.seconds == 60 else 'second'}"


RATES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (version, operation.name): _spelled(rate)
        for operation in OPERATIONS.values()
        for version, rate in operation.rates.items()
    }
)
"""(version, operation) -> rate as `services/limits.py` reads it: `10/second`."""


def asked_operation(incoming: Incoming, parameters: Parameters) -> tuple[str, str]:
    """Action and version that a request names: V3 in headers, else in parameters (wire.md 2.2, 2.3)."""
    if is_v3(incoming):
        names = (("x-acs-action", "Action"), ("x-acs-version", "Version"))
        action, version = (incoming.header(header) or parameters.get(name) for header, name in names)
        return action, version
    return parameters.get("Action"), parameters.get("Version")


def find_operation(action: str, version: str) -> Operation:
    """The operation of a request: step 3 of wire.md 9.

    Raises:
        Missing: Action or Version is absent.
        Invalid: The version is not served.
        NotFound: No such operation under this version.
    """
    for name, value in (("Action", action), ("Version", version)):
        if not value:
            raise Missing(name, f"{name} is required")
    if version not in VERSIONS:
        raise Invalid("Version", f"{version:.20} is not served; use {RTC} or {LIVE}")
    operation = OPERATIONS.get(action)
    if operation is None or version not in operation.rates:
        raise NotFound("action", f"no operation {action:.60} under version {version}")
    return operation
