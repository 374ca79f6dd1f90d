"""The worker's end of a link, against a socket that is played by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openmpu.media.clock import MonotonicClock
from openmpu.media.inputs import switch as switching
from openmpu.media.inputs.switch import Switch
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TrackId, UserId
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.wire import link

pytestmark = pytest.mark.e2e
APP, CHANNEL = AppId("a"), ChannelId("c")
KEY = ChannelKey(APP, CHANNEL)
CAMERA = Track(TrackId("v"), Kind.VIDEO, Source.CAMERA, "vp8", 0)
ROSTER = Roster.of(User(CHANNEL, UserId("u"), 0, (CAMERA,)))


async def until(condition: Callable[[], object]) -> None:
    """Wait for it."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class Peer:
    """A gateway that does what the test says."""

    def __init__(self) -> None:
        self.messages: list[object] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep what comes."""
        self.writers.append(writer)
        frames = link.LinkReader()
        try:
            while data := await reader.read(65_536):
                self.messages.extend(frames.feed(data))
        except OSError:
            pass

    def say(self, *parts: bytes) -> None:
        """On the latest connection."""
        self.writers[-1].write(b"".join(parts))


@asynccontextmanager
async def linked(path: Path) -> AsyncIterator[tuple[Peer, Switch, list[int]]]:
    """A peer, and a switch that is connected to it."""
    peer, changes = Peer(), []
    server = await asyncio.start_unix_server(peer.serve, path)
    clock = MonotonicClock()
    switch = Switch(APP, clock, clock.now(), lambda: changes.append(1))
    switch.connect({CHANNEL: f"unix:{path}"})
    try:
        await until(lambda: link.Watch(KEY) in peer.messages)
        yield peer, switch, changes
    finally:
        await switch.stop()
        server.close()
        for writer in peer.writers:
            writer.close()


async def test_rosters_tracks_and_frames(tmp_path: Path) -> None:
    """Watch, roster, subscribe, frames; each wish is said once."""
    async with linked(tmp_path / "g") as (peer, switch, changes):
        peer.say(link.encode_message(link.RosterChanged(KEY, ROSTER)))
        await until(lambda: changes)
        assert switch.known
        switch.want({CAMERA.track_id, TrackId("nobody's")})
        switch.shown({CAMERA.track_id: (320, 180)}, 25)
        switch.shown({CAMERA.track_id: (320, 180)}, 25)
        switch.want_key_frame(CAMERA.track_id)
        await until(lambda: len(peer.messages) == 4)
        assert peer.messages[1:] == [
            link.Subscribe(1, KEY, CAMERA.track_id),
            link.Shown(1, 320, 180, 25),
            link.WantKeyFrame(1),
        ]
        peer.say(link.encode_media(1, EncodedFrame(0, 5, b"x")), link.encode_media(9, EncodedFrame(0, 5, b"late")))
        await until(lambda: switch.inputs[CAMERA.track_id].frames)
        assert switch.inputs[CAMERA.track_id].frames == 1


@pytest.mark.parametrize(
    "junk", [b"\xff" * 64, b"\0\0\0\x02\0{]", b"\0\0\0\x01\x07x", link.encode_message(link.Watch(KEY))]
)
async def test_a_peer_who_talks_nonsense_is_dialled_anew(tmp_path: Path, junk: bytes) -> None:
    """The link is closed, dialled again, and everything wanted is said again."""
    async with linked(tmp_path / "g") as (peer, switch, changes):
        peer.say(link.encode_message(link.RosterChanged(KEY, ROSTER)))
        await until(lambda: changes)
        switch.want({CAMERA.track_id})
        switch.shown({CAMERA.track_id: (320, 180)}, 25)
        await until(lambda: len(peer.messages) == 3)
        peer.messages.clear()
        peer.say(junk)
        await until(lambda: len(peer.writers) == 2 and len(peer.messages) == 3)
        assert switch.roster == ROSTER
        assert {type(message) for message in peer.messages} == {link.Watch, link.Subscribe, link.Shown}


async def test_a_track_goes_a_little_after_it_is_no_longer_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be wanted again at once; what is unpublished goes at once."""
    monkeypatch.setattr(switching, "LINGER_S", 0.2)
    async with linked(tmp_path / "g") as (peer, switch, changes):
        peer.say(link.encode_message(link.RosterChanged(KEY, ROSTER)))
        await until(lambda: changes)
        switch.want({CAMERA.track_id})
        switch.want(())
        assert CAMERA.track_id in switch.inputs
        await until(lambda: link.Unsubscribe(1) in peer.messages)
        assert not switch.inputs
        switch.want({CAMERA.track_id})
        peer.say(link.encode_message(link.RosterChanged(KEY, Roster())))
        await until(lambda: len(changes) == 2)
        switch.want(())
        assert not switch.inputs


async def test_another_channel_is_left_and_joined(tmp_path: Path) -> None:
    """An update that takes users from elsewhere."""
    async with linked(tmp_path / "g") as (peer, switch, changes):
        peer.say(link.encode_message(link.RosterChanged(KEY, ROSTER)))
        await until(lambda: changes)
        switch.want({CAMERA.track_id})
        other = ChannelId("d")
        switch.connect({other: f"unix:{tmp_path / 'g'}"})
        await until(lambda: link.Watch(ChannelKey(APP, other)) in peer.messages)
        await until(lambda: link.Unwatch(KEY) in peer.messages)
        assert switch.roster == Roster()
        assert not switch.inputs
        assert not switch.known
