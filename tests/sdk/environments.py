"""The environments of the foreign clients, made when missing: the older Python SDKs and the Node packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(__file__).parent / "node"
OLD = ROOT / ".venv-sdk-old"
OLD_LOCK = ROOT / "requirements" / "sdk-old.lock"


@contextmanager
def _alone() -> Iterator[None]:
    """One test run at a time makes an environment."""
    place = Path(tempfile.gettempdir()) / f"openmpu-clients-{os.getuid()}.lock"
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def old_python() -> Path:
    """The interpreter of the older SDKs' environment."""
    python, ready = OLD / "bin" / "python", OLD / ".ready"
    with _alone():
        if not (ready.exists() and ready.stat().st_mtime >= OLD_LOCK.stat().st_mtime):
            _run([sys.executable, "-m", "venv", "--clear", str(OLD)])
            _run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(OLD_LOCK)])
            ready.touch()
    return python


def node() -> Path | None:
    """The folder of the Node clients with their packages; None where there is no Node."""
    if not shutil.which("node") or not shutil.which("npm"):
        return None
    modules = NODE / "node_modules" / ".package-lock.json"
    with _alone():
        if not modules.exists():
            _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], NODE)
    return NODE


def _run(command: list[str], folder: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
