"""TLS for RTMPS: names and certificates are always checked (security.md S4); there is no option to turn that off."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=8)
def context(ca_file: Path | None) -> ssl.SSLContext:
    """The client's settings: TLS 1.2 or later, the system's certificates and those of `ca_file`. Shared, never changed.

    Raises:
        OSError: `ca_file` cannot be read or holds no certificate (ssl.SSLError is one).
    """
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        made.load_verify_locations(cafile=ca_file)
    return made
