"""Who is in a channel, and who may not stay (operations.md 10)."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.requests.common import page_number, page_size
from openmpu.wire.rpc.rows import list_of, object_of, row

MAX_REMOVED = 30
MAX_DISPLAY_NAME = 32
"""Bytes."""
LONGEST_ADDRESS_S = 10 * 365 * 86_400
"""Nothing is documented; a token far past that could not be told by its time stamp."""


@dataclass(frozen=True, slots=True)
class NamedChannel:
    """DescribeChannelUsers, DeleteChannel, StopChannel and others."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)


@dataclass(frozen=True, slots=True)
class NamedUser:
    """DescribeUserInfoInChannel and DescribeChannelUser."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    user_id: str = row("UserId", scalars.name, required=True, identifier=True)


@dataclass(frozen=True, slots=True)
class DescribeChannelParticipants:
    """operations.md 10.2."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    order: str | None = row("Order", scalars.one_of("asc", "desc"))
    page_num: int | None = row("PageNum", page_number)
    page_size: int | None = row("PageSize", page_size)


@dataclass(frozen=True, slots=True)
class DescribeChannels:
    """operations.md 10.4."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    page_no: int | None = row("PageNo", page_number)
    page_size: int | None = row("PageSize", page_size)


@dataclass(frozen=True, slots=True)
class ListRTCLiveRooms:
    """operations.md 10.4: pages of 10 to 100."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    page_no: int | None = row("PageNo", page_number)
    page_size: int | None = row("PageSize", scalars.integer(10, 100))


@dataclass(frozen=True, slots=True)
class RemoveTerminals:
    """operations.md 10.5; the page's sample spells the list `Terminals`."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    terminal_ids: tuple[str, ...] = row(
        "TerminalIds", list_of(scalars.name, MAX_REMOVED), required=True, also="Terminals"
    )


@dataclass(frozen=True, slots=True)
class RemovedUser:
    """`Users.N`."""

    user_id: str = row("UserId", scalars.name, required=True)


@dataclass(frozen=True, slots=True)
class RemoveUsers:
    """operations.md 10.6."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    users: tuple[RemovedUser, ...] = row("Users", list_of(object_of(RemovedUser), MAX_REMOVED), required=True)


@dataclass(frozen=True, slots=True)
class CreateRTCWhipStreamAddress:
    """operations.md 10.7."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    channel_id: str = row("ChannelId", scalars.name, required=True, identifier=True)
    user_id: str = row("UserId", scalars.name, required=True, identifier=True)
    display_name: str = row("DisplayName", scalars.string_up_to(MAX_DISPLAY_NAME, octets=True), required=True)
    expire_time: int | None = row("ExpireTime", scalars.integer(1, LONGEST_ADDRESS_S))
