"""A real gateway process: publishers over real WebRTC, the test as its server and as its worker."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from openmpu.errors import Invalid, NotFound
from openmpu.model.codec import to_plain
from openmpu.model.roster import Kind, Source
from openmpu.wire import link
from tests.gateway import clips
from tests.gateway.publisher import TestPublisher, audio_track, video_track
from tests.gateway.rig import CHANNEL, gateway
from tests.rig.ice_restart import move, next_ice, restart_fragment
from tests.wire.whip_offers import OFFER

pytestmark = pytest.mark.e2e
H264, VP8 = ("libx264", "h264"), ("libvpx", "vp8")


@asynccontextmanager
async def publishing(rig, user, *, codec=H264, source="camera"):
    """A publisher of picture and sound, from its offer on."""
    publisher = TestPublisher((video_track(clips.video(codec[0])), codec[1]), (audio_track(clips.opus()), "opus"))
    try:
        published = await rig.server.publish(user, await publisher.offer(), source)
        await publisher.answered(published["sdp"])
        publisher.resource, publisher.etag = published["resource"], published["etag"]
        publisher.answer = published["sdp"]
        yield publisher
    finally:
        await publisher.close()


def count(worker, number):
    """How many frames came under a number."""
    return len(worker.frames.get(number, []))


def follows(got, clip):
    """Whether `got` is a run of the clip, played over and over."""
    start = clip.index(got[0])
    return got == [clip[(start + n) % len(clip)] for n in range(len(got))]


@pytest.mark.parametrize("codec", [H264, VP8], ids=["h264", "vp8"])
async def test_frames_arrive_untouched(tmp_path, codec):
    """Pictures and sound come out of the link as they were put in, from a key frame on, in order."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann", codec=codec):
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 30 and count(worker, 2) > 60)
    same = clips.nal_units if codec is H264 else bytes
    assert worker.frames[1][0].key
    assert follows([same(frame.data) for frame in worker.frames[1]], [same(one) for one in clips.video(codec[0])])
    assert follows([frame.data for frame in worker.frames[2]], list(clips.opus()))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_loopback_alone(tmp_path, address):
    """One machine without a network: media comes over loopback, IPv4 or IPv6, on a port of the range."""
    async with gateway(tmp_path, ice_addresses=(address,), udp_ports="41000-41099") as rig, rig.worker() as worker:
        publisher = TestPublisher((audio_track(clips.opus()), "opus"))
        published = await rig.server.publish("ann", await publisher.offer())
        (candidate,) = [line for line in published["sdp"].split("\r\n") if line.startswith("a=candidate")]
        assert f" {address} " in candidate
        assert 41_000 <= int(candidate.split()[5]) <= 41_099
        await publisher.answered(published["sdp"])
        await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1))
        await publisher.close()


async def test_hidden_addresses(tmp_path):
    """A publisher that tells mDNS names only, as browsers without a camera do, is reached by its own checks."""
    async with gateway(tmp_path) as rig:
        publisher = TestPublisher((audio_track(clips.opus()), "opus"))
        offer = re.sub(r"(a=candidate:\S+ 1 udp \d+) \S+", r"\1 1f0c.local", await publisher.offer())
        published = await rig.server.publish("ann", offer)
        await publisher.answered(published["sdp"])
        await rig.server.until(lambda: rig.server.users() == ["ann"])
        await publisher.close()


async def test_roster_of_a_user(tmp_path):
    """Server and worker hear of the user, the tracks and their codecs; the user leaves with the last connection."""
    async with gateway(tmp_path) as rig, rig.worker() as worker:
        worker.say(link.Watch(CHANNEL))
        async with publishing(rig, "ann"):
            await worker.until(lambda: worker.track("ann", "video") and worker.track("ann", "audio"))
            (user,) = worker.rosters[CHANNEL].users
            video, audio = user.track(Source.CAMERA, Kind.VIDEO), user.track(Source.CAMERA, Kind.AUDIO)
            assert (video.codec, video.clock_rate, video.channels) == ("h264", 90_000, 0)
            assert (audio.codec, audio.clock_rate, audio.channels) == ("opus", 48_000, 2)
        await rig.server.until(lambda: not rig.server.users())
        await worker.until(lambda: not worker.rosters[CHANNEL].users)


async def test_camera_and_screen(tmp_path):
    """Camera and screen are two connections of one user."""
    async with (
        gateway(tmp_path) as rig,
        rig.worker() as worker,
        publishing(rig, "ann"),
        publishing(rig, "ann", codec=VP8, source="screen"),
    ):
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "video", "screen")
        await worker.until(lambda: count(worker, 1) and count(worker, 2))
        assert rig.server.users() == ["ann"]


async def test_later_connection_replaces_the_earlier(tmp_path):
    """The same user again takes over: the earlier is cut off, the place in the order stays."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann") as first:
        await rig.server.until(lambda: rig.server.users() == ["ann"])
        async with publishing(rig, "bob"):
            await rig.server.until(lambda: rig.server.users() == ["ann", "bob"])
            track_id = await worker.subscribe(1, "ann", "video")
            async with publishing(rig, "ann"):
                await worker.until(lambda: worker.ended == [1])
                await worker.until(lambda: worker.track("ann", "video") not in (None, track_id))
                assert rig.server.users() == ["ann", "bob"]
                await _until(lambda: first.connection.connectionState == "closed")
                with pytest.raises(NotFound):
                    await rig.server.ask("unpublish", resource=first.resource)


async def _until(true):
    """Poll for what tells no news."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.02)


async def test_vanished_publisher(tmp_path):
    """Who stops without a word is gone within ten seconds."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann") as publisher:
        await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1))
        await publisher.vanish()
        await rig.server.until(lambda: not rig.server.users(), within_s=10)


async def test_muted_publisher_stays(tmp_path):
    """Who sends no media but answers is there."""
    async with gateway(tmp_path) as rig, publishing(rig, "ann") as publisher:
        await rig.server.until(lambda: rig.server.rosters.get(CHANNEL) and rig.server.rosters[CHANNEL].users[0].tracks)
        for track in publisher.tracks:
            track.muted = True
        with pytest.raises(TimeoutError):
            await rig.server.until(lambda: not rig.server.users(), within_s=10)


async def test_late_reader_gets_a_key_frame_first(tmp_path):
    """Who subscribes in the middle begins with a key frame, and sees the same as the others from there."""
    async with gateway(tmp_path) as rig, rig.worker() as early, rig.worker() as late, publishing(rig, "ann"):
        await early.subscribe(1, "ann", "video")
        await early.until(lambda: count(early, 1) > 5)
        await late.subscribe(9, "ann", "video")
        await late.until(lambda: count(late, 9) > 10)
        first = late.frames[9][0]
        await early.until(lambda: any(frame.data == first.data for frame in early.frames[1]))
        assert (first.key, first.lost) == (True, 0)


async def test_slow_reader(tmp_path):
    """A worker that does not read loses frames up to a key frame; the other one loses nothing."""
    pictures = clips.video("libx264", 2, 1280, 720)
    publisher = TestPublisher((video_track([picture + _ballast(picture) for picture in pictures]), "h264"))
    async with gateway(tmp_path) as rig, rig.worker() as slow, rig.worker() as quick:
        published = await rig.server.publish("ann", await publisher.offer())
        await publisher.answered(published["sdp"])
        await slow.subscribe(1, "ann", "video")
        await quick.subscribe(1, "ann", "video")
        await slow.until(lambda: count(slow, 1))
        slow.reading.clear()
        await rig.server.until(lambda: _dropped(rig.server), within_s=30)
        got = count(slow, 1)
        slow.reading.set()
        await slow.until(lambda: any(frame.lost for frame in slow.frames[1][got:]), within_s=30)
        await publisher.close()
    resumed = next(frame for frame in slow.frames[1][got:] if frame.lost)
    assert resumed.key
    assert sum(frame.lost for frame in quick.frames[1]) == 0


def _ballast(picture):
    """An SEI message that decoders pass over, to fill buffers quickly."""
    return b"\0\0\0\1\x06\x05" + b"\xff" * 470 + b"\x10" + os.urandom(40_000).replace(b"\0", b"\1") + b"\x80"


def _dropped(server):
    return any(track["dropped"] for figures in server.figures for track in figures["tracks"])


@pytest.mark.parametrize("offer", ["", "hello", OFFER.replace("a=setup:actpass", "a=setup:x"), "v=0\r\n"])
async def test_malformed_offer_leaves_nothing(tmp_path, offer):
    """A malformed offer is refused, and nothing of it stays: no socket, no peer."""
    async with gateway(tmp_path) as rig:
        files = _open_files(rig.process.pid)
        with pytest.raises(Invalid) as caught:
            await rig.server.publish("ann", offer)
        assert caught.value.subject == "sdp"
        assert _open_files(rig.process.pid) == files
        await rig.server.until(lambda: rig.server.figures)
        assert rig.server.figures[-1]["process"]["peers"] == 0


def _open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_malformed_fragments(tmp_path):
    """A malformed fragment, a foreign ETag and an unknown resource are refused; the publication goes on."""
    async with gateway(tmp_path) as rig, publishing(rig, "ann") as publisher:
        ask = {"resource": publisher.resource, "fragment": "a=end-of-candidates\r\n", "etag": publisher.etag}
        for changes, kind in (
            ({"fragment": "nonsense"}, Invalid),
            ({"etag": "foreign"}, Invalid),
            ({"resource": "unknown"}, NotFound),
        ):
            with pytest.raises(kind):
                await rig.server.ask("trickle", **{**ask, **changes})
        assert (await rig.server.ask("trickle", **ask))["etag"] == publisher.etag
        await rig.server.until(lambda: rig.server.users() == ["ann"])


async def test_trickled_candidates(tmp_path):
    """An offer without candidates connects by those that follow."""
    publisher = TestPublisher((audio_track(clips.opus()), "opus"))
    async with gateway(tmp_path) as rig:
        offer = await publisher.offer()
        lines = offer.split("\r\n")
        candidates = [line for line in lines if line.startswith(("a=candidate", "a=end-of-candidates"))]
        published = await rig.server.publish("ann", "\r\n".join(line for line in lines if line not in candidates))
        await publisher.answered(published["sdp"])
        fragment = "\r\n".join([*candidates, ""])
        await rig.server.ask("trickle", resource=published["resource"], fragment=fragment, etag=published["etag"])
        await rig.server.until(lambda: rig.server.users() == ["ann"])
        await publisher.close()


async def test_ice_restart(tmp_path):
    """New credentials get new ones of ours; once the new session is up media flows over it, and the old may die."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann") as publisher:
        track_id = await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1))
        ice = await next_ice()
        answered = await rig.server.ask(
            "trickle", resource=publisher.resource, fragment=restart_fragment(ice), etag=None
        )
        assert answered["etag"] != publisher.etag
        await move(publisher.connection.getTransceivers()[0].sender.transport.transport, ice, answered["sdp"])
        seen = count(worker, 1)
        await worker.until(lambda: count(worker, 1) > seen + 50)
        assert worker.track("ann", "audio") == track_id
        assert rig.server.users() == ["ann"]
        await ice.close()


async def test_remove_user_and_close_channel(tmp_path):
    """A user can be removed, and a channel closed; both tell whether or not anybody was there."""
    async with gateway(tmp_path) as rig, publishing(rig, "ann"), publishing(rig, "bob"):
        await rig.server.until(lambda: set(rig.server.users()) == {"ann", "bob"})
        assert await rig.server.ask("remove_user", channel=to_plain(CHANNEL), user_id="ann") is True
        await rig.server.until(lambda: rig.server.users() == ["bob"])
        assert await rig.server.ask("remove_user", channel=to_plain(CHANNEL), user_id="ann") is False
        await rig.server.ask("close_channel", channel=to_plain(CHANNEL))
        await rig.server.until(lambda: rig.server.users() == [])


async def test_figures(tmp_path):
    """Once a second the server hears how process and tracks are doing."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann"):
        await worker.subscribe(1, "ann", "video")
        await rig.server.until(lambda: any(_lively(figures) for figures in rig.server.figures))
        figures = rig.server.figures[-1]
        assert (figures["process"]["peers"], figures["process"]["links"]) == (1, 1)
        assert figures["process"]["memory_mb"] > 10


def _lively(figures):
    videos = [track for track in figures["tracks"] if track["kind"] == "video"]
    return bool(videos) and 20 < videos[0]["fps"] < 30 and videos[0]["readers"] == 1 and videos[0]["bitrate"] > 10_000


async def test_link_is_private(tmp_path):
    """Only our own user can open the link."""
    async with gateway(tmp_path) as rig:
        assert stat.S_IMODE((rig.folder / "link.sock").stat().st_mode) == 0o600


async def test_broken_link_hurts_nobody(tmp_path):
    """A link that talks nonsense is closed; the others go on."""
    async with gateway(tmp_path) as rig, rig.worker() as worker:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "link.sock")
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 10)
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        worker.say(link.Watch(CHANNEL))
        await worker.until(lambda: CHANNEL in worker.rosters)


async def test_stop_ends_it(tmp_path):
    """The server's stop ends the process in good order: publishers hear of it."""
    async with gateway(tmp_path) as rig, publishing(rig, "ann") as publisher:
        await rig.server.until(lambda: rig.server.users() == ["ann"])
        await rig.server.ask("stop")
        assert await asyncio.wait_for(rig.process.wait(), 5) == 0
        await _until(lambda: publisher.connection.connectionState == "closed")
        assert not (tmp_path / "link.sock").exists()


async def test_next_server_finds_everything(tmp_path):
    """A new server on the same socket hears who is there; publishers and workers notice nothing."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "ann"):
        await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 10)
        rig.server.hello = {}
        rig.server.channel.close()
        await rig.server.until(lambda: rig.server.hello)
        (known,) = rig.server.hello["rosters"]
        assert known["channel"] == to_plain(CHANNEL)
        assert [user["user_id"] for user in known["roster"]["users"]] == ["ann"]
        assert rig.server.hello["pid"] == rig.process.pid
        seen = count(worker, 1)
        await worker.until(lambda: count(worker, 1) > seen + 10)


async def test_orphan_ends_by_itself(tmp_path):
    """Without a server the gateway ends after its grace time."""
    async with gateway(tmp_path, grace_s=1.0) as rig:
        (tmp_path / "control.sock").unlink()
        rig.server.channel.close()
        assert await asyncio.wait_for(rig.process.wait(), 8) == 0


async def test_bad_options_are_told(tmp_path):
    """A gateway that cannot run says why and ends with status 1."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openmpu.gateway", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate(b"{}\n")
    assert process.returncode == 1
    assert b"GatewayOptions" in errors or b"cannot be read" in errors
    assert b"Traceback" not in errors
