"""A worker as a process: control socket and link played by the test, a real RTMP receiver, real time."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from openmpu.clients.receive import Receiver
from openmpu.model.codec import to_plain
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.geometry import PixelRect, to_pixels
from openmpu.model.ids import ChannelKey, LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Roster
from openmpu.model.task import Mode, RelayPart, RelaySpec, SeiRhythm, SeiSpec, TaskSpec
from openmpu.model.urls import IngestUrl
from openmpu.processes.channel import ControlChannel
from openmpu.wire import link
from tests.media.studio import CHANNEL, Person, spec_of
from tests.media.synthetic import Camera, Microphone
from tests.rig.analysis import Recording
from tests.rig.nals import pictures_of, split

pytestmark = pytest.mark.e2e
RED, GREEN = (81, 90, 240), (145, 54, 34)
P360 = MEDIA_ENCODES[1].video
START = "import sys, json; from openmpu.media.worker import main; main(json.loads(sys.argv[1]))"


async def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    """Wait for it."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.02)


class Gateway:
    """The other end of links: rosters, and frames in real time, each track from its first key frame."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.people: list[Person] = []
        self.messages: list[Any] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._watchers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        """Die."""
        for job in self._jobs:
            job.cancel()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._watchers.clear()
        if self._server:
            self._server.close()

    def set_people(self, *people: Person) -> None:
        """Who is there from now on. Their clips are encoded now: later the loop has links and targets to serve."""
        self.people = list(people)
        assert all(person.arrivals() for person in people)
        for writer in self._watchers:
            writer.write(link.encode_message(self._roster()))

    def _roster(self) -> link.RosterChanged:
        return link.RosterChanged(ChannelKey("a", CHANNEL), Roster.of(*(person.user for person in self.people)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        frames = link.LinkReader()
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                for message in frames.feed(data):
                    self._take(writer, message)

    def _take(self, writer: asyncio.StreamWriter, message: Any) -> None:
        self.messages.append(message)
        if isinstance(message, link.Watch):
            self._watchers.append(writer)
            writer.write(link.encode_message(self._roster()))
        if isinstance(message, link.Subscribe):
            self._jobs.add(asyncio.create_task(self._feed(writer, message)))

    async def _feed(self, writer: asyncio.StreamWriter, wanted: link.Subscribe) -> None:
        began = time.monotonic()
        for person in self.people:
            for arrival, track_id, frame in sorted(person.arrivals(), key=lambda one: one[0]):
                if track_id == wanted.track_id:
                    await asyncio.sleep(max(0.0, began + arrival / 1e9 - time.monotonic()))
                    stamped = replace(frame, arrival=time.time_ns(), ntp=None)
                    writer.write(link.encode_media(wanted.number, stamped))


@dataclass
class House:
    """A worker's surroundings."""

    directory: Path
    gateway: Gateway
    receiver: Receiver
    process: asyncio.subprocess.Process
    channels: list[ControlChannel] = field(default_factory=list)
    hellos: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gateways(self) -> dict[str, str]:
        """As the server tells them."""
        return {CHANNEL: f"unix:{self.gateway.path}"}

    @property
    def target(self) -> IngestUrl:
        """The receiver."""
        return IngestUrl(self.receiver.url)

    async def ask(self, name: str, **fields: Any) -> Any:
        """Ask the worker."""
        return await self.channels[-1].ask(name, **fields)

    async def run(self, spec: TaskSpec, lease: int = 1) -> None:
        """Give the order."""
        await until(lambda: self.channels)
        await self.ask("run", spec=to_plain(spec), lease=lease, gateways=self.gateways)

    def figure(self, name: str) -> Any:
        """The latest report's."""
        return self.reports[-1]["figures"].get(name) if self.reports else None

    def state(self) -> str:
        """Of the first target."""
        targets = self.reports[-1]["targets"] if self.reports else []
        return targets[0]["state"] if targets else ""

    async def ended(self, within_s: float = 8.0) -> int:
        """Wait for the process."""
        return await asyncio.wait_for(self.process.wait(), within_s)

    def recording(self) -> Recording:
        """What was received."""
        self.receiver.flush()
        return Recording(self.directory / "out.flv")


@asynccontextmanager
async def house(directory: Path, **options: Any) -> AsyncIterator[House]:
    """A worker that runs, dialled in to a control socket of ours; nothing is left of it."""
    gateway, receiver = Gateway(directory / "g.sock"), Receiver("rtmp://127.0.0.1:0/live/x", directory / "out.flv")
    await gateway.start()
    await receiver.start()
    given = {"control_path": str(directory / "c.sock"), "app_id": "a", "task_id": "t", "lease": 1}
    given |= {"allow_networks": ["127.0.0.0/8"], **options}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, json.dumps(given), env=os.environ)
    home = House(directory, gateway, receiver, process)
    server = await asyncio.start_unix_server(lambda *pipe: _serve(home, *pipe), directory / "c.sock")
    try:
        yield home
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        server.close()
        await gateway.stop()
        await receiver.stop()


async def _serve(home: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def take(message: dict[str, Any]) -> None:
        if "hello" in message:
            home.hellos.append(message["hello"])
            home.channels.append(channel)
        elif message.get("tell") == "report":
            home.reports.append(message["report"])

    channel = ControlChannel(reader, writer, take)
    await channel.run()


def people(seconds: float = 30.0) -> tuple[Person, Person]:
    """A red one with H.264, a green one with VP8."""
    return (
        Person("red", Camera(RED, seconds=seconds, gop=60), Microphone(400, seconds=seconds)),
        Person("green", Camera(GREEN, codec="vp8", seconds=seconds, gop=60), Microphone(700, seconds=seconds), start=1),
    )


def panes(layout: int) -> list[PixelRect]:
    """In a picture of 640x360."""
    return [to_pixels(pane.rect, PixelRect(0, 0, 640, 360)) for pane in BUILT_IN[LayoutId(layout)].panes]


async def test_a_mix_from_order_to_stop(tmp_path: Path) -> None:
    """Hello, order, two people, an update on the same connection, a picture, SEI, and an orderly end."""
    async with house(tmp_path) as home:
        home.gateway.set_people(*people())
        spec = spec_of((2,), video=P360, targets=(home.target,))
        await home.run(spec, lease=7)
        await until(lambda: home.figure("shown_tracks") == 2 and (home.figure("fps") or 0) > 14)
        assert home.hellos[0] | {"pid": 0} == {"process": "worker", "app_id": "a", "task_id": "t", "lease": 1, "pid": 0}
        assert home.reports[-1]["lease"] == 7
        assert home.figure("users") == 2
        assert psutil.Process(home.process.pid).cmdline()[0] == "openmpu: worker a/t"
        png = Image.open(BytesIO(base64.b64decode((await home.ask("picture"))["png"])))
        left, right = panes(2)
        assert png.size == (640, 360)
        assert max(png.getpixel((left.left + 100, 180))) == png.getpixel((left.left + 100, 180))[0]
        assert max(png.getpixel((right.left + 100, 180))) == png.getpixel((right.left + 100, 180))[1]
        await home.ask("sei", text='{"custom":1}')
        await home.ask("update", spec=to_plain(replace(spec, mix=spec_of((1,)).mix)), gateways=home.gateways)
        await until(lambda: home.figure("layout_id") == 1)
        frames = home.receiver.figures().video_frames
        await until(lambda: home.receiver.figures().video_frames > frames + 15)
        await home.ask("stop", within_s=4)
        assert await home.ended() == 0
        assert home.state() == "ended"
        assert home.receiver.figures().connects == 1
        recording = home.recording()
        assert recording.cadence(15).perfect
        assert (recording.formats.video_codec, recording.formats.profile) == ("h264", "High")
        assert (tmp_path / "out.flv").read_bytes().count(b'{"custom":1}') == 1


async def test_a_gateway_that_dies_and_comes_back(tmp_path: Path) -> None:
    """The output goes on; the link is dialled again, watched again, and people are seen again."""
    async with house(tmp_path) as home:
        home.gateway.set_people(*people())
        await home.run(spec_of((2,), video=P360, targets=(home.target,)))
        await until(lambda: home.figure("shown_tracks") == 2)
        await home.gateway.stop()
        await until(lambda: home.figure("links") == 0)
        assert home.figure("users") == 2
        home.gateway.messages.clear()
        await home.gateway.start()
        await until(lambda: home.figure("links") == 1)
        await until(lambda: sum(isinstance(m, link.Subscribe) for m in home.gateway.messages) == 4)
        decoded = home.figure("decoded")
        await until(lambda: home.figure("decoded") > decoded + 20)
        await home.ask("stop", within_s=4)
        assert home.recording().cadence(15).perfect


async def test_only_what_is_shown_or_heard_is_subscribed(tmp_path: Path) -> None:
    """One pane for two people: one video, two sounds; its size is told."""
    async with house(tmp_path) as home:
        home.gateway.set_people(*people())
        await home.run(spec_of((1,), video=P360, targets=(home.target,)))
        await until(lambda: sum(isinstance(m, link.Shown) for m in home.gateway.messages) == 1)
        subscribed = {m.track_id for m in home.gateway.messages if isinstance(m, link.Subscribe)}
        assert subscribed == {"red-video", "red-audio", "green-audio"}
        (shown,) = [m for m in home.gateway.messages if isinstance(m, link.Shown)]
        assert (shown.width, shown.height, shown.fps) == (640, 360, 15)


async def test_a_server_that_comes_back_adopts_the_worker(tmp_path: Path) -> None:
    """Its socket breaks: the worker says hello again, with its lease, and goes on."""
    async with house(tmp_path) as home:
        await home.run(spec_of((1,), video=P360, targets=(home.target,)), lease=3)
        await until(lambda: home.state() == "pushing")
        home.channels[-1].close()
        await until(lambda: len(home.hellos) == 2)
        assert home.hellos[-1]["lease"] == 3
        await home.run(spec_of((1,), video=P360, targets=(home.target,)), lease=3)
        await until(lambda: home.figure("ticks") > 30)
        assert home.receiver.figures().connects == 1


async def test_without_a_server_it_ends_after_the_grace_time(tmp_path: Path) -> None:
    """No orphan publishes for ever."""
    async with house(tmp_path, grace_s=1.0) as home:
        await home.run(spec_of((1,), video=P360, targets=(home.target,)))
        await until(lambda: home.state() == "pushing")
        (tmp_path / "c.sock").unlink()
        home.channels[-1].close()
        assert await home.ended() == 0
        await until(lambda: not home.receiver.figures().live)


async def test_sigterm_drains(tmp_path: Path) -> None:
    """The stream is ended properly, within five seconds."""
    async with house(tmp_path) as home:
        await home.run(spec_of((1,), video=P360, targets=(home.target,)))
        await until(lambda: home.state() == "pushing")
        home.process.send_signal(signal.SIGTERM)
        assert await home.ended(5.0) == 0
        assert home.state() == "ended"


async def test_targets_come_and_go(tmp_path: Path) -> None:
    """An update takes one away and puts one in; the one that stays is not touched; a dead one harms nobody."""
    other = Receiver("rtmp://127.0.0.1:0/live/y")
    await other.start()
    try:
        async with house(tmp_path) as home:
            dead = IngestUrl("rtmp://127.0.0.1:9/live/dead")
            spec = spec_of((1,), video=P360, targets=(home.target, dead))
            await home.run(spec)
            await until(lambda: home.state() == "pushing")
            changed = replace(spec, targets=(home.target, IngestUrl(other.url)))
            await home.ask("update", spec=to_plain(changed), gateways=home.gateways)
            await until(lambda: other.figures().video_frames > 10)
            await until(lambda: home.figure("ticks") and home.figure("ticks") > 25)
            assert home.figure("frames") <= home.figure("ticks"), "one encoder for both"
            await home.ask("stop", within_s=4)
            assert home.receiver.figures().connects == 1
            assert home.recording().cadence(15).perfect
            assert [target["state"] for target in home.reports[-1]["targets"]] == ["ended", "ended"]
    finally:
        await other.stop()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_a_relay(tmp_path: Path, codec: str) -> None:
    """H.264 goes out as it came, VP8 encoded anew at its own size; sound as AAC; no OpenCV is loaded for it."""
    async with house(tmp_path) as home:
        person = Person("red", Camera(RED, codec=codec, seconds=12, gop=30), Microphone(400, seconds=12))
        home.gateway.set_people(person)
        await home.run(spec_of((), mode=Mode.RELAY, targets=(home.target,)))
        await until(lambda: home.receiver.figures().video_frames > 90)
        assert not any("cv2" in mapped.path for mapped in psutil.Process(home.process.pid).memory_maps())
        await home.ask("stop", within_s=4)
        recording = home.recording()
        assert (recording.formats.width, recording.formats.height) == (320, 180)
        assert recording.formats.audio_codec == "aac"
        assert recording.video[0].key
        sent = [frame.data for frame in person.camera.frames()]
        received = (tmp_path / "out.flv").read_bytes()
        slices = [data[data.rfind(b"\x00\x00\x01") + 3 :] for data in sent[40:80]]
        assert all(one in received for one in slices) == (codec == "h264")


@pytest.mark.parametrize(("part", "video", "audio"), [(RelayPart.AUDIO, "", "aac"), (RelayPart.VIDEO, "h264", "")])
async def test_a_relay_of_one_kind(tmp_path: Path, part: RelayPart, video: str, audio: str) -> None:
    """StreamType 1 and 2 have exactly one stream."""
    async with house(tmp_path) as home:
        home.gateway.set_people(people()[0])
        await home.run(spec_of((), mode=Mode.RELAY, relay=RelaySpec(part=part), targets=(home.target,)))
        await until(lambda: max(home.receiver.figures().video_frames, home.receiver.figures().audio_frames) > 60)
        await home.ask("stop", within_s=4)
        recording = home.recording()
        assert bool(recording.video) == bool(video)
        assert bool(recording.audio) == bool(audio)


async def test_relay_and_mix_change_on_one_connection(tmp_path: Path) -> None:
    """UpdateMPUTask of MixMode: the connection stays, time rises, no gap of more than a few frames."""
    async with house(tmp_path) as home:
        home.gateway.set_people(people()[0])
        mix = spec_of((1,), video=replace(P360, fps=30), targets=(home.target,))
        relay = replace(mix, mode=Mode.RELAY)
        await home.run(mix)
        for spec in (relay, mix, relay, mix):
            frames = home.receiver.figures().video_frames
            await until(lambda frames=frames: home.receiver.figures().video_frames > frames + 45)
            await home.ask("update", spec=to_plain(spec), gateways=home.gateways)
        frames = home.receiver.figures().video_frames
        await until(lambda: home.receiver.figures().video_frames > frames + 30)
        await home.ask("stop", within_s=4)
        assert home.receiver.figures().connects == 1
        times = [packet.pts for packet in home.recording().video]
        assert all(later > earlier for earlier, later in pairwise(times))
        assert max(later - earlier for earlier, later in pairwise(times)) <= 101_000_000


async def test_a_change_of_mode_that_is_taken_back_at_once(tmp_path: Path) -> None:
    """Whatever moment the hand-over has reached: pictures go on, on the same connection."""
    async with house(tmp_path) as home:
        home.gateway.set_people(people()[0])
        mix = spec_of((1,), video=replace(P360, fps=30), targets=(home.target,))
        await home.run(mix)
        await until(lambda: home.receiver.figures().video_frames > 15)
        for pause_ms in range(0, 150, 15):
            for mode in (Mode.RELAY, Mode.MIX):
                await home.ask("update", spec=to_plain(replace(mix, mode=mode)), gateways=home.gateways)
                await asyncio.sleep(pause_ms / 1000)
            frames = home.receiver.figures().video_frames
            await until(lambda frames=frames: home.receiver.figures().video_frames > frames + 10, 6)
        assert home.receiver.figures().connects == 1


async def test_one_alone_is_relayed_until_a_second_comes(tmp_path: Path) -> None:
    """AutoRelay: the publisher's own slices on the mix's connection, SEI with the mix's pane; then the mix again."""
    red, green = people()
    red = replace(red, camera=Camera(RED, seconds=30, gop=15))
    assert green.arrivals()
    async with house(tmp_path) as home:
        home.gateway.set_people(red)
        camera = replace(P360, width=320, height=180, fps=30)
        seats = SeiSpec(layout_volume=SeiRhythm())
        spec = spec_of((1, 2), video=camera, targets=(home.target,), auto_relay=True, sei=seats)
        await home.run(spec)
        await until(lambda: (home.figure("relayed") or 0) > 60)
        assert any("AutoRelay" in note for note in home.reports[-1]["notes"])
        home.gateway.set_people(red, green)
        await until(lambda: home.figure("shown_tracks") == 2 and (home.figure("ticks") or 0) > 60)
        await home.ask("stop", within_s=4)
        assert home.receiver.figures().connects == 1
        times = [packet.pts for packet in home.recording().video]
        assert all(later > earlier for earlier, later in pairwise(times))
        steps = [later.pts - earlier.pts for earlier, later in pairwise(home.recording().video) if later.key]
        assert max(steps) <= 150_000_000
        pictures = pictures_of(tmp_path / "out.flv")
        sent = {split(frame.data)[-1] for frame in red.camera.frames()}
        untouched = [picture for picture in pictures if picture.slices[-1] in sent]
        assert len(untouched) > 60
        told = [text["stream"] for picture in untouched for _, text in picture.messages]
        assert told
        assert {(one["uid"], one["paneid"], one["w"], one["h"]) for (one,) in told} == {("red", 0, 1, 1)}
