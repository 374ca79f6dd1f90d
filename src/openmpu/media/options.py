"""What a worker process is given when it is forked; everything else comes over the control socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_GRACE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Who this worker is and where its server listens.

    Attributes:
        control_path: The server's control socket (Unix).
        lease: Number of this start of the task; a server tells a worker with an old one to stop.
        grace_s: How long to go on without a server.
        fonts_dir: Further fonts; empty: only those of the system and of the package.
        time_zone: IANA name, for clocks on the picture.
        allow_networks: Private networks that pictures and targets may be in, as CIDR.
        cache_dir: Where tasks share pictures that were fetched; empty: each fetches its own.
        ca_file: Certificates to trust for RTMPS and pictures; empty: the system's.
        log_json: JSON lines; None: unless standard error is a terminal.
        push_attempts: A target is given up after so many failures in a row; 0: never.
        push_attempts_s: They must also have taken so long.
        push_refusals: A target is given up after so many refusals in a row; 0: never.
        auto_relay: Relay mixes of one publisher who is alone, where the task says nothing of it.
    """

    control_path: str
    app_id: str
    task_id: str
    lease: int = 0
    grace_s: float = DEFAULT_GRACE_S
    fonts_dir: str = ""
    time_zone: str = "UTC"
    allow_networks: tuple[str, ...] = ()
    cache_dir: str = ""
    ca_file: str = ""
    log_json: bool | None = None
    push_attempts: int = 10
    push_attempts_s: float = 60.0
    push_refusals: int = 3
    auto_relay: bool = False
