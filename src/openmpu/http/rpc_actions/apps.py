"""Apps are configuration: their keys can be read, nothing about them can be changed (operations.md 11)."""

from __future__ import annotations

from openmpu.errors import Denied
from openmpu.http.rpc_actions.call import Call
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.requests.layouts import NamedApp


async def describe_app_key(call: Call) -> Body:
    """The newest key of an app."""
    opened = call.open(NamedApp)
    return {"AppKey": call.account.app(opened.app_id).keys[0]}


async def modify_app(call: Call) -> Body:
    """Never possible.

    Raises:
        Denied: Always.
    """
    opened = call.open(NamedApp)
    raise Denied("configuration", f"AppId = {opened.app_id}: apps are changed in the server's settings")
