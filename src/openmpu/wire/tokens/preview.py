"""Preview tokens, our own: they let somebody watch one task for a short time, and nothing else.

`preview.<expiry>.<proof>`: Unix seconds in decimal, and HMAC-SHA256 in hexadecimal, keyed with the AppKey, over a word
of its own, AppId, TaskId and expiry. The word keeps it apart from everything else that is made with an AppKey.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

from openmpu.model.ids import is_name, is_task_id
from openmpu.wire.tokens.checking import AppKeys
from openmpu.wire.tokens.claims import BadId, Refused

PREFIX = "preview."
LONGEST_S = 3_600
"""A preview token may expire at most so far ahead."""
_SLACK_S = 30
_FORM = re.compile(r"preview\.([0-9]{1,12})\.([0-9a-f]{64})")


def make_preview(app_id: str, key: str, task_id: str, expires_at: int) -> str:
    """A preview token; `expires_at` in Unix seconds."""
    return f"{PREFIX}{expires_at}.{_proof(key, app_id, task_id, str(expires_at))}"


def check_preview(
    token: str, app_id: str, task_id: str, app_of: Callable[[str], AppKeys | None], now_s: float | None
) -> None:
    """Whether the token opens this task.

    Args:
        token: As shown.
        app_id: Whose task.
        task_id: Which.
        app_of: The application of an AppId.
        now_s: Unix seconds; None: who began in time and goes on may show a token whose time is over.

    Raises:
        Refused: `app`, `token` or `expired`.
        BadId: An id has not the form.
    """
    if not is_name(app_id) or not is_task_id(task_id):
        raise BadId("AppId and TaskId must be of A-Z a-z 0-9 _ -")
    app = app_of(app_id)
    if app is None or not app.enabled:
        raise Refused("app", f"no app {app_id!r}")
    form = _FORM.fullmatch(token)
    if form is None:
        raise Refused("token", "the preview token has not its form")
    proofs = [_proof(key, app_id, task_id, form[1]) for key in app.keys]
    matches = [hmac.compare_digest(each, form[2]) for each in proofs]  # a list: every key is compared
    if not any(matches):
        raise Refused("token", "the preview token is not one of this task")
    if now_s is not None:
        _check_time(int(form[1]), now_s)


def _check_time(expires_at: int, now_s: float) -> None:
    if now_s >= expires_at:
        raise Refused("expired", "the preview token has expired")
    if expires_at > now_s + LONGEST_S + _SLACK_S:
        raise Refused("token", "the preview token expires too far ahead")


def _proof(key: str, app_id: str, task_id: str, expires_at: str) -> str:
    content = f"openmpu preview\n{app_id}\n{task_id}\n{expires_at}"
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()
