"""The environment that finds people, made when missing from `requirements/segmentation.lock`; ours has a newer NumPy."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLACE = ROOT / ".venv-segmentation"
LOCK = ROOT / "requirements" / "segmentation.lock"
WITHIN_S = 300


def segmentation_python() -> str:
    """The interpreter with MediaPipe; one test run at a time makes its environment."""
    python, ready = PLACE / "bin" / "python", PLACE / ".ready"
    with (Path(tempfile.gettempdir()) / f"openmpu-segmentation-{os.getuid()}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not (ready.exists() and ready.stat().st_mtime >= LOCK.stat().st_mtime):
            _run([sys.executable, "-m", "venv", "--clear", str(PLACE)])
            _run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(LOCK)])
            ready.touch()
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
