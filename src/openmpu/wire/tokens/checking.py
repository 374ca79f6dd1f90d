"""Which format a token has, and whether it opens the door (tokens.md 2, 3, 4, 6.3)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from openmpu.model.ids import AppId, ChannelId, UserId, is_name
from openmpu.wire.tokens.claims import BadId, Claims, Refused
from openmpu.wire.tokens.plain import HASH, PlainToken, read_one_string
from openmpu.wire.tokens.sealed import PREFIX, SealedToken, read_sealed
from openmpu.wire.tokens.shown import MAX_TEXT, Shown

ANY = "*"
PUBLISHER = "pub"
ROLES = (PUBLISHER, "sub")
_URL_SAFE = str.maketrans("-_ ", "+/+")
"""URL-safe Base64 is taken too; a blank was a plus sign that somebody put into a query as it was."""


class AppKeys(Protocol):
    """What must be known of an application."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Its AppKeys: two while one is being replaced (tokens.md 9)."""
        ...

    @property
    def role_check(self) -> bool:
        """Whether format A tokens must carry a role (tokens.md 4)."""
        ...

    @property
    def enabled(self) -> bool:
        """Whether it takes anybody."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """Times, in seconds."""

    plain_ahead_s: int = 7 * 86_400
    """A format A or B token may expire at most so far ahead."""
    plain_grace_s: int = 30
    sealed_life_s: int = 86_400
    """From issue to expiry of a format C token."""
    sealed_ahead_s: int = 300
    """How far ahead the clock of whoever issued it may be."""


def check(shown: Shown, app_of: Callable[[str], AppKeys | None], now_s: float, rules: Rules = Rules()) -> Claims:
    """What the token allows.

    Args:
        shown: What the client showed.
        app_of: The application of an AppId.
        now_s: Unix seconds.
        rules: Times.

    Raises:
        Refused: `app`, `token`, `expired` or `privilege`.
        BadId: An id has not the form.
    """
    if len(shown.token) > MAX_TEXT or not shown.token:
        raise Refused("token", "no token, or one that is too long")
    if shown.contradicts:
        raise Refused("token", "path and query contradict each other")
    if HASH.fullmatch(shown.token):
        return _check_plain(_beside(shown), app_of, now_s, rules)
    if shown.token.startswith(PREFIX):
        return _check_sealed(read_sealed(_decode(shown.token[len(PREFIX) :])), shown, app_of, now_s, rules)
    plain = read_one_string(_decode(shown.token))
    _check_same(shown, plain.app_id, plain.channel_id, plain.user_id)
    return _check_plain(replace(plain, role=plain.role or shown.role), app_of, now_s, rules)


def _beside(shown: Shown) -> PlainToken:
    return PlainToken(
        shown.app_id, shown.channel_id, shown.user_id, shown.nonce, shown.timestamp, shown.token, shown.role or None
    )


def _decode(text: str) -> bytes:
    text = text.translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("token", "the token is not Base64") from None


def _check_same(shown: Shown, app_id: str | None, channel_id: str | None, user_id: str | None) -> None:
    """Path and query may repeat what the token says; a contradiction is refused (tokens.md 7)."""
    for claimed, said in ((shown.app_id, app_id), (shown.channel_id, channel_id), (shown.user_id, user_id)):
        if claimed and claimed != said:
            raise Refused("token", "the URL contradicts the token")


def _app(app_id: str, app_of: Callable[[str], AppKeys | None]) -> AppKeys:
    app = app_of(app_id)
    if app is None or not app.enabled:
        raise Refused("app", f"no app {app_id!r}")
    return app


def _ids(app_id: str | None, channel_id: str | None, user_id: str | None) -> tuple[AppId, ChannelId, UserId]:
    for name, value in (("AppId", app_id), ("ChannelId", channel_id), ("UserId", user_id)):
        if not value or not is_name(value):
            raise BadId(f"{name} must be 1 to 64 of A-Z a-z 0-9 _ -")
    return AppId(app_id or ""), ChannelId(channel_id or ""), UserId(user_id or "")


def _check_plain(token: PlainToken, app_of: Callable[[str], AppKeys | None], now_s: float, rules: Rules) -> Claims:
    ids = _ids(token.app_id, token.channel_id, token.user_id)
    token.check_form()
    app = _app(ids[0], app_of)
    if app.role_check and token.role not in ROLES:
        raise Refused("privilege", "the app wants tokens with a role")
    if not token.is_made_with(app.keys, with_role=app.role_check):
        raise Refused("token", "the hash is not the one of these values")
    expires_at = int(token.timestamp)
    if now_s > expires_at + rules.plain_grace_s:
        raise Refused("expired", "the token has expired")
    if expires_at > now_s + rules.plain_ahead_s:
        raise Refused("token", "the token expires too far ahead")
    return Claims(*ids, expires_at, publisher=not app.role_check or token.role == PUBLISHER)


def _check_sealed(
    token: SealedToken, shown: Shown, app_of: Callable[[str], AppKeys | None], now_s: float, rules: Rules
) -> Claims:
    app = _app(token.app_id, app_of)
    if not token.is_made_with(app.keys):
        raise Refused("token", "the signature is not the one of this content")
    channel_id = shown.channel_id if token.channel_id == ANY else token.channel_id
    user_id = shown.user_id if token.user_id == ANY else token.user_id
    _check_same(shown, token.app_id, channel_id, user_id)
    ids = _ids(token.app_id, channel_id, user_id)
    _check_times(token, now_s, rules)
    return Claims(*ids, token.expires_at, token.privileges)


def _check_times(token: SealedToken, now_s: float, rules: Rules) -> None:
    if now_s >= token.expires_at:
        raise Refused("expired", "the token has expired")
    if token.expires_at - token.issued_at > rules.sealed_life_s:
        raise Refused("token", "the token lives too long")
    if token.issued_at > now_s + rules.sealed_ahead_s:
        raise Refused("token", "the token was issued in the future")
