"""A publisher and a WebRTC endpoint, over real sockets."""

import asyncio
import contextlib
import dataclasses
import time
from itertools import pairwise

import pytest
from aiortc import RTCRtpSender

from openmpu.clients import marks, reading
from openmpu.clients.publish import publish
from openmpu.clients.publish_options import PublishOptions
from openmpu.errors import Denied, Invalid
from openmpu.model.geometry import PixelRect
from tests.clients.clips import write_clip
from tests.clients.decoding import slices
from tests.clients.test_clip_feeds import coded_slices
from tests.rig.waiting import until
from tests.rig.whip_peer import whip_peer

pytestmark = pytest.mark.e2e
WHOLE = PixelRect(0, 0, 320, 180)


@contextlib.asynccontextmanager
async def publishing(peer, **changes):
    """A publisher that is told to stop at the end; gives the list of its figures."""
    usual = PublishOptions(peer.url, "app", "room", "alice", token="token", width=320, height=180)
    figures = []
    task = asyncio.create_task(publish(dataclasses.replace(usual, **changes), figures.append))
    try:
        yield figures
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def first_session(peer, frames=40):
    """The first session once so many pictures have come."""
    await until(lambda: peer.sessions and "video" in peer.sessions[0].tracks)
    await until(lambda: len(peer.sessions[0].tracks["video"].frames) >= frames)
    return peer.sessions[0]


def unix_time(info):
    """NTP time of a sender report as nanoseconds of Unix time."""
    seconds, fraction = divmod(info.ntp_timestamp, 1 << 32)
    return (seconds - 2_208_988_800) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)


def capture_of(track, packet, clock_rate):
    """What the latest sender report says about when a packet's frame was captured."""
    info = track.reports[-1][1].sender_info
    ticks = (packet.timestamp - info.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
    return unix_time(info) + ticks * 1_000_000_000 // clock_rate


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_test_pictures_arrive(codec):
    """Numbers rise by one, the user's own tag, beside Opus with audio levels; path, source and token as told."""
    async with whip_peer() as peer, publishing(peer, video=codec):
        session = await first_session(peer)
        pictures = session.tracks["video"].frames[:40]
        await until(lambda: len(session.tracks["audio"].frames) > 20)
        level = session.tracks["audio"].packets[-1][1].extensions.audio_level
    read = [reading.read_mark(frame.to_ndarray()[:180], WHOLE) for frame in pictures]
    assert {mark.tag for mark in read} == {marks.tag_of("alice")}
    assert [after.number - before.number for before, after in pairwise(read)] == [1] * 39
    assert (session.path, session.query) == ("/whip/app/room/alice", {"source": "camera"})
    assert session.headers["authorization"] == "Bearer token"
    assert 10 < level[1] < 50


async def test_a_key_frame_comes_when_it_is_asked_for():
    """Soon after the PLI (frames under way count), and only then."""
    async with whip_peer() as peer, publishing(peer, audio="none") as figures:
        session = await first_session(peer)
        asked = len(session.tracks["video"].frames)
        await session.want_key()
        await until(lambda: len(session.tracks["video"].frames) >= asked + 20)
        frames = session.tracks["video"].frames
        await until(lambda: figures[-1].key_requests == 1 and figures[-1].key_frames == 2)
    keys = [place for place, frame in enumerate(frames) if frame.key_frame]
    assert keys[0] == 0
    assert len(keys) == 2
    assert asked - 1 <= keys[1] <= asked + 12


async def test_sender_reports_tell_capture_times_exactly():
    """Frame n was captured at n / fps, sound packets at multiples of 20 ms: to a tenth of a millisecond."""
    async with whip_peer() as peer, publishing(peer):
        session = await first_session(peer)
        tracks = session.tracks
        await until(lambda: tracks["video"].reports and tracks["audio"].reports)
        video = capture_of(tracks["video"], tracks["video"].packets[-1][1], 90_000)
        audio = capture_of(tracks["audio"], tracks["audio"].packets[-1][1], 48_000)
        number = reading.read_mark(tracks["video"].frames[-1].to_ndarray()[:180], WHOLE).number
    assert abs(video * 30 / 1e9 - round(video * 30 / 1e9)) / 30 < 1e-4
    assert abs(audio / 20e6 - round(audio / 20e6)) * 20 < 0.1
    assert abs(round(video * 30 / 1e9) % marks.NUMBER_RANGE - number) <= 2


async def test_frames_are_sent_when_they_are_captured():
    """No delay of the publisher's own: most leave within 20 ms of their moment."""
    async with whip_peer() as peer, publishing(peer):
        session = await first_session(peer, frames=60)
        await until(lambda: session.tracks["video"].reports)
        track = session.tracks["video"]
        late = sorted(arrival - capture_of(track, packet, 90_000) for arrival, packet in track.packets)
    assert late[0] > -2_000_000
    assert late[len(late) // 2] < 20_000_000


async def test_the_session_is_deleted_at_the_end():
    """When the time is over; the last figures say so."""
    async with whip_peer() as peer:
        figures = []
        options = PublishOptions(peer.url, "app", "room", "alice", key="appkey", width=320, height=180, seconds=2.5)
        begun = time.monotonic()
        await publish(options, figures.append)
        assert 2.4 < time.monotonic() - begun < 8
        assert [session.deleted for session in peer.sessions] == [True]
    assert figures[-1].state == "ended"
    assert figures[-1].frames > 20


async def test_a_lost_connection_is_made_anew():
    """The server ends it without a word: a new session comes, and begins with a key frame."""
    async with whip_peer() as peer, publishing(peer) as figures:
        session = await first_session(peer, frames=10)
        await session.drop()
        await until(lambda: len(peer.sessions) == 2 and "video" in peer.sessions[1].tracks)
        await until(lambda: len(peer.sessions[1].tracks["video"].frames) > 10)
        assert peer.sessions[1].tracks["video"].frames[0].key_frame
        assert figures[-1].connects == 2
        assert any(entry.state == "waiting" for entry in figures)


async def test_a_server_that_is_not_there_is_waited_for():
    """Refused connections, then it comes up."""
    async with whip_peer() as peer:
        peer.refuse_with = 503
        async with publishing(peer) as figures:
            await until(lambda: any(entry.state == "waiting" for entry in figures))
            assert "503" in figures[-1].last_error
            peer.refuse_with = None
            await first_session(peer, frames=1)


@pytest.mark.parametrize(("status", "kind"), [(401, Denied), (403, Denied), (400, Invalid)])
async def test_a_refusal_is_told_and_not_repeated(status, kind):
    """With the server's own word for it."""
    async with whip_peer() as peer:
        peer.refuse_with = status
        with pytest.raises(kind, match="token"):
            await publish(PublishOptions(peer.url, "app", "room", "alice", token="t", width=320, height=180))
        assert not peer.sessions


async def test_a_clip_goes_untouched_over_the_network(tmp_path):
    """The slices that arrive are those of the file, round after round."""
    path = write_clip(tmp_path / "clip.mp4", seconds=1, options={"profile": "high"})
    async with whip_peer() as peer, publishing(peer, input=str(path)):
        session = await first_session(peer, frames=60)
        track = session.tracks["video"]
        (codec,) = [entry for entry in _codecs(session) if entry.payloadType == track.packets[0][1].payload_type]
        got = [part for picture in track.pictures(codec)[:55] for part in slices(picture)]
    wanted = coded_slices(path)
    assert got == (wanted * 3)[: len(got)]
    assert len(got) >= 55


def _codecs(session):
    return [codec for entry in session.peer.getTransceivers() if entry.kind == "video" for codec in entry._codecs]


async def test_several_publishers_live_in_one_process():
    """Each with its own picture."""
    async with whip_peer() as peer, publishing(peer), publishing(peer, user_id="bob", video="vp8"):
        await until(lambda: len(peer.sessions) == 2 and all("video" in entry.tracks for entry in peer.sessions))
        await until(lambda: all(len(entry.tracks["video"].frames) > 10 for entry in peer.sessions))
        found = {
            session.path.rpartition("/")[2]: reading.read_mark(
                session.tracks["video"].frames[-1].to_ndarray()[:180], WHOLE
            ).tag
            for session in peer.sessions
        }
    assert found == {name: marks.tag_of(name) for name in ("alice", "bob")}


async def test_a_clip_that_does_not_loop_ends_by_itself(tmp_path):
    """All of it was sent, the session is deleted."""
    path = write_clip(tmp_path / "clip.mp4", seconds=1)
    async with whip_peer() as peer:
        options = PublishOptions(peer.url, "app", "room", "alice", token="token", input=str(path), loop=False)
        figures = []
        async with asyncio.timeout(20):
            await publish(options, figures.append)
        assert peer.sessions[0].deleted
    assert figures[-1].frames == 25


async def test_a_publisher_that_is_told_to_stop_deletes_its_session():
    """Cancelled, as the command is by SIGTERM."""
    async with whip_peer() as peer:
        async with publishing(peer) as figures:
            await first_session(peer, frames=5)
        assert peer.sessions[0].deleted
        assert figures[-1].state == "ended"


async def test_a_server_that_falls_silent_is_left_for_the_next():
    """No reports any more, though the connection seems to stand: a new session within seconds."""
    async with whip_peer() as peer, publishing(peer) as figures:
        session = await first_session(peer, frames=100)

        async def mute(_packet):
            pass

        for track in session.tracks.values():
            vars(track.receiver)["_send_rtcp"] = mute
        silent_since = time.monotonic()
        await until(lambda: len(peer.sessions) == 2)
        assert time.monotonic() - silent_since < 8
        assert any("nothing heard" in entry.last_error for entry in figures)


async def test_the_private_names_that_are_hooked_exist():
    """They are aiortc's own affair: this fails when an update renames one, and `sending.py` must follow."""
    for name in ("_send_keyframe", "_handle_rtcp_packet", "_next_encoded_frame", "_send_rtcp"):
        assert callable(getattr(RTCRtpSender, name))
