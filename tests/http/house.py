"""The RPC door on the real services and a store in memory, before an engine and gateways of doubles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from openmpu.http.app import make_app
from openmpu.http.rpc import RpcApp, RpcDoor, RpcOptions, RpcRoute
from openmpu.model.ids import AppId, ChannelId, ChannelKey
from openmpu.model.roster import Roster, User
from openmpu.services.accounts import AccessKey, Account, Accounts, App
from openmpu.services.channels import Channels
from openmpu.services.layouts import Layouts
from openmpu.services.quotas import TaskLimits
from openmpu.services.subscriptions import Subscriptions
from openmpu.services.tasks import Tasks
from openmpu.store.sql import SqlStore, open_store
from tests.http.signing import RpcClient, Signer
from tests.services.doubles import FakeEngine, FakeGateways, HeardEvents, ManualClock

OWN = Account(
    "demo",
    (
        AccessKey("testid", "testsecret"),
        AccessKey("LTAIexample", "secretExample"),
        AccessKey("idle", "s", active=False),
    ),
    (App(AppId("app"), ("appkey",)), App(AppId("yourAppId"), ("k",)), App(AppId("off"), ("k",), enabled=False)),
)
FOREIGN = Account("stranger", (AccessKey("otherid", "othersecret"),), (App(AppId("foreign"), ("foreignkey",)),))

LIVE, RTC = "2016-11-01", "2018-01-11"


class NoRates:
    """Counts nothing."""

    def check(self, account_name: str, version: str, action: str) -> None:
        return None


@dataclass
class RpcHouse:
    """All parts, and a client before them."""

    store: SqlStore
    limits: TaskLimits = field(default_factory=TaskLimits)
    options: RpcOptions = field(default_factory=RpcOptions)
    rates: Any = field(default_factory=NoRates)
    clock: ManualClock = field(default_factory=ManualClock)
    engine: FakeEngine = field(default_factory=FakeEngine)
    gateways: FakeGateways = field(default_factory=FakeGateways)
    heard: HeardEvents = field(default_factory=HeardEvents)

    def __post_init__(self) -> None:
        self.accounts = Accounts((OWN, FOREIGN))
        self.tasks = Tasks(self.store, self.engine, self.gateways, self.heard, self.clock, self.limits, _never)
        self.layouts = Layouts(self.store, self.tasks)
        channels = Channels(self.accounts, self.gateways, self.tasks, self.clock, "http://rtc.example.test")
        self.door = RpcDoor(
            accounts=self.accounts,
            tasks=self.tasks,
            layouts=self.layouts,
            subscriptions=Subscriptions(self.store, self.clock),
            channels=channels,
            rates=self.rates,
            nonces=self.store,
            clock=self.clock,
            options=self.options,
        )
        self.rpc = RpcApp(self.door)
        self.app = make_app([RpcRoute(self.rpc)])
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://rtc.example.test")
        self.client = RpcClient(self.http, Signer(now=self.clock.now()))

    async def people(self, *users: User, app_id: str = "app", channel_id: str = "room") -> None:
        """Exactly these are in the channel now."""
        key = ChannelKey(AppId(app_id), ChannelId(channel_id))
        self.gateways.rosters[key] = Roster.of(*users)
        await self.tasks.on_roster(key, self.gateways.rosters[key])

    async def call(self, action: str, version: str = RTC, **parameters: Any) -> httpx.Response:
        """A signed call, answered in JSON."""
        return await self.client.v3(action, version, parameters)

    async def ok(self, action: str, version: str = RTC, **parameters: Any) -> dict[str, Any]:
        """The body of a call that must succeed."""
        response = await self.call(action, version, **parameters)
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def refusal(self, action: str, version: str = RTC, **parameters: Any) -> tuple[int, str, str]:
        """Status, code and message of a call that must fail."""
        response = await self.call(action, version, **parameters)
        body = response.json()
        return response.status_code, body.get("Code", ""), body.get("Message", "")


async def _never(_seconds: float) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def open_house(**parts: Any) -> AsyncIterator[RpcHouse]:
    """A house for the length of a block."""
    async with open_store("sqlite://") as store:
        house = RpcHouse(store, **parts)
        try:
            yield house
        finally:
            await house.http.aclose()
