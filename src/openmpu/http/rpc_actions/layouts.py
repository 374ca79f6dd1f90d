"""The layout operations (operations.md 5)."""

from __future__ import annotations

from openmpu.errors import NotFound
from openmpu.http.rpc_actions.call import Call
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.wire.rpc.convert.layouts import layout_body, layout_change, layout_page, new_layout
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.layouts import (
    CreateMPULayout,
    DescribeMPULayoutInfoList,
    DescribeSystemLayoutList,
    ModifyMPULayout,
    NamedApp,
    NamedLayout,
)
from openmpu.wire.rpc.rows import read


async def create_mpu_layout(call: Call) -> Body:
    """A new custom layout."""
    opened = call.open(CreateMPULayout)
    layout = new_layout(read(CreateMPULayout, opened.trees))
    return {"LayoutId": await call.door.layouts.create(call.account, opened.app_id, layout)}


async def modify_mpu_layout(call: Call) -> Body:
    """A custom layout with other panes, another name or another number of voices."""
    opened = call.open(ModifyMPULayout)
    request = read(ModifyMPULayout, opened.trees)
    change = layout_change(request)
    await call.door.layouts.modify(call.account, opened.app_id, LayoutId(request.layout_id), change)
    return {}


async def delete_mpu_layout(call: Call) -> Body:
    """A custom layout less; the tasks that use it end."""
    opened = call.open(NamedLayout)
    request = read(NamedLayout, opened.trees)
    await call.door.layouts.delete(call.account, opened.app_id, LayoutId(request.layout_id))
    return {}


async def describe_mpu_layout_info_list(call: Call) -> Body:
    """A page of the app's custom layouts."""
    opened = call.open(DescribeMPULayoutInfoList)
    request = read(DescribeMPULayoutInfoList, opened.trees)
    number = None if request.layout_id is None else LayoutId(request.layout_id)
    layouts = await call.door.layouts.list_custom(call.account, opened.app_id, number, request.name)
    return layout_page(layouts, request.page_num, request.page_size)


async def describe_system_layout_list(call: Call) -> Body:
    """A page of the built-in layouts."""
    request = read(DescribeSystemLayoutList, call.open(DescribeSystemLayoutList).trees)
    return layout_page(tuple(BUILT_IN.values()), request.page_num, request.page_size)


async def describe_mpu_layout_list(call: Call) -> Body:
    """The ids of all layouts that the app may use."""
    opened = call.open(NamedApp)
    custom = await call.door.layouts.list_custom(call.account, opened.app_id)
    return {"LayoutIds": {"LayoutId": [*BUILT_IN, *(layout.layout_id for layout in custom)]}}


async def describe_mpu_layout_info(call: Call) -> Body:
    """One layout, built in or custom."""
    opened = call.open(NamedLayout)
    number = LayoutId(read(NamedLayout, opened.trees).layout_id)
    custom = await call.door.layouts.list_custom(call.account, opened.app_id, number)
    layout = custom[0] if custom else BUILT_IN.get(number)
    if layout is None:
        raise NotFound("layout", f"LayoutId = {number}: no such layout")
    return {"Layout": layout_body(layout)}
