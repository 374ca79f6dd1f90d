"""Who owns what, and that nothing secret is printed."""

from __future__ import annotations

import pytest

from openmpu.errors import Denied, NotFound
from openmpu.services.accounts import AccessKey, Account, Accounts, App
from tests.services.doubles import ACCOUNT, STRANGER

ACCOUNTS = Accounts([ACCOUNT, STRANGER])


def test_keys_and_apps_are_found() -> None:
    """Access keys with their account, active or not; apps whoever owns them."""
    assert ACCOUNTS.by_access_key("testid") == (ACCOUNT, ACCOUNT.access_keys[0])
    assert ACCOUNTS.by_access_key("nobody") is None
    assert ACCOUNTS.app("foreign") is STRANGER.apps[0]
    assert ACCOUNTS.app("nobody") is None


def test_foreign_and_unknown_apps_are_refused_alike() -> None:
    """Same error, same words (security.md S10)."""
    messages = set()
    for app_id in ("foreign", "nobody"):
        with pytest.raises(NotFound) as refused:
            ACCOUNTS.app_of(ACCOUNT, app_id)
        messages.add((refused.value.subject, refused.value.message.replace(app_id, "")))
    assert len(messages) == 1
    assert ACCOUNTS.app_of(ACCOUNT, "app") is ACCOUNT.apps[0]


def test_disabled_apps() -> None:
    """Found, but nothing new begins in them."""
    assert ACCOUNT.app("off").enabled is False
    with pytest.raises(Denied):
        ACCOUNT.enabled_app("off")


def test_no_secret_is_printed() -> None:
    """Neither access key secret, AppKey nor callback secret."""
    account = Account("a", (AccessKey("id", "hidden1"),), (App("app", ("hidden2",), "hidden3"),))
    assert "hidden" not in repr(account) + str(account)
