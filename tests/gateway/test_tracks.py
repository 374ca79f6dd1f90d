"""From a publisher's packets to tracks on the switchboard."""

from __future__ import annotations

import asyncio
import struct

import pytest

from openmpu.gateway.switchboard import Switchboard
from openmpu.gateway.tracks import Tracks
from openmpu.model.ids import AppId, ChannelId, ChannelKey, UserId
from openmpu.model.roster import Kind, Source
from openmpu.wire.whip.deals import settle
from openmpu.wire.whip.offers import read_offer
from tests.gateway.test_switchboard import RecordingReader
from tests.wire.whip_offers import OFFER

MS = 1_000_000
START = 1_760_000_000_000 * MS
VP8, H264, OPUS = 96, 98, 111
VP8_KEY = b"\x10\x00\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" + bytes(50)
VP8_DELTA = b"\x10\x01\x00\x00" + bytes(50)
H264_KEY = b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x04\x68\xce\x3c\x80\x00\x32\x65\x88" + bytes(
    48
)  # STAP-A: SPS, PPS, IDR slice
PICTURE, SOUND = 2001, 1001


class Publisher:
    """Tracks under test, and everything that comes of them."""

    def __init__(self):
        self.now = START
        self.sent = []
        self.told = []
        self.board = Switchboard()
        deals = settle(read_offer(OFFER))
        self.tracks = Tracks(
            Source.SCREEN,
            deals,
            self.board,
            lambda: self.now,
            self.sent.append,
            lambda tracks: self.told.append(tracks),
        )
        self._numbers = {PICTURE: 0, SOUND: 0}

    def send(self, payload_type, payload, ssrc=PICTURE):
        """One packet that is a whole frame."""
        number = self._numbers[ssrc] = self._numbers[ssrc] + 1
        head = struct.pack("!BBHII", 0x80, 0x80 | payload_type, number, number * 3000, ssrc)
        self.now += 33 * MS
        self.tracks.rtp(head + payload, self.now)


@pytest.fixture
async def publisher():
    one = Publisher()
    one.tracks.start()
    yield one
    one.tracks.close()


async def test_a_track_begins_with_its_first_frame(publisher):
    """Nothing is told before something can be read; then codec, kind and source are known."""
    publisher.send(VP8, VP8_DELTA)
    assert publisher.told == []
    publisher.send(VP8, VP8_KEY)
    ((track,),) = publisher.told
    assert (track.kind, track.codec, track.source, track.published_at) == (
        Kind.VIDEO,
        "vp8",
        Source.SCREEN,
        publisher.now,
    )


async def test_sound_and_picture(publisher):
    """Both tracks are told together, each with its own clock rate."""
    publisher.send(OPUS, b"\x78opus", SOUND)
    publisher.send(VP8, VP8_KEY)
    assert [(track.codec, track.clock_rate, track.channels) for track in publisher.told[-1]] == [
        ("opus", 48_000, 2),
        ("vp8", 90_000, 0),
    ]


async def test_another_codec_is_another_track(publisher):
    """A publisher that changes its codec ends the track: readers must not feed one decoder with two codecs."""
    publisher.send(VP8, VP8_KEY)
    (first,) = publisher.told[-1]
    reader = RecordingReader()
    publisher.board.subscribe(first.track_id, reader, 1, publisher.now)
    publisher.send(H264, H264_KEY)
    (second,) = publisher.told[-1]
    assert (second.codec, reader.ended) == ("h264", [1])
    assert second.track_id != first.track_id


async def test_reader_gets_a_key_frame_by_asking(publisher):
    """A new reader makes the publisher be asked for a key frame, at once."""
    publisher.send(VP8, VP8_KEY)
    ((track,),) = publisher.told
    publisher.sent.clear()
    publisher.now += 1_000 * MS
    publisher.board.subscribe(track.track_id, RecordingReader(), 1, publisher.now)
    async with asyncio.timeout(2):
        while not any(_asks_for_picture(data) for data in publisher.sent):
            await asyncio.sleep(0.001)


def _asks_for_picture(data):
    """Whether a compound packet has a PLI (RFC 4585 6.3.1) in it."""
    while len(data) >= 4:
        first, kind, length = struct.unpack_from("!BBH", data)
        if (first & 31, kind) == (1, 206):
            return True
        data = data[4 * length + 4 :]
    return False


async def test_figures(publisher):
    """Each track tells how it is doing under flat names."""
    publisher.send(VP8, VP8_KEY)
    key = ChannelKey(AppId("app"), ChannelId("room"))
    (figures,) = publisher.tracks.measure(key, UserId("ann"))
    plain = figures.plain()
    assert (plain["user_id"], plain["codec"], plain["frames"], plain["width"], plain["readers"]) == (
        "ann",
        "vp8",
        1,
        320,
        0,
    )


async def test_malformed_packets_are_counted(publisher):
    """What is no RTP, and what belongs to nobody, is counted and makes nothing."""
    publisher.tracks.rtp(b"\x80\x00", publisher.now)
    publisher.tracks.rtcp(b"\x80\xc8\x00", publisher.now)
    publisher.tracks.rtp(struct.pack("!BBHII", 0x80, 77, 1, 1, 5), publisher.now)
    assert publisher.tracks.malformed >= 2
    assert publisher.told == []


async def test_close_ends_every_track(publisher):
    """Readers hear of the end."""
    publisher.send(VP8, VP8_KEY)
    ((track,),) = publisher.told
    reader = RecordingReader()
    publisher.board.subscribe(track.track_id, reader, 4, publisher.now)
    publisher.tracks.close()
    assert reader.ended == [4]
