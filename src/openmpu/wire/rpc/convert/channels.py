"""Who is in a channel, as the operations of either version tell it (operations.md 10)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from openmpu.model.ids import UserId
from openmpu.model.roster import User
from openmpu.wire.rpc.actions import LIVE
from openmpu.wire.rpc.replies import Body

SECOND = 10**9
INTERACTIVE_LIVE = 2
"""ChannelProfile: every channel of this server."""
INTERACTIVE = 1
"""Role of a publisher."""
DONE, NOT_THERE = 0, 1
"""Code of one removed user."""
DEFAULT_PAGE_SIZE = 10
ROOMS_PAGE_SIZE = 50


def users_body(version: str, users: Sequence[User], at: int, *, exists: bool) -> Body:
    """DescribeChannelUsers: the two versions name the same things differently. Nobody here is a mere viewer."""
    names = [user.user_id for user in users]
    if version == LIVE:
        return {
            "IsChannelExists": exists,
            "InteractiveUserNumber": len(names),
            "InteractiveUserList": names,
            "LiveUserNumber": 0,
            "LiveUserList": [],
            "Timestamp": at // SECOND,
        }
    return {
        "IsChannelExist": exists,
        "ChannelProfile": INTERACTIVE_LIVE,
        "CommTotalNum": 0,
        "UserList": [],
        "InteractiveUserNum": len(names),
        "InteractiveUserList": names,
        "LiveUserNum": 0,
        "LiveUserList": [],
        "Timestamp": at // SECOND,
    }


def participants_body(version: str, users: Sequence[User], at: int, *, rising: bool, page: int, size: int) -> Body:
    """DescribeChannelParticipants: by join time, wrapped in 2018, flat in 2016."""
    names = [user.user_id for user in (users if rising else reversed(users))]
    shown = names[(page - 1) * size : page * size]
    totals = {"TotalNum": len(names), "TotalPage": -(-len(names) // size)}
    if version == LIVE:
        return {"Times": at // SECOND, **totals, "UserList": shown}
    return {"Timestamp": at // SECOND, **totals, "UserList": {"User": shown}}


def session_id(user: User) -> str:
    """A name for one stay of a user: the same as long as it lasts, another after a new join."""
    stay = f"{user.channel_id}\n{user.user_id}\n{user.joined_at}"
    return hashlib.sha256(stay.encode()).hexdigest()[:32]


def user_body(user: User | None, at: int, *, exists: bool) -> Body:
    """DescribeUserInfoInChannel."""
    stay = [{"Join": user.joined_at // SECOND, "Role": INTERACTIVE, "Session": session_id(user)}] if user else []
    return {"Timestamp": at // SECOND, "IsChannelExist": exists, "IsInChannel": user is not None, "Property": stay}


def channel_body(channel_id: str, users: Sequence[User], *, exists: bool) -> Body:
    """DescribeChannel: it begins with the first of those who are there."""
    if not users:
        return {"ChannelExist": exists}
    start = min(user.joined_at for user in users) // SECOND
    return {"ChannelExist": exists, "Channel": {"ChannelId": channel_id, "StartTime": start}}


def sessions_body(user: User | None, *, exists: bool) -> Body:
    """DescribeChannelUser."""
    told = [_session(user)] if user else []
    return {"ChannelExist": exists, "InChannel": user is not None, "Sessions": told}


def _session(user: User) -> dict[str, Any]:
    return {"UserId": user.user_id, "SessionId": session_id(user), "Joined": user.joined_at // SECOND}


def removed_body(version: str, removed: Iterable[tuple[UserId, bool]]) -> Body:
    """RemoveTerminals: wrapped in 2018, flat in 2016."""
    told = [{"Id": user_id, **_outcome(done=done)} for user_id, done in removed]
    return {"Terminals": told if version == LIVE else {"Terminal": told}}


def removed_users_body(removed: Iterable[tuple[UserId, bool]]) -> Body:
    """RemoveUsers."""
    return {"Users": [{"UserId": user_id, **_outcome(done=done)} for user_id, done in removed]}


def _outcome(*, done: bool) -> dict[str, Any]:
    return {"Code": DONE, "Message": "Success"} if done else {"Code": NOT_THERE, "Message": "Failed"}
