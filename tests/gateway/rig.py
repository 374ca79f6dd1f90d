"""A real gateway process with the test as its server (control socket) and as its worker (link)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from openmpu.gateway.options import GatewayOptions
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskKey, TrackId
from openmpu.model.roster import Roster
from openmpu.processes.channel import ControlChannel
from openmpu.wire import link

CHANNEL = ChannelKey(AppId("app"), ChannelId("room"))
PATIENCE_S = 15.0


class Waiting:
    """Something that tests wait for: `until` looks again after every `changed`."""

    def __init__(self) -> None:
        self._news = asyncio.Condition()

    async def changed(self) -> None:
        """Something happened."""
        async with self._news:
            self._news.notify_all()

    async def until(self, true: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
        """The first true value of `true()`."""
        async with asyncio.timeout(within_s), self._news:
            return await self._news.wait_for(true)


class Server(Waiting):
    """The server's end of the control socket, for one gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.hello: dict[str, Any] = {}
        self.rosters: dict[ChannelKey, Roster] = {}
        self.figures: list[dict[str, Any]] = []
        self.channel: ControlChannel | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the gateway."""
        self.channel = ControlChannel(reader, writer, self._take)
        await self.channel.run()

    async def ask(self, name: str, **fields: Any) -> Any:
        """A request to the gateway."""
        assert self.channel
        return await self.channel.ask(name, **fields)

    async def play(self, task: TaskKey, offer: str, most: int = 0) -> dict[str, str]:
        """Hand over a player's offer."""
        return await self.ask("play", task=to_plain(task), offer=offer, most=most)

    async def publish(self, user: str, offer: str, source: str = "camera") -> dict[str, str]:
        """Hand over an offer."""
        return await self.ask("publish", channel=to_plain(CHANNEL), user_id=user, source=source, offer=offer)

    def users(self) -> list[str]:
        """Who is in the channel, as told last."""
        return [user.user_id for user in self.rosters.get(CHANNEL, Roster()).users]

    async def _take(self, message: dict[str, Any]) -> None:
        if "hello" in message:
            self.hello = message["hello"]
        elif message.get("tell") == "roster":
            self.rosters[from_plain(ChannelKey, message["channel"])] = from_plain(Roster, message["roster"])
        elif message.get("tell") == "figures":
            self.figures.append(message)
        await self.changed()


class Worker(Waiting):
    """A worker's end of a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._reader, self._writer = reader, writer
        self.rosters: dict[ChannelKey, Roster] = {}
        self.frames: dict[int, list[EncodedFrame]] = {}
        self.read_at: dict[int, list[int]] = {}
        """When each was read here, in nanoseconds of the wall clock."""
        self.ended: list[int] = []
        self.players: dict[int, int] = {}
        self.keys_wanted: list[int] = []
        self.reading = asyncio.Event()
        self.reading.set()

    def say(self, message: link.Message) -> None:
        """Say something to the gateway."""
        self._writer.write(link.encode_message(message))

    def send(self, number: int, frame: EncodedFrame) -> None:
        """A frame of a track that is presented."""
        self._writer.write(link.encode_media(number, frame))

    async def run(self) -> None:
        """Read until the gateway closes."""
        messages = link.LinkReader()
        while data := await self._reader.read(1 << 16):
            for message in messages.feed(data):
                self._take(message)
            await self.changed()
            await self.reading.wait()

    def _take(self, message: link.Message | link.Media) -> None:
        match message:
            case link.Media(number, frame):
                self.frames.setdefault(number, []).append(frame)
                self.read_at.setdefault(number, []).append(time.time_ns())
            case link.RosterChanged(channel, roster):
                self.rosters[channel] = roster
            case link.TrackEnded(number):
                self.ended.append(number)
            case link.Played(number, players):
                self.players[number] = players
            case link.WantKeyFrame(number):
                self.keys_wanted.append(number)
            case _:
                raise AssertionError(message)

    def track(self, user: str, kind: str, source: str = "camera") -> TrackId | None:
        """The user's track, as the roster told last."""
        for one in self.rosters.get(CHANNEL, Roster()).users:
            for track in one.tracks:
                if (one.user_id, track.kind, track.source) == (user, kind, source):
                    return track.track_id
        return None

    async def subscribe(self, number: int, user: str, kind: str, source: str = "camera") -> TrackId:
        """Watch, wait for the track, and read it."""
        self.say(link.Watch(CHANNEL))
        track_id: TrackId = await self.until(lambda: self.track(user, kind, source))
        self.say(link.Subscribe(number, CHANNEL, track_id))
        return track_id


class Rig:
    """A running gateway."""

    def __init__(self, folder: Path, server: Server, process: asyncio.subprocess.Process) -> None:
        self.folder, self.server, self.process = folder, server, process

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Worker]:
        """A worker on the link."""
        reader, writer = await asyncio.open_unix_connection(self.folder / "link.sock")
        worker = Worker(reader, writer)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            task.cancel()
            writer.close()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def gateway(folder: Path, **changes: Any) -> AsyncIterator[Rig]:
    """A gateway process, from its hello to its end."""
    server = Server()
    control = folder / "control.sock"
    door = await asyncio.start_unix_server(server.serve, path=control)
    given = {"grace_s": 3.0, "log_json": True, **changes}
    options = GatewayOptions("gateway-1", str(control), (f"unix:{folder / 'link.sock'}",), **given)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openmpu.gateway", stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(json.dumps(to_plain(options)).encode() + b"\n")
    process.stdin.close()
    try:
        await server.until(lambda: server.hello)
        yield Rig(folder, server, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 8)
        except TimeoutError:
            process.kill()
            await process.wait()
        door.close()
