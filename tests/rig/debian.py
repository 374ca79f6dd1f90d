"""Programs from Debian packages that tests need as peers: installed when that is allowed, else the test is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def need(package: str, *, program: str = "", file: str = "") -> str:
    """The path of a program (or of a file) that a package brings; installs the package when it is missing.

    With `CI=true` in the environment nothing is skipped: the test fails instead.
    """
    found = _find(program, file)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, check=False, capture_output=True, timeout=600, env=environment)
        found = _find(program, file)
    if found is None:
        missing = f"needs {program or file} of the Debian package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def _find(program: str, file: str) -> str | None:
    if program:
        return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return file if Path(file).exists() else None
