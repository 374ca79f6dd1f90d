"""Formats A, A+ and B: a hash over the plain parts, alone or inside Base64 JSON (tokens.md 3 to 5)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from openmpu.wire.tokens.claims import Refused

HASH = re.compile(r"[0-9a-f]{64}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{0,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class PlainToken:
    """The six values of format A, and the role of A+ where one came along; None: not given."""

    app_id: str | None
    channel_id: str | None
    user_id: str | None
    nonce: str
    timestamp: str
    token: str = field(repr=False)
    role: str | None = None

    def check_form(self) -> None:
        """The parts run together without separators, so each must have its own syntax (tokens.md 3).

        Raises:
            Refused: `token`.
        """
        good = HASH.fullmatch(self.token) and _NONCE.fullmatch(self.nonce) and _TIMESTAMP.fullmatch(self.timestamp)
        if not good:
            raise Refused("token", "a plain token's nonce, timestamp or hash has not its form")

    def is_made_with(self, keys: Iterable[str], *, with_role: bool) -> bool:
        """Whether one of the AppKeys gives this hash, compared in constant time."""
        role = self.role or "" if with_role else ""
        ids = (self.app_id or "", self.channel_id or "", self.user_id or "")
        hashes = [_hash(ids, key, self.nonce, self.timestamp, role) for key in keys]
        matches = [hmac.compare_digest(each, self.token) for each in hashes]  # a list: every key is compared
        return any(matches)


def _hash(ids: tuple[str, str, str], key: str, nonce: str, timestamp: str, role: str) -> str:
    app_id, channel_id, user_id = ids
    return hashlib.sha256(f"{app_id}{key}{channel_id}{user_id}{nonce}{timestamp}{role}".encode()).hexdigest()


def make_plain(
    app_id: str, key: str, channel_id: str, user_id: str, expires_at: int, nonce: str = "", role: str = ""
) -> str:
    """A format A token, or A+ with a role (`pub`, `sub`); `expires_at` in Unix seconds."""
    return _hash((app_id, channel_id, user_id), key, nonce, str(expires_at), role)


def make_one_string(app_id: str, key: str, channel_id: str, user_id: str, expires_at: int, nonce: str = "") -> str:
    """A format B token; `expires_at` in Unix seconds."""
    content = {
        "appid": app_id,
        "channelid": channel_id,
        "userid": user_id,
        "nonce": nonce,
        "timestamp": expires_at,
        "token": make_plain(app_id, key, channel_id, user_id, expires_at, nonce),
    }
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def read_one_string(content: bytes) -> PlainToken:
    """The parts of a format B token, out of its decoded Base64; keys that we do not know are ignored.

    Raises:
        Refused: `token`: it is not a JSON object of that kind.
    """
    try:
        values: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise Refused("token", "the token is not JSON") from None
    if not isinstance(values, dict):
        raise Refused("token", "the token is not a JSON object")
    role = _text(values, "role")
    return PlainToken(
        _text(values, "appid") or None,
        _text(values, "channelid") or None,
        _text(values, "userid") or None,
        _text(values, "nonce"),
        _number(values, "timestamp"),
        _text(values, "token"),
        role or None,
    )


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name, "")
    if not isinstance(value, str):
        raise Refused("token", f"{name} is not text")
    return value


def _number(values: dict[str, Any], name: str) -> str:
    """As text: a number or its digits (tokens.md 5)."""
    value = values.get(name)
    if isinstance(value, str):
        return value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**12:
        raise Refused("token", f"{name} is not a number of seconds")
    return str(value)
