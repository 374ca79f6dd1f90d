"""Channels: who may come in, who is there, who must go (tokens.md 7 and 8, operations.md 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlencode

from openmpu.errors import Invalid, Limited
from openmpu.model.ids import AppId, ChannelId, ChannelKey, UserId
from openmpu.model.reports import Publication
from openmpu.model.roster import Kind, Roster, Source, User
from openmpu.services.accounts import Account, Accounts
from openmpu.services.ports import Clock, Gateways
from openmpu.services.quotas import SECOND
from openmpu.wire import tokens
from openmpu.wire.whip.offers import read_offer

LINGERS = 5 * SECOND
"""A channel still "exists" for some seconds after everybody left (operations.md 10.1)."""
MAX_LINGERING = 10_000
DEFAULT_ADDRESS_LIFE_S = 43_200
DEFAULT_RULES = tokens.Rules()
_KINDS = {kind.value: kind for kind in Kind}


class ChannelClosed(Protocol):
    """Whose tasks end with their channel."""

    async def on_channel_closed(self, channel: ChannelKey) -> None:
        """DeleteChannel was called."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel at one moment.

    Attributes:
        exists: Somebody is there, or was a few seconds ago.
        users: In order of joining.
        at: Nanoseconds of Unix time.
    """

    exists: bool
    users: tuple[User, ...]
    at: int


class Channels:
    """The operations on channels.

    Args:
        accounts: Whose keys open which doors.
        gateways: Where people come in.
        tasks: Hears of closed channels.
        clock: The wall clock.
        base_url: What clients reach this server by, without a slash at its end.
        rules: Times of tokens.
        most_users: Of one channel; 0: any number (operations.md 2.5).
    """

    def __init__(
        self,
        accounts: Accounts,
        gateways: Gateways,
        tasks: ChannelClosed,
        clock: Clock,
        base_url: str,
        rules: tokens.Rules = DEFAULT_RULES,
        most_users: int = 0,
    ) -> None:
        self._accounts, self._gateways, self._tasks, self._clock = accounts, gateways, tasks, clock
        self._base_url, self._rules, self._most_users = base_url, rules, most_users
        self._emptied: dict[ChannelKey, int] = {}

    # Coming in

    def admit(self, app_id: AppId, channel_id: ChannelId, user_id: UserId, credentials: Mapping[str, str]) -> None:
        """Check that the bearer of these credentials may publish as that user.

        Raises:
            Denied: `app`, `token`, `expired` or `privilege`.
            Invalid: `id`.
        """
        self.claims(app_id, channel_id, user_id, credentials)

    def claims(
        self, app_id: AppId, channel_id: ChannelId, user_id: UserId, credentials: Mapping[str, str]
    ) -> tokens.Claims:
        """What the bearer of these credentials may do as that user.

        Args:
            app_id: From the path, as `channel_id` and `user_id`.
            channel_id: See there.
            user_id: See there.
            credentials: The query's values, with `token` from the header where one came.

        Raises:
            Denied: `app`, `token`, `expired` or `privilege`.
            Invalid: `id`.
        """
        shown = tokens.shown_at_whip(app_id, channel_id, user_id, credentials)
        claims = tokens.check(shown, self._accounts.app, self._clock.now() / SECOND, self._rules)
        if not claims.publisher:
            raise tokens.Refused("privilege", "publishing needs the role pub")
        return claims

    async def publish(
        self,
        app_id: AppId,
        channel_id: ChannelId,
        user_id: UserId,
        source: Source,
        offer: str,
        claims: tokens.Claims | None = None,
    ) -> Publication:
        """Answer a WHIP offer.

        Args:
            app_id: Where, as `channel_id`.
            channel_id: See there.
            user_id: Who.
            source: Which of the user's.
            offer: SDP.
            claims: What the token allows; None: everything.

        Raises:
            Denied: `privilege`: the offer sends what the token does not allow.
            Invalid: The SDP cannot be read or offers nothing that we take.
            Limited: `users`: the channel is full.
            Busy: No gateway is there.
        """
        self._check_room(ChannelKey(app_id, channel_id), user_id)
        if claims and claims.privileges != tokens.ALL:
            _check_kinds(claims, source, offer)
        return await self._gateways.publish(ChannelKey(app_id, channel_id), user_id, source, offer)

    def _check_room(self, channel: ChannelKey, user_id: UserId) -> None:
        names = {user.user_id for user in self._gateways.roster(channel).users}
        if self._most_users and user_id not in names and len(names) >= self._most_users:
            raise Limited("users", f"{self._most_users} users are in {channel} already")

    async def trickle(self, resource: str, fragment: str, etag: str | None) -> Publication:
        """Take an SDP fragment of a publication.

        Raises:
            NotFound: No such publication.
            Conflict: The ETag is not the present one.
        """
        return await self._gateways.trickle(resource, fragment, etag)

    async def unpublish(self, resource: str) -> None:
        """End a publication.

        Raises:
            NotFound: No such publication.
        """
        await self._gateways.unpublish(resource)

    def whip_address(
        self, account: Account, app_id: AppId, channel_id: ChannelId, user_id: UserId, life_s: int | None = None
    ) -> str:
        """A WHIP URL with a token in its query, good for new connections for `life_s` seconds (operations.md 10.7).

        Raises:
            NotFound: `app`.
            Denied: `app`: it is disabled.
            Invalid: `ExpireTime`: longer than this server takes tokens for.
        """
        app = account.enabled_app(app_id)
        life_s = DEFAULT_ADDRESS_LIFE_S if life_s is None else life_s
        if not 1 <= life_s <= self._rules.plain_ahead_s:
            raise Invalid("ExpireTime", f"must be 1 to {self._rules.plain_ahead_s} seconds")
        expires_at = self._clock.now() // SECOND + life_s
        token = tokens.make_one_string(app_id, app.keys[0], channel_id, user_id, expires_at)
        path = "/".join(quote(part, safe="") for part in (app_id, channel_id, user_id))
        return f"{self._base_url}/whip/{path}?{urlencode({'token': token})}"

    # Who is there

    async def on_roster(self, channel: ChannelKey, roster: Roster) -> None:
        """Somebody came or went: an emptied channel lingers."""
        self._emptied.pop(channel, None)
        if roster.users:
            return
        now = self._clock.now()
        if len(self._emptied) >= MAX_LINGERING:
            self._emptied = {key: at for key, at in self._emptied.items() if now - at < LINGERS}
        if len(self._emptied) < MAX_LINGERING:
            self._emptied[channel] = now

    def view(self, account: Account, app_id: AppId, channel_id: ChannelId) -> ChannelView:
        """Who is in the channel; one that does not exist has nobody.

        Raises:
            NotFound: `app`.
        """
        account.app(app_id)
        channel, now = ChannelKey(app_id, channel_id), self._clock.now()
        users = self._gateways.roster(channel).users
        emptied_at = self._emptied.get(channel)
        lingers = emptied_at is not None and now - emptied_at < LINGERS
        return ChannelView(bool(users) or lingers, users, now)

    def channels(self, account: Account, app_id: AppId) -> Sequence[ChannelId]:
        """The app's channels that somebody is in, by name.

        Raises:
            NotFound: `app`.
        """
        account.app(app_id)
        return sorted(self._gateways.channels(app_id))

    # Who must go

    async def remove(
        self, account: Account, app_id: AppId, channel_id: ChannelId, users: Sequence[UserId]
    ) -> list[tuple[UserId, bool]]:
        """Drop users; for each whether they were there. They may come again with a valid token.

        Raises:
            NotFound: `app`.
            Busy: The channel's gateway does not answer.
        """
        account.app(app_id)
        channel = ChannelKey(app_id, channel_id)
        return [(user_id, await self._gateways.remove_user(channel, user_id)) for user_id in users]

    async def close(self, account: Account, app_id: AppId, channel_id: ChannelId) -> None:
        """End the channel's running tasks and drop everybody (operations.md 10.6).

        Raises:
            NotFound: `app`.
            Busy: The channel's gateway does not answer.
        """
        account.app(app_id)
        channel = ChannelKey(app_id, channel_id)
        await self._tasks.on_channel_closed(channel)
        await self._gateways.close_channel(channel)


def _check_kinds(claims: tokens.Claims, source: Source, offer: str) -> None:
    for section in read_offer(offer).sections:
        kind = _KINDS.get(section.kind)
        if kind and section.sends and not claims.may_publish(source, kind):
            raise tokens.Refused("privilege", f"the token does not allow {kind.value} of the {source.value}")
