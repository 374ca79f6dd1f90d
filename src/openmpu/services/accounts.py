"""Who may call, and what is theirs: accounts with their access keys and apps.

Configuration, fixed while the server runs. A foreign app looks exactly like one that never was (security.md S10).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

from openmpu.errors import Denied, NotFound
from openmpu.model.ids import AppId


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What API calls are signed with."""

    id: str
    secret: str = field(repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True)
class App:
    """One application.

    Attributes:
        keys: Its AppKeys, newest first: two while one is being replaced (tokens.md 9).
        callback_secret: Signs callbacks; empty: they are not signed.
        role_check: Join tokens must carry a role (tokens.md 4).
    """

    app_id: AppId
    keys: tuple[str, ...] = field(repr=False)
    callback_secret: str = field(default="", repr=False)
    role_check: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """The owner of access keys and apps; rates and quotas are counted per account."""

    name: str
    access_keys: tuple[AccessKey, ...] = ()
    apps: tuple[App, ...] = ()

    def app(self, app_id: str) -> App:
        """The account's own app of that id.

        Raises:
            NotFound: It has none, whether or not somebody else has.
        """
        for app in self.apps:
            if app.app_id == app_id:
                return app
        raise NotFound("app", f"no app {app_id!r}")

    def enabled_app(self, app_id: str) -> App:
        """The same, for what begins something new.

        Raises:
            NotFound: As above.
            Denied: The app is disabled.
        """
        app = self.app(app_id)
        if not app.enabled:
            raise Denied("app", f"app {app_id!r} is disabled")
        return app


class Accounts:
    """All accounts of this server, by access key and by app."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        accounts = tuple(accounts)
        self._keys = MappingProxyType({key.id: (account, key) for account in accounts for key in account.access_keys})
        self._apps = MappingProxyType({app.app_id: app for account in accounts for app in account.apps})

    def by_access_key(self, access_key_id: str) -> tuple[Account, AccessKey] | None:
        """The key of that id, active or not, and its account."""
        return self._keys.get(access_key_id)

    def app(self, app_id: str) -> App | None:
        """The app of that id, whoever owns it: for join tokens, which name no account."""
        return self._apps.get(AppId(app_id))

    def app_of(self, account: Account, app_id: str) -> App:
        """The account's own app of that id.

        Raises:
            NotFound: It has none, whether or not somebody else has.
        """
        return account.app(app_id)
