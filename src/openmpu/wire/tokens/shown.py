"""What a client showed, and where: in a WHIP request, in an RTMP name, as user and password (tokens.md 7 and 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

MAX_TEXT = 8192
"""Characters: more is no token of ours."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token with whatever stood beside it, unchecked; None: not given.

    Attributes:
        token: Of any format.
        role: Of format A+.
    """

    token: str = field(repr=False)
    app_id: str | None = None
    channel_id: str | None = None
    user_id: str | None = None
    nonce: str = ""
    timestamp: str = ""
    role: str | None = None
    contradicts: bool = False
    """Path and query name different applications, channels or users."""


def shown_at_whip(
    app_id: str, channel_id: str, user_id: str, query: Mapping[str, str], authorization: str | None = None
) -> Shown:
    """A WHIP request `/whip/{AppId}/{ChannelId}/{UserId}`: `Authorization: Bearer`, or the query.

    Args:
        app_id: From the path, as `channel_id` and `user_id`.
        channel_id: See there.
        user_id: See there.
        query: Decoded.
        authorization: The header; it wins over `?token=`.
    """
    scheme, _, bearer = (authorization or "").strip().partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else query.get("token", "")
    return _shown(token, query, app_id, channel_id, user_id)


def shown_at_whep(app_id: str, channel_id: str | None, query: Mapping[str, str]) -> Shown:
    """A WHEP request `/whep/{AppId}/{TaskId}`, with the channel of that task; who it is, the token or the query says.

    Args:
        app_id: From the path.
        channel_id: Of the task; None: there is no such task.
        query: Decoded, with `token` from the header where one came.
    """
    return _shown(query.get("token", ""), query, app_id, channel_id, None)


def shown_at_rtmp(app: str, stream: str) -> Shown:
    """An RTMP publish: `rtmp://host/<AppId>/<ChannelId>?userid=...&token=...`, as connect and publish carry it."""
    channel_id, _, query = stream.partition("?")
    values = _query(query)
    return _shown(values.get("token", ""), values, app, channel_id, None)


def shown_at_login(user: str, password: str) -> Shown:
    """User `<userid>?appid=...&channel=...&nonce=...&timestamp=...` and the token as password (tokens.md 4.1)."""
    user_id, _, query = user.partition("?")
    values = _query(query)
    return _shown(password, values, None, values.get("channel"), user_id)


def _query(text: str) -> dict[str, str]:
    if len(text) > MAX_TEXT:
        return {}
    return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=64)) if text.count("&") < 64 else {}


def _shown(
    token: str, query: Mapping[str, str], app_id: str | None, channel_id: str | None, user_id: str | None
) -> Shown:
    given = (("appid", app_id), ("channelid", channel_id), ("userid", user_id))
    app_id, channel_id, user_id = (value or query.get(name) or None for name, value in given)
    return Shown(
        token[: MAX_TEXT + 1],
        app_id,
        channel_id,
        user_id,
        query.get("nonce", ""),
        query.get("timestamp", ""),
        query.get("role"),
        contradicts=any(value and query.get(name, value) not in ("", value) for name, value in given),
    )
