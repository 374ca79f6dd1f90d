"""nginx with its RTMP module as a CDN: takes streams, records them, refuses names on request, can be killed and frozen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from tests.rig.debian import need
from tests.rig.ports import free_port

_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
_SETTINGS = """\
load_module {module};
daemon off;
master_process on;
worker_processes 1;
user {user};
error_log {directory}/error.log info;
pid {directory}/nginx.pid;
events {{ worker_connections 256; }}
rtmp {{
  server {{
    listen 127.0.0.1:{port};
    chunk_size 4096;
    application live {{ live on; record all; record_path {directory}/recorded; record_unique on; }}
    application closed {{ live on; deny publish all; }}
  }}
}}
"""


class NginxRtmp:
    """One nginx. `url("x")` takes any stream name; the application `closed` refuses all."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    def url(self, stream: str, app: str = "live") -> str:
        """Where to publish, and where to play from."""
        return f"rtmp://127.0.0.1:{self.port}/{app}/{stream}"

    @property
    def log(self) -> str:
        """What nginx says itself."""
        path = self.directory / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def recordings(self, stream: str) -> list[Path]:
        """What was recorded of a stream, one FLV for each publish, oldest first."""
        return sorted((self.directory / "recorded").glob(f"{stream}-*.flv"))

    async def start(self) -> None:
        """Start it on its port, the same after a stop.

        Raises:
            AssertionError: It does not listen; with its log.
        """
        self._write_settings()
        program = need("nginx-light", program="nginx")
        self._process = await asyncio.create_subprocess_exec(
            program,
            "-p",
            str(self.directory),
            "-c",
            str(self.directory / "nginx.conf"),
            "-e",
            str(self.directory / "error.log"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(100):
            assert self._process.returncode is None, f"nginx ended: {self.log}"
            if _listens(self.port):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"nginx does not listen: {self.log}")

    def signal(self, number: signal.Signals) -> None:
        """To all of its processes: SIGSTOP makes a server that accepts and says nothing, SIGCONT wakes it."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def stop(self, *, kill: bool = False) -> None:
        """End it, in order or by SIGKILL; `start` again afterwards is a restart."""
        if self._process:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL if kill else signal.SIGTERM)
            await self._process.wait()
            self._process = None

    def _write_settings(self) -> None:
        need("libnginx-mod-rtmp", file=_MODULE)
        recorded = self.directory / "recorded"
        recorded.mkdir(exist_ok=True)
        user = self.directory.owner()
        text = _SETTINGS.format(module=_MODULE, user=user, directory=self.directory, port=self.port)
        (self.directory / "nginx.conf").write_text(text)


@contextlib.asynccontextmanager
async def nginx_rtmp(directory: Path) -> AsyncIterator[NginxRtmp]:
    """A running nginx with the RTMP module on a free port of 127.0.0.1."""
    nginx = NginxRtmp(directory)
    await nginx.start()
    try:
        yield nginx
    finally:
        await nginx.stop()


async def play(url: str, path: Path, seconds: float) -> Path:
    """Record a stream that a server hands out, with FFmpeg as the viewer; the FLV's path.

    Raises:
        AssertionError: FFmpeg fails; with what it said.
    """
    program = need("ffmpeg", program="ffmpeg")
    command = ["-nostdin", "-loglevel", "warning", "-y", "-i", url, "-t", str(seconds), "-c", "copy", str(path)]
    process = await asyncio.create_subprocess_exec(
        program, *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(seconds + 20):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, said.decode(errors="replace")
    return path


async def probe_complaints(path: Path) -> str:
    """What `ffprobe` has to complain about in a file: empty when nothing."""
    program = need("ffmpeg", program="ffprobe")
    process = await asyncio.create_subprocess_exec(
        program, "-v", "warning", "-show_streams", "-count_packets", str(path),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    return said.decode(errors="replace")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
