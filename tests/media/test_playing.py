"""What a worker presents, against a gateway's end of the link that is played by the test."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.playing import MOST_WAITING, Playing
from openmpu.media.sound.blocks import BLOCK
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.roster import Kind
from openmpu.timing.ticks import SECOND
from openmpu.wire import link

pytestmark = pytest.mark.e2e
SHOW = TaskKey(AppId("app"), TaskId("show"))
H264 = VideoProfile(640, 360, 25, 600, 50)
H265 = VideoProfile(640, 360, 25, 600, 50, codec="h265", profile="main")
BOTH = StreamFormat(H264, AudioProfile())
EPOCH = 1_800_000_000 * SECOND


async def until(condition):
    """Wait for it."""
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.01)


class Gateway:
    """Keeps what comes, says what the test says."""

    def __init__(self):
        self.messages, self.writers, self.reading = [], [], asyncio.Event()
        self.reading.set()

    async def serve(self, reader, writer):
        self.writers.append(writer)
        frames = link.LinkReader()
        try:
            while data := await reader.read(65_536):
                self.messages.extend(frames.feed(data))
                await self.reading.wait()
        except OSError:
            pass

    def said(self, kind):
        """Messages of a kind, in order."""
        return [message for message in self.messages if isinstance(message, kind)]

    def say(self, *messages):
        self.writers[-1].write(b"".join(link.encode_message(message) for message in messages))

    def number(self, kind):
        """Under which a kind was presented last."""
        return next(message.number for message in reversed(self.said(link.Present)) if message.kind is kind)

    def media(self):
        return self.said(link.Media)


@asynccontextmanager
async def presented(path, stream=BOTH):
    """A gateway, and a task that is presented to it."""
    gateway, keys = Gateway(), []
    server = await asyncio.start_unix_server(gateway.serve, path / "link.sock")
    playing = Playing(SHOW, 7, EPOCH, lambda: keys.append(1))
    try:
        playing.connect(f"unix:{path / 'link.sock'}")
        playing.sync(stream)
        await until(lambda: len(gateway.said(link.Present)) == (stream.video is not None) + (stream.audio is not None))
        yield gateway, playing, keys
    finally:
        gateway.reading.set()
        await playing.stop()
        server.close()
        for writer in gateway.writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def picture(pts, data=b"slice", *, key=False):
    """A packet of the stream."""
    return Packet(Kind.VIDEO, pts, data, key)


async def test_nothing_is_sent_before_somebody_plays(tmp_path):
    """Then pictures go out as they are, with Unix time in ticks; AAC never does."""
    async with presented(tmp_path) as (gateway, playing, _):
        assert {(told.task, told.lease, told.kind, told.codec) for told in gateway.said(link.Present)} == {
            (SHOW, 7, Kind.VIDEO, "h264"),
            (SHOW, 7, Kind.AUDIO, "opus"),
        }
        playing.put(picture(0, key=True))
        gateway.say(link.Played(gateway.number(Kind.VIDEO), 2))
        await until(lambda: playing.figures()["players"] == 2)
        playing.put(picture(SECOND, b"key", key=True))
        playing.put(Packet(Kind.AUDIO, SECOND, b"aac"))
        playing.put(picture(2 * SECOND))
        await until(lambda: len(gateway.media()) == 2)

        first, second = (media.frame for media in gateway.media())
        assert (first.data, first.key, second.key) == (b"key", True, False)
        assert first.rtp_time == (EPOCH + SECOND) * 90_000 // SECOND & 0xFFFFFFFF
        assert second.rtp_time - first.rtp_time == 90_000
        assert first.ntp == EPOCH + SECOND


async def test_sound_is_encoded_while_it_is_played_and_on_air(tmp_path):
    """A production that is not on air is heard by nobody."""
    async with presented(tmp_path) as (gateway, playing, _):
        on_air = [True]
        tap, block = playing.tap(lambda: on_air[0]), np.zeros((BLOCK, 2), dtype=np.float32)
        tap.take(block, 0)
        gateway.say(link.Played(gateway.number(Kind.AUDIO), 1))
        await until(lambda: playing.figures()["players"] == 1)
        await asyncio.to_thread(tap.take, block, SECOND)
        await until(lambda: len(gateway.media()) == 1)
        on_air[0] = False
        await asyncio.to_thread(tap.take, block, 2 * SECOND)
        gateway.say(link.Played(gateway.number(Kind.AUDIO), 0))
        await until(lambda: playing.figures()["players"] == 0)
        assert [media.frame.rtp_time for media in gateway.media()] == [(EPOCH + SECOND) * 48_000 // SECOND & 0xFFFFFFFF]


async def test_a_player_that_needs_a_key_frame_gets_one(tmp_path):
    """The wish goes to whoever encodes or publishes."""
    async with presented(tmp_path) as (gateway, _, keys):
        gateway.say(link.WantKeyFrame(gateway.number(Kind.VIDEO)))
        await until(lambda: keys)


async def test_a_change_of_codec_takes_over_and_sound_alone_withdraws(tmp_path):
    """The new one is presented before the old one is taken back."""
    async with presented(tmp_path) as (gateway, playing, _):
        former = gateway.number(Kind.VIDEO)
        playing.sync(StreamFormat(H265, AudioProfile()))
        await until(lambda: gateway.said(link.Withdraw))
        order = [type(message) for message in gateway.messages[-2:]]
        assert order == [link.Present, link.Withdraw]
        assert gateway.said(link.Withdraw)[0].number == former
        playing.sync(StreamFormat(None, AudioProfile()))
        await until(lambda: len(gateway.said(link.Withdraw)) == 2)
        playing.sync(None)
        assert len(gateway.said(link.Present)) == 3


async def test_the_next_gateway_hears_it_anew(tmp_path):
    """Nobody plays there until it says so."""
    async with presented(tmp_path) as (gateway, playing, _):
        gateway.say(link.Played(gateway.number(Kind.VIDEO), 1))
        await until(lambda: playing.figures()["players"] == 1)
        gateway.writers[-1].transport.abort()
        await until(lambda: len(gateway.writers) == 2 and len(gateway.said(link.Present)) == 4)
        assert playing.figures()["players"] == 0


async def test_a_gateway_that_does_not_read_loses_pictures_up_to_a_key_frame(tmp_path):
    """The worker never waits; it counts and asks for a key frame."""
    async with presented(tmp_path) as (gateway, playing, keys):
        gateway.say(link.Played(gateway.number(Kind.VIDEO), 1))
        await until(lambda: playing.figures()["players"] == 1)
        gateway.reading.clear()
        began = time.monotonic()
        for number in range(40):
            playing.put(picture(number * SECOND, bytes(100_000), key=number == 0))
        assert time.monotonic() - began < 5
        dropped = playing.figures()["play_dropped"]
        assert 0 < dropped < 40
        assert keys
        gateway.reading.set()
        await until(lambda: len(gateway.media()) == 40 - dropped)
        playing.put(picture(50 * SECOND))
        playing.put(picture(51 * SECOND, key=True))
        await until(lambda: len(gateway.media()) == 41 - dropped)
        assert gateway.media()[-1].frame.key
        assert sum(len(media.frame.data) for media in gateway.media()) < MOST_WAITING + 2_000_000


async def test_the_end_is_told(tmp_path):
    """So that players need not wait for a successor."""
    async with presented(tmp_path) as (gateway, playing, _):
        await playing.stop()
        await until(lambda: len(gateway.said(link.Withdraw)) == 2)
