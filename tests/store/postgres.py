"""A PostgreSQL server of our own for the tests: Debian's, on a Unix socket, without a port."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
USER = "postgres"


def why_not() -> str | None:
    """The reason why there can be none here."""
    if not (BIN / "postgres").exists():
        return f"no PostgreSQL in {BIN} (Debian package postgresql-15)"
    if os.geteuid() == 0 and USER not in {entry.pw_name for entry in pwd.getpwall()}:
        return "root may not run PostgreSQL, and there is no user postgres"
    return None


@contextlib.contextmanager
def running_server() -> Iterator[str]:
    """The directory of its socket; superuser `postgres` needs no password there."""
    folder = Path(tempfile.mkdtemp(prefix="openmpu-pg-"))
    run_as = {"user": USER, "group": pwd.getpwnam(USER).pw_gid} if os.geteuid() == 0 else {}
    if run_as:
        shutil.chown(folder, USER)
    try:
        initdb = [BIN / "initdb", "-D", folder / "data", "-U", USER, "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **run_as)
        command = [BIN / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **run_as)
        try:
            _wait_until_ready(server, folder)
            yield str(folder)
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: the data is thrown away
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run([BIN / "pg_isready", "-q", "-h", folder, "-U", USER], check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.05)
