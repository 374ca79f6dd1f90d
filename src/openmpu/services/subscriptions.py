"""Where the relay events of an app go, and the log of what was sent (operations.md 7)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from openmpu.errors import Invalid, NotFound
from openmpu.model.ids import AppId, ChannelId
from openmpu.services.accounts import Account
from openmpu.services.ports import Clock, Delivery, Store, Subscription
from openmpu.services.quotas import DAY

LOGGED = 7 * DAY


def _new_sub_id() -> str:
    return f"Sub-{secrets.token_hex(16).upper()}"


class Subscriptions:
    """The subscription operations: one subscription an app.

    Args:
        store: Keeps them.
        clock: The wall clock.
        new_id: Gives a SubId never given before.
    """

    def __init__(self, store: Store, clock: Clock, new_id: Callable[[], str] = _new_sub_id) -> None:
        self._store, self._clock, self._new_id = store, clock, new_id

    async def create(
        self, account: Account, app_id: AppId, callback_url: str, channels: Sequence[ChannelId] = ()
    ) -> str:
        """Subscribe; the SubId.

        Args:
            account: Who asks.
            app_id: Whose events.
            callback_url: http or https.
            channels: Only events of tasks of these; none: of all.

        Raises:
            NotFound: `app`.
            Conflict: `subscription`/`exists`.
        """
        account.app(app_id)
        subscription = Subscription(app_id, self._new_id(), callback_url, tuple(channels), self._clock.now())
        await self._store.add_subscription(subscription)
        return subscription.sub_id

    async def update(
        self, account: Account, app_id: AppId, callback_url: str | None, channels: Sequence[ChannelId] = ()
    ) -> None:
        """Change the URL, where one is given, and the channels: none is all again.

        Raises:
            NotFound: `app`, `subscription`.
        """
        old = await self.describe(account, app_id)
        await self._store.save_subscription(
            replace(old, callback_url=callback_url or old.callback_url, channels=tuple(channels))
        )

    async def delete(self, account: Account, app_id: AppId) -> None:
        """Unsubscribe. The log stays readable.

        Raises:
            NotFound: `app`, `subscription`.
        """
        account.app(app_id)
        if not await self._store.drop_subscription(app_id):
            raise NotFound("subscription", f"app {app_id!r} has no subscription")

    async def describe(self, account: Account, app_id: AppId) -> Subscription:
        """The app's subscription.

        Raises:
            NotFound: `app`, `subscription`.
        """
        account.app(app_id)
        subscription = await self._store.subscription(app_id)
        if subscription is None:
            raise NotFound("subscription", f"app {app_id!r} has no subscription")
        return subscription

    async def records(
        self, account: Account, app_id: AppId, since: int, until: int, page: int, size: int, sub_id: str | None = None
    ) -> tuple[int, Sequence[Delivery]]:
        """How many attempts there were from `since` to `until`, and one page of them, newest first.

        Raises:
            NotFound: `app`.
            Invalid: `StartTime` is longer than 7 days ago, or `EndTime` lies before it or in the future.
        """
        account.app(app_id)
        now = self._clock.now()
        if since < now - LOGGED:
            raise Invalid("StartTime", "more than 7 days ago")
        if not since <= until <= now:
            raise Invalid("EndTime", "before StartTime or in the future")
        return await self._store.deliveries(app_id, since, until, sub_id, (page - 1) * size, size)
