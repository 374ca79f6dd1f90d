"""What the RPC door is built of, and its switches."""

from __future__ import annotations

from dataclasses import dataclass, field

from openmpu.http.rpc_actions.ports import Accounts, Channels, Layouts, Nonces, Rates, Subscriptions, Tasks
from openmpu.services.ports import Clock
from openmpu.wire.rpc.convert.options import ReadingOptions


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """Switches of the door.

    Attributes:
        auth: False: nothing is signed; whoever names an app may use it.
        task_existed_status: HTTP status of TaskExisted: 200 as documented, or 400 (wire.md 5).
        recommend_url: Base of the help links in errors; empty: none.
        require_tls: Plain HTTP is refused.
        reading: What the conversion may promise.
    """

    auth: bool = True
    task_existed_status: int = 200
    recommend_url: str = ""
    require_tls: bool = False
    reading: ReadingOptions = field(default_factory=ReadingOptions)


@dataclass(frozen=True, slots=True)
class RpcDoor:
    """The services behind the door."""

    accounts: Accounts
    tasks: Tasks
    layouts: Layouts
    subscriptions: Subscriptions
    channels: Channels
    rates: Rates
    nonces: Nonces
    clock: Clock
    options: RpcOptions = RpcOptions()
