"""What the RPC handlers need of the services, declared by the one who needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TaskKey, UserId
from openmpu.model.layouts import Layout
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.accounts import AccessKey, Account, App
from openmpu.services.channels import ChannelView
from openmpu.services.ports import Delivery, Subscription, TaskRecord


class Accounts(Protocol):
    """`services/accounts.py`."""

    def by_access_key(self, access_key_id: str) -> tuple[Account, AccessKey] | None:
        """The key of that id, active or not, and its account."""
        ...

    def app(self, app_id: str) -> App | None:
        """The app of that id, whoever owns it."""
        ...


class Tasks(Protocol):
    """`services/tasks.py`."""

    async def start(self, account: Account, spec: TaskSpec, request: dict[str, Any]) -> None:
        """Begin a task."""
        ...

    async def update(
        self, account: Account, key: TaskKey, change: Callable[[TaskSpec], TaskSpec], request: dict[str, Any]
    ) -> None:
        """Change a task that is not over."""
        ...

    async def stop(self, account: Account, key: TaskKey) -> None:
        """End a task; no effect on one that is over."""
        ...

    async def state(self, account: Account, key: TaskKey) -> TaskState:
        """How its life stands."""
        ...

    async def details(
        self, account: Account, app_id: AppId, task_id: TaskId | None = None, page: int = 1, size: int = 100
    ) -> Sequence[TaskRecord]:
        """Live-2's unfinished tasks of an app, oldest first."""
        ...

    async def inject_sei(self, account: Account, key: TaskKey, text: str) -> None:
        """Put a text into the next video frame, once."""
        ...


class Layouts(Protocol):
    """`services/layouts.py`."""

    async def create(self, account: Account, app_id: AppId, layout: Layout) -> LayoutId:
        """Keep a new layout."""
        ...

    async def modify(
        self, account: Account, app_id: AppId, layout_id: LayoutId, change: Callable[[Layout], Layout]
    ) -> None:
        """Change a custom layout."""
        ...

    async def delete(self, account: Account, app_id: AppId, layout_id: LayoutId) -> None:
        """Forget a custom layout."""
        ...

    async def list_custom(
        self, account: Account, app_id: AppId, layout_id: LayoutId | None = None, name: str | None = None
    ) -> Sequence[Layout]:
        """The app's custom layouts, ascending by id."""
        ...

    async def resolve(self, app_id: AppId, ids: Sequence[LayoutId]) -> tuple[Layout, ...]:
        """What ids stand for."""
        ...


class Channels(Protocol):
    """`services/channels.py`."""

    def view(self, account: Account, app_id: AppId, channel_id: ChannelId) -> ChannelView:
        """Who is in a channel."""
        ...

    def channels(self, account: Account, app_id: AppId) -> Sequence[ChannelId]:
        """The app's channels that somebody is in."""
        ...

    async def remove(
        self, account: Account, app_id: AppId, channel_id: ChannelId, users: Sequence[UserId]
    ) -> list[tuple[UserId, bool]]:
        """Drop users; for each whether they were there."""
        ...

    async def close(self, account: Account, app_id: AppId, channel_id: ChannelId) -> None:
        """Drop everybody and end the channel's running tasks."""
        ...

    def whip_address(
        self, account: Account, app_id: AppId, channel_id: ChannelId, user_id: UserId, life_s: int | None = None
    ) -> str:
        """A WHIP URL with a token in it."""
        ...


class Subscriptions(Protocol):
    """`services/subscriptions.py`."""

    async def create(
        self, account: Account, app_id: AppId, callback_url: str, channels: Sequence[ChannelId] = ()
    ) -> str:
        """Subscribe; the SubId."""
        ...

    async def update(
        self, account: Account, app_id: AppId, callback_url: str | None, channels: Sequence[ChannelId] = ()
    ) -> None:
        """Change the subscription."""
        ...

    async def delete(self, account: Account, app_id: AppId) -> None:
        """Unsubscribe."""
        ...

    async def describe(self, account: Account, app_id: AppId) -> Subscription:
        """The app's subscription."""
        ...

    async def records(
        self, account: Account, app_id: AppId, since: int, until: int, page: int, size: int, sub_id: str | None = None
    ) -> tuple[int, Sequence[Delivery]]:
        """How many attempts of delivery there were, and one page of them."""
        ...


class Rates(Protocol):
    """`services/limits.py`."""

    def check(self, account_name: str, version: str, action: str) -> None:
        """Count one call.

        Raises:
            Limited: Too many.
        """
        ...


class Nonces(Protocol):
    """The part of the store that remembers nonces."""

    async def use_nonce(self, access_key_id: str, nonce: str, now: int, keep_until: int) -> bool:
        """Remember one; False if it was there already."""
        ...
