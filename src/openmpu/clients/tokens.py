"""A join token as an application server makes it (tokens.md 5): format B, one string, signed with the AppKey."""

from __future__ import annotations

import base64
import hashlib
import json


def join_token(app_id: str, app_key: str, channel_id: str, user_id: str, expires_at: int) -> str:
    """The token for one user in one channel until `expires_at` (Unix seconds; at most 7 days ahead, tokens.md 3)."""
    plain = f"{app_id}{app_key}{channel_id}{user_id}{expires_at}"
    claims = {
        "appid": app_id,
        "channelid": channel_id,
        "userid": user_id,
        "nonce": "",
        "timestamp": expires_at,
        "token": hashlib.sha256(plain.encode()).hexdigest(),
    }
    return base64.b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode()
