"""Who is in a channel, who must leave it, and where to come in (operations.md 10)."""

from __future__ import annotations

from openmpu.http.rpc_actions.call import Call, Opened
from openmpu.model.ids import ChannelId, UserId
from openmpu.model.roster import User
from openmpu.services.channels import ChannelView
from openmpu.wire.rpc.convert import channels as answers
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.channels import (
    CreateRTCWhipStreamAddress,
    DescribeChannelParticipants,
    DescribeChannels,
    ListRTCLiveRooms,
    NamedChannel,
    NamedUser,
    RemoveTerminals,
    RemoveUsers,
)
from openmpu.wire.rpc.rows import read


def _channel(opened: Opened) -> ChannelId:
    return ChannelId(opened.identifiers["ChannelId"])


def _view(call: Call, opened: Opened) -> ChannelView:
    return call.door.channels.view(call.account, opened.app_id, _channel(opened))


def _user(view: ChannelView, opened: Opened) -> User | None:
    return next((user for user in view.users if user.user_id == opened.identifiers["UserId"]), None)


async def describe_channel_users(call: Call) -> Body:
    """Publishers and viewers."""
    view = _view(call, call.open(NamedChannel))
    return answers.users_body(call.version, view.users, view.at, exists=view.exists)


async def describe_channel_participants(call: Call) -> Body:
    """A page of user ids."""
    opened = call.open(DescribeChannelParticipants)
    request = read(DescribeChannelParticipants, opened.trees)
    view = _view(call, opened)
    page, size = request.page_num or 1, request.page_size or answers.DEFAULT_PAGE_SIZE
    rising = request.order == "asc"
    return answers.participants_body(call.version, view.users, view.at, rising=rising, page=page, size=size)


async def describe_user_info_in_channel(call: Call) -> Body:
    """One user's stay."""
    opened = call.open(NamedUser)
    view = _view(call, opened)
    return answers.user_body(_user(view, opened), view.at, exists=view.exists)


async def describe_channel(call: Call) -> Body:
    """Whether there is such a channel, and since when."""
    opened = call.open(NamedChannel)
    view = _view(call, opened)
    return answers.channel_body(_channel(opened), view.users, exists=view.exists)


async def describe_channel_all_users(call: Call) -> Body:
    """Every user id."""
    view = _view(call, call.open(NamedChannel))
    return {"ChannelExist": view.exists, "Users": [{"UserId": user.user_id} for user in view.users]}


async def describe_channel_user(call: Call) -> Body:
    """One user's sessions."""
    opened = call.open(NamedUser)
    view = _view(call, opened)
    return answers.sessions_body(_user(view, opened), exists=view.exists)


async def describe_channels(call: Call) -> Body:
    """A page of the channels that somebody is in."""
    opened = call.open(DescribeChannels)
    request = read(DescribeChannels, opened.trees)
    page, size = request.page_no or 1, request.page_size or answers.DEFAULT_PAGE_SIZE
    names = call.door.channels.channels(call.account, opened.app_id)
    shown = list(names[(page - 1) * size : page * size])
    return {"PageNo": page, "PageSize": size, "TotalCnt": len(names), "Records": shown}


async def list_rtc_live_rooms(call: Call) -> Body:
    """The same under the other version."""
    opened = call.open(ListRTCLiveRooms)
    request = read(ListRTCLiveRooms, opened.trees)
    page, size = request.page_no or 1, request.page_size or answers.ROOMS_PAGE_SIZE
    names = call.door.channels.channels(call.account, opened.app_id)
    return {"Rooms": list(names[(page - 1) * size : page * size]), "Total": len(names)}


async def remove_terminals(call: Call) -> Body:
    """Drop users by id."""
    opened = call.open(RemoveTerminals)
    users = [UserId(user_id) for user_id in read(RemoveTerminals, opened.trees).terminal_ids]
    removed = await call.door.channels.remove(call.account, opened.app_id, _channel(opened), users)
    return answers.removed_body(call.version, removed)


async def remove_users(call: Call) -> Body:
    """The newer spelling."""
    opened = call.open(RemoveUsers)
    users = [UserId(user.user_id) for user in read(RemoveUsers, opened.trees).users]
    removed = await call.door.channels.remove(call.account, opened.app_id, _channel(opened), users)
    return answers.removed_users_body(removed)


async def delete_channel(call: Call) -> Body:
    """Drop everybody; one that is not there is fine too."""
    opened = call.open(NamedChannel)
    await call.door.channels.close(call.account, opened.app_id, _channel(opened))
    return {}


async def create_rtc_whip_stream_address(call: Call) -> Body:
    """A WHIP URL with a token in it."""
    opened = call.open(CreateRTCWhipStreamAddress)
    request = read(CreateRTCWhipStreamAddress, opened.trees)
    user_id = UserId(request.user_id)
    whip_address = call.door.channels.whip_address
    address = whip_address(call.account, opened.app_id, _channel(opened), user_id, request.expire_time)
    return {"WhipAddress": address}
