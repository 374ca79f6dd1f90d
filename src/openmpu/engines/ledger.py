"""Which child processes exist, on disk: what a new server must wait for or end after the old one was killed.

One small file a process, named by its pid. A pid may have been given to somebody else since: the process must also
carry our title.
"""

from __future__ import annotations

import json
from pathlib import Path

from openmpu.engines.pids import alive

TITLE = "openmpu: "


class Ledger:
    """The children of this state directory.

    Args:
        directory: Made when missing, mode 0700.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def note(self, pid: int, name: str, lease: int = 0) -> None:
        """A child was born."""
        (self._directory / str(pid)).write_text(json.dumps({"name": name, "lease": lease}), encoding="utf-8")

    def forget(self, pid: int) -> None:
        """It ended."""
        (self._directory / str(pid)).unlink(missing_ok=True)

    def living(self) -> list[int]:
        """Pids of children that exist; files of the others are removed."""
        found = [int(path.name) for path in self._directory.iterdir() if path.name.isdigit()]
        living = [pid for pid in found if alive(pid) and _is_ours(pid)]
        for pid in set(found) - set(living):
            self.forget(pid)
        return living


def _is_ours(pid: int) -> bool:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return title.startswith(TITLE.encode()) or b"openmpu" in title
