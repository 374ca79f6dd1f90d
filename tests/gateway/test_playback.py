"""What one player is sent, without a network: who is served, who is not, and that nobody waits."""

import asyncio

import pytest

from openmpu.gateway.pacing import BURST, MOST
from openmpu.gateway.playback import KEY_FRAME_EVERY, Playback, Wire
from openmpu.gateway.programmes import Programmes
from openmpu.gateway.switchboard import KEY_FRAME_EVERY as PORT_EVERY
from openmpu.gateway.switchboard import Switchboard
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.roster import Kind
from openmpu.wire.rtp.feeling import MUCH, PAUSE, REPORTS
from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.rtcp import ReportBlock, SenderReport
from openmpu.wire.rtp.rtcp import parse as parse_rtcp
from openmpu.wire.rtp.rtcp_writing import build_nack, build_pli, build_receiver_report
from openmpu.wire.rtp.sender import SendParameters

SHOW = TaskKey(AppId("app"), TaskId("show"))
SPS, PPS, IDR, SLICE = (b"\0\0\0\1" + bytes((kind,)) + b"\xaa" * 30 for kind in (0x67, 0x68, 0x65, 0x41))
KEY = SPS + PPS + IDR
VIDEO = SendParameters(1, 102, 90_000, rtx=(2, 103))
AUDIO = SendParameters(3, 111, 48_000)


class Worker:
    """Presents a task (`switchboard.Publisher`)."""

    def __init__(self):
        self.asked, self.readers = 0, 0

    def want_key_frame(self):
        self.asked += 1

    def show(self, size, readers):
        self.readers = readers


class Scene:
    """Two tracks of a task, and players of them."""

    def __init__(self):
        self.now = 10**18
        self.board = Switchboard()
        self.changed = []
        self.programmes = Programmes(self.board, self.changed.append)
        self.video, self.audio = Worker(), Worker()
        self.present(1)

    def present(self, lease):
        """A worker's tracks."""
        offer = self.programmes.present
        self.pictures = offer(SHOW, lease, Kind.VIDEO, "h264", self.video, self.now)
        self.sounds = offer(SHOW, lease, Kind.AUDIO, "opus", self.audio, self.now)

    def player(self):
        """One that is connected."""
        player = Player(self)
        player.playback.offer(self.programmes.tracks(SHOW))
        player.playback.start()
        return player

    def picture(self, data=SLICE, *, key=False):
        """A frame of the worker, a tick after the one before."""
        self.now += 40_000_000
        rtp_time = self.now * 90_000 // 10**9 & 0xFFFFFFFF
        self.pictures.port.put(EncodedFrame(rtp_time, self.now, data, key=key), self.now)

    def sound(self):
        """Likewise."""
        rtp_time = self.now * 48_000 // 10**9 & 0xFFFFFFFF
        self.sounds.port.put(EncodedFrame(rtp_time, self.now, b"sound"), self.now)


class Player:
    """Notes what it is sent."""

    def __init__(self, scene):
        self.scene, self.rtp, self.rtcp = scene, [], []
        agreed = {Kind.VIDEO: ("h264", VIDEO), Kind.AUDIO: ("opus", AUDIO)}
        wire = Wire(self.rtp.append, self.rtcp.append)
        self.playback = Playback(agreed, "name", scene.board, lambda: scene.now, wire)

    def of(self, ssrc):
        """Its packets of one source."""
        return [packet for packet in (parse(data, 0) for data in self.rtp) if packet.ssrc == ssrc]

    def says(self, *parts):
        """RTCP to us."""
        self.playback.rtcp(build_receiver_report(9, ()) + b"".join(parts), self.scene.now)

    def reports(self, fraction):
        """A report about its pictures."""
        block = ReportBlock(1, fraction, 0, 0, 0, 0, 0)
        self.playback.rtcp(build_receiver_report(9, (block,)), self.scene.now)


@pytest.fixture
async def scene():
    """A task that is presented."""
    return Scene()


async def test_a_player_begins_with_a_key_frame_which_is_asked_for(scene):
    """Sound comes at once."""
    player = scene.player()
    scene.sound()
    scene.picture()
    assert (player.of(1), len(player.of(3)), scene.video.asked) == ([], 1, 1)
    scene.picture(KEY, key=True)
    scene.picture()
    assert [packet.marker for packet in player.of(1)] == [True, True]
    assert (scene.video.readers, scene.audio.readers) == (1, 1)


async def test_one_player_that_loses_too_much_is_given_a_pause(scene):
    """Its sound goes on, the other one sees everything; it comes back with a key frame that it asks for."""
    narrow, wide = scene.player(), scene.player()
    scene.picture(KEY, key=True)
    for _ in range(REPORTS):
        narrow.reports(MUCH)
    before = len(narrow.of(1))
    for _ in range(10):
        scene.picture()
        scene.sound()
    assert (len(narrow.of(1)), len(narrow.of(3)), len(wide.of(1))) == (before, 10, before + 10)
    assert scene.pictures.port.dropped == 10

    scene.now += PAUSE
    asked = scene.video.asked
    scene.picture()
    assert scene.video.asked == asked + 1
    scene.picture(KEY, key=True)
    assert len(narrow.of(1)) == before + 1
    assert narrow.playback.pauses == 1


async def test_a_large_picture_goes_out_in_bursts_and_the_queue_has_an_end(scene):
    """No more than so much waits; what does not fit is left out up to a key frame, and counted."""
    player = scene.player()
    large = SPS + PPS + IDR + b"\x11" * 1_100 * (BURST + 20)
    scene.picture(large, key=True)
    assert len(player.of(1)) == BURST
    for _ in range(MOST // BURST + 40):
        scene.picture(large, key=True)
    assert len(player.playback._pacer) < MOST + 2 * len(large) // 1_000
    assert scene.pictures.port.dropped > 0
    async with asyncio.timeout(10):
        while len(player.playback._pacer):
            await asyncio.sleep(0.01)
    sequences = [packet.sequence for packet in player.of(1)]
    assert sequences == list(range(len(sequences)))


async def test_a_nack_is_answered_on_the_source_for_that(scene):
    """With the very payload; of sound without RTX nothing strange comes."""
    player = scene.player()
    scene.picture(KEY, key=True)
    scene.picture()
    player.says(build_nack(9, 1, [1]))
    again = player.of(2)
    assert [packet.payload[2:] for packet in again] == [player.of(1)[1].payload]
    player.says(build_nack(9, 77, [1]))
    assert player.playback.packets_again == 1


async def test_wishes_for_key_frames_are_counted_out(scene):
    """One player may ask once a second, all of them together once in half a second."""
    one, two = scene.player(), scene.player()
    scene.picture(KEY, key=True)
    scene.now += PORT_EVERY
    asked = scene.video.asked
    for player in (one, one, two):
        player.says(build_pli(9, 1))
    assert scene.video.asked == asked + 1
    scene.now += KEY_FRAME_EVERY // 2
    one.says(build_pli(9, 1))
    assert scene.video.asked == asked + 1
    scene.now += KEY_FRAME_EVERY
    one.says(build_pli(9, 1))
    assert scene.video.asked == asked + 2


async def test_sound_and_picture_are_tied_by_reports(scene):
    """Both say which RTP time is now, under one name."""
    player = scene.player()
    scene.picture(KEY, key=True)
    scene.sound()
    player.playback._report()
    reports = [part for data in player.rtcp for part in parse_rtcp(data)[0] if isinstance(part, SenderReport)]
    assert {report.ssrc for report in reports} == {1, 3}
    assert len({report.ntp for report in reports}) == 1
    video = next(report for report in reports if report.ssrc == 1)
    assert video.rtp_time == player.of(1)[0].timestamp


async def test_the_next_worker_feeds_the_same_player(scene):
    """Numbers run on; the former one hears that nobody reads it."""
    player = scene.player()
    scene.picture(KEY, key=True)
    former = scene.pictures
    scene.present(2)
    assert scene.programmes.present(SHOW, 1, Kind.VIDEO, "h264", Worker(), scene.now) is None
    player.playback.offer(scene.programmes.tracks(SHOW))
    scene.picture(KEY, key=True)
    assert [packet.sequence for packet in player.of(1)] == [0, 1]
    scene.programmes.withdraw(former)
    assert scene.programmes.tracks(SHOW)[Kind.VIDEO] is scene.pictures


async def test_another_codec_is_not_for_this_player(scene):
    """Who agreed on H.264 cannot go on with H.265."""
    player = scene.player()
    scene.programmes.present(SHOW, 2, Kind.VIDEO, "h265", Worker(), scene.now)
    assert player.playback.offer(scene.programmes.tracks(SHOW)) is False


async def test_when_it_is_over_nothing_is_sent_or_read(scene):
    """Also what waits is forgotten."""
    player = scene.player()
    scene.picture(SPS + PPS + IDR + b"\x11" * 1_100 * (BURST + 20), key=True)
    sent = len(player.rtp)
    player.playback.close()
    scene.picture(KEY, key=True)
    await asyncio.sleep(0.05)
    assert len(player.rtp) == sent
    assert (scene.video.readers, scene.audio.readers) == (0, 0)


async def test_a_codec_that_we_cannot_send_is_not_presented(scene):
    """A worker of another version."""
    assert scene.programmes.present(SHOW, 9, Kind.VIDEO, "vp9", Worker(), scene.now) is None
    assert scene.programmes.tracks(SHOW)[Kind.VIDEO] is scene.pictures
