"""A real server on free ports with a state directory of its own, commands beside it, and the check that nothing is left.

Every process is started in the test's own directory; children inherit it, so that whatever was left behind is found,
and ended, even when it has another parent by then. (A mark in the environment would not do: a process that shows a
title has written over it.)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from openmpu.clients.call import Answer, ApiClient
from openmpu.clients.signing import Keys
from tests.rig.ports import free_port, free_udp_range

APP, APP_KEY, KEY_ID, SECRET = "rigapp", "rigappkey", "rigkey", "rigsecret"
READY_SECONDS = 40.0

_SETTINGS = """\
[server]
listen = "127.0.0.1:{port}"
{server}
[media]
udp_ports = "{udp_ports}"
{media}
[storage]
state_dir = "{state}"
[security]
allow_networks = ["127.0.0.0/8", "::1/128"]
{security}
[limits]
{limits}
[[accounts]]
name = "rig"
  [[accounts.access_keys]]
  id = "{key_id}"
  secret = "{secret}"
  [[accounts.apps]]
  id = "{app}"
  key = "{app_key}"
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran to its end."""

    status: int
    out: str
    err: str


class Program:
    """A long command that runs beside the test; its output goes to a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process, self.log = process, log

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.returncode

    @property
    def text(self) -> str:
        """What it wrote so far, both streams."""
        return self.log.read_text(errors="replace")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def wait(self, within_s: float = 15.0) -> int:
        """Its exit status.

        Raises:
            TimeoutError: It does not end.
        """
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    async def stop(self, within_s: float = 15.0) -> int:
        """SIGTERM, then its exit status; killed when it does not end in time.

        Raises:
            TimeoutError: It did not end by itself.
        """
        self.kill(signal.SIGTERM)
        try:
            return await self.wait(within_s)
        except TimeoutError:
            self.kill()
            await self._process.wait()
            raise


class Rig:
    """Settings, a server, commands. Made by `rig()`."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = directory / "openmpu.toml"
        self.state = directory / "state"
        self.server: Program | None = None
        self.environment: dict[str, str] = {}
        """For all that is started, over that of the tests."""
        self._programs: list[Program] = []
        self._tasks: set[str] = set()
        self.config.write_text(self._settings(settings))
        self.config.chmod(0o600)
        self.api = ApiClient(self.url, Keys(KEY_ID, SECRET))

    async def start_server(self) -> Program:
        """Start the server and wait until it is ready.

        Raises:
            AssertionError: It ended, or is not ready in time; with its log.
        """
        number = sum(1 for _ in self.directory.glob("server-*.log"))
        self.server = await self.start("serve", "--config", str(self.config), log=f"server-{number}.log")
        deadline = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(trust_env=False) as http:
            while not await _is_ready(http, self.url):
                assert self.server.status is None, f"the server ended:\n{self.server.text}"
                assert time.monotonic() < deadline, f"the server is not ready:\n{self.server.text}"
                await asyncio.sleep(0.05)
        return self.server

    async def start(self, *arguments: str, log: str) -> Program:
        """Start a command that goes on."""
        path = self.directory / log
        with path.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "openmpu",
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.directory,
                env=self._environment(),
                start_new_session=True,
            )
        program = Program(process, path)
        self._programs.append(program)
        return program

    async def run(self, *arguments: str, within_s: float = 60.0) -> Finished:
        """Run a command to its end.

        Raises:
            TimeoutError: It does not end in time; it is killed.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "openmpu",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.directory,
            env=self._environment(),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(within_s):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Finished(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def publisher(self, user: str, *, channel: str = "room", **options: object) -> Program:
        """`openmpu publish` for a user; options as `video="vp8"`, `size="640x360"`."""
        given = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        arguments = ["publish", "--config", str(self.config), "--channel", channel, "--user", user, *given]
        return await self.start(*arguments, log=f"publisher-{user}-{len(self._programs)}.log")

    async def call(self, action: str, **parameters: object) -> Answer:
        """A signed API call; AppId is filled in. Names with dots: `**{"LayoutIds.1": 2}`."""
        named = {"AppId": APP, **{name: str(value) for name, value in parameters.items()}}
        if action.startswith("Start"):
            self._tasks.add(named.get("TaskId", ""))
        return await self.api.call(action, named)

    async def start_task(self, task_id: str, url: str, *, channel: str = "room", **more: object) -> Answer:
        """StartMPUTask that mixes: LayoutIds 1, 2, 5, 6 and MediaEncode 20 unless told otherwise."""
        layouts = {f"LayoutIds.{place}": number for place, number in enumerate((1, 2, 5, 6), 1)}
        usual = {"ChannelId": channel, "TaskId": task_id, "MixMode": 1, "MediaEncode": 20, "StreamURL": url}
        own = {} if any(name.startswith("LayoutIds") for name in more) else layouts
        return await self.call("StartMPUTask", **{**usual, **own, **more})

    async def task(self, task_id: str) -> dict[str, Any]:
        """A task's live figures."""
        return (await self.api.task(APP, task_id)).value()

    def processes(self) -> dict[int, str]:
        """Everything that was started here and still runs: title (or command line) by process id."""
        return {process.pid: _title(process) for process in self._found()}

    def pids(self, title: str) -> list[int]:
        """The processes whose title holds a text, such as `worker rigapp/t1`."""
        return [pid for pid, name in self.processes().items() if title in name]

    async def clear(self) -> None:
        """Leave the server empty for the next test: publishers end, tasks stop, users and the subscription go.

        Raises:
            AssertionError: A worker is still there after 12 s.
        """
        guests = [program for program in self._programs if program is not self.server]
        await asyncio.gather(*(program.stop() for program in guests if program.status is None))
        for task_id in self._tasks:
            await self.call("StopMPUTask", TaskId=task_id)
        await self.call("DeleteRtcMPUEventSub")
        await self.call("DeleteChannel", ChannelId="room")  # a browser that was closed says no farewell
        self._programs, self._tasks = [self.server] if self.server else [], set()
        deadline = time.monotonic() + 12.0
        while left := self.pids("openmpu: worker "):
            assert time.monotonic() < deadline, f"still there: {left}"
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """End the programs, newest first, then the server, and see that nothing is left.

        Raises:
            AssertionError: Something is left 12 s after the server ended; it was killed.
        """
        await self.api.close()
        for program in reversed(self._programs):
            if program.status is None:
                with contextlib.suppress(TimeoutError):
                    await program.stop()
        left = await self.left_behind(within_s=12.0)
        for process in self._found():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert not left, f"left behind: {left}"

    async def left_behind(self, within_s: float) -> dict[int, str]:
        """What still runs after waiting so long for it to end; empty as soon as nothing does."""
        deadline = time.monotonic() + within_s
        while (found := self.processes()) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        return found

    def _found(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.cwd() == str(self.directory.resolve())
        except (psutil.Error, OSError):
            return False

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENMPU_")}
        return {**kept, "PYTHONUNBUFFERED": "1", **self.environment}

    def _settings(self, settings: Mapping[str, str]) -> str:
        return _SETTINGS.format(
            port=self.port,
            udp_ports=free_udp_range(),
            state=self.state,
            key_id=KEY_ID,
            secret=SECRET,
            app=APP,
            app_key=APP_KEY,
            server=settings.get("server", ""),
            media=settings.get("media", ""),
            security=settings.get("security", ""),
            limits=settings.get("limits", ""),
        )


@contextlib.asynccontextmanager
async def rig(directory: Path, *, serve: bool = True, **settings: str) -> AsyncIterator[Rig]:
    """A rig with a running server; afterwards everything is ended and nothing may be left.

    Args:
        directory: An empty one, for settings, state and logs.
        serve: False: the test starts the server itself.
        settings: More lines of TOML for the tables `server`, `media`, `security` and `limits`.
    """
    made = Rig(directory, settings)
    try:
        if serve:
            await made.start_server()
        yield made
    finally:
        await made.close()


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return ""
