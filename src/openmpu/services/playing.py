"""Who may watch what tasks make, and for how long: tokens at the WHEP door, preview tokens of our own.

A task of low-latency distribution (TaskType 1) is for everybody who may be in its channel. Any other may be watched
with a preview token only: what goes to a target is not meant for the people in the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.ids import AppId, ChannelKey, TaskId, TaskKey
from openmpu.model.reports import Publication
from openmpu.model.task import TaskState
from openmpu.services.accounts import Account, Accounts
from openmpu.services.ports import Clock, Gateways, TaskRecord
from openmpu.services.quotas import SECOND
from openmpu.wire import tokens

PREVIEW_LIFE_S = 300
DEFAULT_RULES = tokens.Rules()


class Records(Protocol):
    """`services/tasks.py`."""

    async def look_up(self, key: TaskKey) -> TaskRecord | None:
        """The task of that key, whoever owns it."""
        ...


@dataclass(frozen=True, slots=True)
class PreviewToken:
    """A token and when its time is over, in Unix seconds. Secret."""

    token: str
    expires_at: int

    def __repr__(self) -> str:
        return f"PreviewToken(expires_at={self.expires_at})"


class Playing:
    """The operations on players.

    Args:
        accounts: Whose keys open which doors.
        gateways: Where players are served.
        records: The tasks.
        clock: The wall clock.
        rules: Times of tokens.
        most: Players of one task; 0: any number.
    """

    def __init__(
        self,
        accounts: Accounts,
        gateways: Gateways,
        records: Records,
        clock: Clock,
        rules: tokens.Rules = DEFAULT_RULES,
        most: int = 0,
    ) -> None:
        self._accounts, self._gateways, self._records, self._clock = accounts, gateways, records, clock
        self._rules, self._most = rules, most

    async def admit(
        self, app_id: AppId, task_id: TaskId, credentials: Mapping[str, str], *, goes_on: bool = False
    ) -> TaskRecord | None:
        """Check that the bearer may watch that task; the task, None where there is none for a good token.

        Args:
            app_id: From the path, as `task_id`.
            task_id: See there.
            credentials: The query's values, with `token` from the header where one came.
            goes_on: A session that was begun in time is spoken of: a preview token's time may be over.

        Raises:
            Denied: `app`, `token`, `expired` or `privilege`.
            Invalid: `id`.
        """
        key = TaskKey(app_id, task_id)
        token, now_s = credentials.get("token", ""), self._clock.now() / SECOND
        if token.startswith(tokens.PREVIEW):
            tokens.check_preview(token, app_id, task_id, self._accounts.app, None if goes_on else now_s)
            return await self._records.look_up(key)
        record = await self._records.look_up(key)
        shown = tokens.shown_at_whep(app_id, record.spec.channel_id if record else None, credentials)
        tokens.check(shown, self._accounts.app, now_s, self._rules)
        if record and not record.spec.playback:
            raise tokens.Refused("privilege", "this task is watched with a preview token")
        return record

    async def play(self, record: TaskRecord | None, offer: str) -> Publication:
        """Answer a player's offer; whether they may is asked before (`admit`).

        Raises:
            NotFound: `task`: there is none, or it is over.
            Conflict: `task`/`not_live`: there is nothing to be seen yet.
            Invalid: The SDP cannot be read, or would receive nothing.
            Unsupported: `codec`: it does not take what the task makes.
            Limited: `players`.
            Busy: No gateway is there.
        """
        if record is None or record.state.final:
            raise NotFound("task", "no such task, or it is over")
        spec = record.spec
        if record.state is TaskState.WAITING:
            raise Conflict("task", "not_live", f"task {spec.task_id} waits for its channel")
        try:
            return await self._gateways.play(ChannelKey(spec.app_id, spec.channel_id), spec.key, offer, self._most)
        except NotFound:
            raise Conflict("task", "not_live", f"task {spec.task_id} sends nothing yet") from None

    async def trickle(self, key: TaskKey, resource: str, fragment: str, etag: str | None) -> Publication:
        """Take an SDP fragment of a player of the task.

        Raises:
            NotFound: No such session.
            Invalid: `etag`: not the present one.
        """
        return await self._gateways.trickle(resource, fragment, etag, key)

    async def end(self, key: TaskKey, resource: str) -> None:
        """End the session of a player of the task.

        Raises:
            NotFound: No such session.
        """
        await self._gateways.unpublish(resource, key)

    def preview_token(self, account: Account, record: TaskRecord, life_s: int = PREVIEW_LIFE_S) -> PreviewToken:
        """A token to watch an unfinished task with, for new sessions within `life_s` seconds.

        Raises:
            NotFound: `app`; `task`: it is over.
            Denied: `app`: it is disabled.
            Invalid: `ExpireTime`.
        """
        spec = record.spec
        app = account.enabled_app(spec.app_id)
        if record.state.final:
            raise NotFound("task", f"task {spec.task_id} is over")
        if not 1 <= life_s <= tokens.LONGEST_PREVIEW_S:
            raise Invalid("ExpireTime", f"must be 1 to {tokens.LONGEST_PREVIEW_S} seconds")
        expires_at = self._clock.now() // SECOND + life_s
        return PreviewToken(tokens.make_preview(spec.app_id, app.keys[0], spec.task_id, expires_at), expires_at)
