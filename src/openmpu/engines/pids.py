"""Other processes by their pid, as the kernel shows them (proc(5))."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def state(pid: int) -> str:
    """The kernel's letter for the process (R, S, D, T, Z, ...); empty: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def alive(pid: int) -> bool:
    """Whether the process runs or could; one that ended and was not reaped (a container without init) does not."""
    return state(pid) not in {"", "Z", "X"}


def is_stopped(pid: int) -> bool:
    """Whether it is held by SIGSTOP or a debugger."""
    return state(pid) in {"T", "t"}


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; no error if it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
