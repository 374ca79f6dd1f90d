"""Relay event subscriptions (operations.md 7)."""

from __future__ import annotations

from typing import Any

from openmpu.http.rpc_actions.call import Call
from openmpu.model.ids import ChannelId
from openmpu.services.ports import Delivery
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.events import CreateRtcMPUEventSub, ListRtcMPUEventSubRecord, UpdateRtcMPUEventSub
from openmpu.wire.rpc.requests.layouts import NamedApp
from openmpu.wire.rpc.rows import read
from openmpu.wire.rpc.stamps import print_stamp


async def create_rtc_mpu_event_sub(call: Call) -> Body:
    """Subscribe."""
    opened = call.open(CreateRtcMPUEventSub)
    request = read(CreateRtcMPUEventSub, opened.trees)
    channels = [ChannelId(name) for name in request.channel_ids or ()]
    create = call.door.subscriptions.create
    return {"SubId": await create(call.account, opened.app_id, request.callback_url, channels)}


async def update_rtc_mpu_event_sub(call: Call) -> Body:
    """Change it; no channels is all again."""
    opened = call.open(UpdateRtcMPUEventSub)
    request = read(UpdateRtcMPUEventSub, opened.trees)
    channels = [ChannelId(name) for name in request.channel_ids or ()]
    await call.door.subscriptions.update(call.account, opened.app_id, request.callback_url, channels)
    return {}


async def delete_rtc_mpu_event_sub(call: Call) -> Body:
    """Unsubscribe."""
    await call.door.subscriptions.delete(call.account, call.open(NamedApp).app_id)
    return {}


async def describe_rtc_mpu_event_sub(call: Call) -> Body:
    """The app's one subscription."""
    found = await call.door.subscriptions.describe(call.account, call.open(NamedApp).app_id)
    told = {
        "AppId": found.app_id,
        "CallbackUrl": found.callback_url,
        "ChannelIds": ",".join(found.channels),
        "CreateTime": print_stamp(found.created_at),
        "SubId": found.sub_id,
    }
    return {"SubInfo": told}


async def list_rtc_mpu_event_sub_record(call: Call) -> Body:
    """A page of the delivery log, newest first."""
    opened = call.open(ListRtcMPUEventSubRecord)
    request = read(ListRtcMPUEventSubRecord, opened.trees)
    page = (request.page_no, request.page_size, request.sub_id)
    records = call.door.subscriptions.records
    total, shown = await records(call.account, opened.app_id, request.start_time, request.end_time, *page)
    more = request.page_no * request.page_size < total
    return {"Count": len(shown), "HasMore": more, "Logs": [_log(delivery) for delivery in shown]}


def _log(delivery: Delivery) -> dict[str, Any]:
    return {
        "AppId": delivery.app_id,
        "SubId": delivery.sub_id,
        "MsgId": delivery.msg_id,
        "CallbackUrl": delivery.callback_url,
        "Data": delivery.body,
        "HTTPCode": "" if delivery.http_status is None else str(delivery.http_status),
        "Cost": delivery.cost_ms,
        "Time": print_stamp(delivery.at),
    }
