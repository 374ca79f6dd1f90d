"""The first start without any settings: an account, an access key and an app, kept in the state directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from openmpu.config import FILE_NAME

_TEMPLATE = """\
# Made by the first start of openmpu. Keep it secret: who has these keys may use this server.
# The manual lists every setting: docs/settings.md

[server]
listen = "127.0.0.1:8080"

# [security]
# allow_networks = ["127.0.0.0/8"]   # private networks that streams, pictures and callbacks may go to

[[accounts]]
name = "default"

  [[accounts.access_keys]]
  id = "{key_id}"
  secret = "{key_secret}"

  [[accounts.apps]]
  id = "{app_id}"
  key = "{app_key}"
"""


def write_first_settings(state_dir: Path) -> Path:
    """Write settings with new keys, readable by the owner alone; where they are."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_dir / FILE_NAME
    text = _TEMPLATE.format(
        key_id="LTAI" + secrets.token_hex(8),
        key_secret=secrets.token_urlsafe(24),
        app_id="app-" + secrets.token_hex(4),
        app_key=secrets.token_hex(16),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
        file.write(text)
    return path
