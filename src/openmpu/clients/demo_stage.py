"""The demo's programs: a server of its own with fresh keys on a free port, and publishers that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from openmpu.clients.call import ApiClient
from openmpu.clients.demo_story import Actor
from openmpu.clients.programs import Program
from openmpu.clients.signing import Keys
from openmpu.errors import Busy, OpenMpuError

CHANNEL = "demo"
_APP, _TASK = "demo", "demo"
_START_SECONDS = 40.0

_SETTINGS = """\
[server]
listen = "127.0.0.1:{port}"
[storage]
state_dir = "{state}"
[security]
allow_networks = ["127.0.0.0/8"]
[[accounts]]
name = "demo"
  [[accounts.access_keys]]
  id = "demo"
  secret = "{secret}"
  [[accounts.apps]]
  id = "demo"
  key = "{key}"
"""


class Stage:
    """Server and publishers. What is started is pushed on `stack`, which ends it.

    Attributes:
        url: Of the server.
        told: The latest figures of each publisher, by user id; texts by name.
    """

    def __init__(self, directory: Path, stack: AsyncExitStack) -> None:
        self._directory, self._stack = directory, stack
        self._config = directory / "openmpu.toml"
        self._secret = secrets.token_urlsafe(24)
        self._port = _free_port()
        self._programs: dict[str, Program] = {}
        self.url = f"http://127.0.0.1:{self._port}"
        self.told: dict[str, dict[str, str]] = {}

    async def open(self) -> None:
        """Start the server and wait until it is ready.

        Raises:
            Busy: It ended, or is not ready in time.
        """
        self._config.touch(mode=0o600)
        key, state = secrets.token_hex(16), self._directory / "state"
        text = _SETTINGS.format(port=self._port, state=state, secret=self._secret, key=key)
        self._config.write_text(text, encoding="utf-8")
        self._stack.callback(self._forget)
        await self._start("server", ["serve", "--config", str(self._config)])
        async with httpx.AsyncClient(trust_env=False) as http:
            await until(lambda: self._ready(http), "the server is not ready")

    def api(self) -> ApiClient:
        """A client with the server's key; the caller closes it."""
        return ApiClient(self.url, Keys("demo", self._secret))

    async def enter(self, actor: Actor) -> None:
        """Start a publisher."""
        self.told[actor.user_id] = {}
        options = {
            "--config": self._config,
            "--server": self.url,
            "--channel": CHANNEL,
            "--user": actor.user_id,
            "--video": actor.video,
            "--size": f"{actor.width}x{actor.height}",
            "--fps": actor.fps,
            "--colour": actor.colour,
            "--tone": actor.tone_hz,
        }
        await self._start(actor.user_id, ["publish", *(str(part) for pair in options.items() for part in pair)])

    async def leave(self, actor: Actor) -> None:
        """End a publisher."""
        await self._programs[actor.user_id].stop()

    async def publishes(self, user_id: str) -> bool:
        """Whether a publisher is connected by now.

        Raises:
            Busy: It ended instead.
        """
        self.check("server")
        self.check(user_id)
        return self.told[user_id].get("state") == "publishing"

    def check(self, name: str) -> None:
        """See that a program still runs.

        Raises:
            Busy: It ended; with its last words.
        """
        program = self._programs[name]
        if not program.running:
            raise Busy(name, f"ended: {program.last_line or 'without a word'}")

    async def _start(self, name: str, arguments: list[str]) -> None:
        program = self._programs[name] = Program(name, arguments, lambda line: self._hear(name, line))
        self._stack.push_async_callback(program.stop)
        await program.start(self._directory / f"{name}.log")

    def _hear(self, name: str, line: str) -> None:
        """A publisher's figures: `state=publishing  connects=1 …`."""
        told = dict(part.split("=", 1) for part in line.split("  ") if "=" in part)
        if name in self.told and "state" in told:
            self.told[name] = told

    async def _ready(self, http: httpx.AsyncClient) -> bool:
        self.check("server")
        with contextlib.suppress(httpx.HTTPError):
            return (await http.get(f"{self.url}/readyz")).is_success
        return False

    def _forget(self) -> None:
        """Keys and state are of no use to anybody when it is over."""
        self._config.unlink(missing_ok=True)
        shutil.rmtree(self._directory / "state", ignore_errors=True)


@asynccontextmanager
async def task(api: ApiClient, stream_url: str, layout_ids: tuple[int, ...], media_encode: int) -> AsyncIterator[None]:
    """A mixing task for as long as the block lasts.

    Raises:
        Busy: The server does not take it.
    """
    parameters = {
        "AppId": _APP,
        "ChannelId": CHANNEL,
        "TaskId": _TASK,
        "MixMode": "1",
        "MediaEncode": str(media_encode),
        "StreamURL": stream_url,
        **{f"LayoutIds.{place}": str(number) for place, number in enumerate(layout_ids, 1)},
    }
    answer = await api.call("StartMPUTask", parameters)
    if answer.exit_status:
        raise Busy("task", f"StartMPUTask was answered {answer.status} {answer.code}")
    try:
        yield
    finally:
        with contextlib.suppress(OpenMpuError):
            await api.call("StopMPUTask", {"AppId": _APP, "TaskId": _TASK})


async def play_page(api: ApiClient) -> str:
    """Where the mix can be watched in a browser, for an hour.

    Raises:
        DestinationFailed: The server does not say.
    """
    return str((await api.preview_token(_APP, _TASK, 3_600)).value().get("page", ""))


async def figures(api: ApiClient) -> dict[str, object]:
    """The task's live figures; empty when they cannot be had just now."""
    try:
        return (await api.task(_APP, _TASK)).value()
    except OpenMpuError:
        return {}


async def until(condition: Callable[[], object], what: str, within_s: float = _START_SECONDS) -> None:
    """Wait until `condition` (may be a coroutine function) is true.

    Raises:
        Busy: `what`, within that time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not await _result(condition()):
        if loop.time() > deadline:
            raise Busy("demo", f"{what} within {within_s:g} s")
        await asyncio.sleep(0.05)


async def _result(value: object) -> object:
    return await value if asyncio.iscoroutine(value) else value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
