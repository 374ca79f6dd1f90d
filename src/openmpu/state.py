"""The state directory: one server at a time, mode 0700; database, first keys, sockets, ledger of children."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from openmpu.errors import Invalid

LONGEST_SOCKET_PATH = 90
"""Characters: the kernel takes 107 (unix(7)); the names of the sockets need some."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Where one server keeps what must outlive it.

    Attributes:
        run: For sockets; elsewhere if `root` is too long for them, but the same after every restart.
    """

    root: Path
    run: Path
    lock: IO[str]

    @property
    def control_socket(self) -> Path:
        """Where children dial the server."""
        return self.run / "control.sock"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "openmpu.db"

    @property
    def pictures(self) -> Path:
        """Pictures by URL that tasks share; may be emptied at any time."""
        return self.root / "pictures"

    def children(self, kind: str) -> Path:
        """Ledger of the child processes of one kind."""
        return self.root / "children" / kind


def open_state(root: Path) -> StateDirectory:
    """Make the directory if need be and take it for this process.

    Raises:
        Invalid: It cannot be written, or another server has it.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (root / "server.lock").open("w", encoding="ascii")
    except OSError as error:
        raise Invalid("state_dir", f"{root}: {error.strerror or error}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Invalid("state_dir", f"{root}: another openmpu server uses it") from None
    return StateDirectory(root, _run_directory(root), lock)


def _run_directory(root: Path) -> Path:
    run = root.resolve() / "run"
    if len(str(run)) > LONGEST_SOCKET_PATH:
        name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
        run = Path(tempfile.gettempdir()) / f"openmpu-{os.getuid()}-{name}"
    run.mkdir(mode=0o700, exist_ok=True)
    found = run.lstat()
    if run.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Invalid("state_dir", f"{run} belongs to somebody else or is open to others")
    return run
