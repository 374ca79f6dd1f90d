"""Limits of the system that hold for every process of ours, because children inherit them."""

from __future__ import annotations

import contextlib
import resource


def limit_process() -> None:
    """No core dumps, which would hold keys; as many open files as we may have, since each client and worker takes some.

    Called by the server before it starts anybody.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for kind, bounds in ((resource.RLIMIT_CORE, (0, 0)), (resource.RLIMIT_NOFILE, (most, most))):
        with contextlib.suppress(ValueError, OSError):  # the system is stricter still
            resource.setrlimit(kind, bounds)
