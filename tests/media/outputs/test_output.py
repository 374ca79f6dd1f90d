"""Outputs against our own receiver: the stream, reconnects, ends, and neighbours."""

import asyncio
import itertools
import time
from dataclasses import replace

import av
import pytest

from openmpu.errors import Invalid
from openmpu.media.outputs import sockets
from openmpu.media.outputs.failure import ErrorCode, Step
from openmpu.media.outputs.outage import GivenUp
from openmpu.media.outputs.report import OutputState
from openmpu.media.outputs.settings import ConnectionSettings, OutputSettings, Policy
from openmpu.media.packets import Packet
from openmpu.model.urls import IngestUrl
from openmpu.timing.backoff import Backoff
from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import TagKind
from tests.media.outputs.media import SECOND, pictures, stream
from tests.media.outputs.rig import KEY, playing, receiving, running, spoilt, until

pytestmark = pytest.mark.e2e

QUICK = OutputSettings(
    connection=ConnectionSettings(limits_s=dict.fromkeys(Step, 0.4), stall=SECOND, check=SECOND // 10),
    policy=Policy(backoff=Backoff(SECOND // 50, SECOND // 10), refusal_wait=0, in_use_wait=0),
)
"""Short limits where a test waits for one."""


def media(tags):
    return [tag for tag, _ in tags if about(tag).role in (Role.KEY_FRAME, Role.FRAME, Role.SOUND)]


def videos(tags):
    return [tag for tag in media(tags) if tag.kind is TagKind.VIDEO]


async def test_a_stream_arrives_whole(tmp_path):
    """Every picture and sound frame from the first key frame on, with its time, in a file that FFmpeg reads."""
    save = tmp_path / "out.flv"
    async with receiving(save=save) as (receiver, tags), playing() as studio:
        async with running(receiver.url, studio) as run:
            await run.pushing()
            await until(lambda: len(videos(tags)) > 60)
            await run.output.stop(2)
            assert run.states == [OutputState.CONNECTING, OutputState.PUSHING, OutputState.ENDED]
        await until(lambda: not receiver.figures().live)
        first = videos(tags)[0].timestamp
        pts = [round(packet.pts / 1e6) for packet in studio.sent if packet.kind == "video"]
        assert [tag.timestamp for tag in videos(tags)] == pts[pts.index(first) :][: len(videos(tags))]
    with av.open(str(save)) as file:
        context = file.streams.video[0].codec_context
        assert (context.width, context.height, context.profile) == (320, 180, "High")
        assert sum(1 for _ in file.decode(video=0)) == len(videos(tags))


async def test_it_begins_with_metadata_headers_and_a_key_frame():
    """Nothing comes before what a player needs to begin."""
    async with receiving() as (receiver, tags), playing() as studio, running(receiver.url, studio):
        await until(lambda: len(tags) > 5)
    roles = [about(tag).role for tag, _ in tags[:4]]
    assert roles == [Role.METADATA, Role.HEADER, Role.HEADER, Role.KEY_FRAME]
    assert studio.keys_asked >= 1


async def test_back_by_itself_with_a_key_frame_and_running_time():
    """The server goes and comes back: the picture starts at a key frame asked for, pts run on, sound and picture meet."""
    async with playing() as studio, receiving() as (receiver, before):
        url = receiver.url
        async with running(url, studio) as run:
            await run.pushing()
            await until(lambda: len(videos(before)) > 10)
            await receiver.stop()
            await until(lambda: run.report.state is not OutputState.PUSHING, 1)
            async with receiving(url) as (_, after):
                await until(lambda: len(videos(after)) > 30)
                assert run.report.connects == 2
                assert run.report.retries >= 1
                assert [about(tag).role for tag, _ in after[:4]][3] is Role.KEY_FRAME
    assert OutputState.INTERRUPTED in run.states
    key = videos(after)[0]
    assert key.timestamp > videos(before)[-1].timestamp
    sound = next(tag for tag in media(after) if tag.kind is TagKind.AUDIO)
    assert abs(sound.timestamp - key.timestamp) <= 40


async def test_first_retry_within_half_a_second():
    """A server that comes back at once is used again at once."""
    async with playing() as studio, receiving() as (receiver, _), running(receiver.url, studio) as run:
        await run.pushing()
        for guest in tuple(receiver._guests):
            guest.abort()
        assert await until(lambda: receiver.figures().connects == 2) < 1  # half a second, and the connect


async def test_sound_only():
    """Without video there is no waiting for a key frame and no video tag."""
    async with receiving() as (receiver, tags), playing(with_video=False) as studio, running(receiver.url, studio):
        await until(lambda: len(tags) > 20)
    assert {tag.kind for tag, _ in tags} == {TagKind.DATA, TagKind.AUDIO}
    assert studio.keys_asked == 0


async def test_sound_goes_ahead_of_pictures_that_do_not_come():
    """A muted camera does not keep the sound: after some patience it goes alone, and key frames are asked for again."""
    patient = replace(QUICK, key_patience=SECOND // 2)
    async with (
        receiving() as (receiver, tags),
        playing(with_video=False) as studio,
        running(receiver.url, studio, patient, stream()),
    ):
        await until(lambda: len(media(tags)) > 10)
        studio.outputs[0].put(pictures()[0])
        await until(lambda: videos(tags))
    assert studio.keys_asked >= 2
    assert Role.HEADER in [about(tag).role for tag, _ in tags if tag.kind is TagKind.VIDEO]


async def test_a_change_of_format_keeps_the_connection():
    """Another size goes out on the same connection behind its own header."""
    async with (
        receiving() as (receiver, tags),
        playing(with_audio=False) as studio,
        running(receiver.url, studio, form=stream(audio=False)) as run,
    ):
        await until(lambda: len(videos(tags)) > 10)
        studio.outputs.remove(run.output)
        run.output.change(stream(640, 360, audio=False))
        for packet in pictures(640, 360):
            run.output.put(replace(packet, pts=packet.pts + 60 * SECOND))
        studio.outputs.append(run.output)
        studio.with_video = False
        await until(lambda: any(tag.timestamp > 61_900 for tag in videos(tags)))
        assert run.report.connects == 1
    headers = [tag for tag, _ in tags if tag.kind is TagKind.VIDEO and about(tag).role is Role.HEADER]
    assert len(headers) == 2


async def test_running_pts_past_the_24_bits_of_a_chunk():
    """After 5 hours and again after 49 days times come through whole."""
    for start in (5 * 3600 * SECOND, ((1 << 32) - 1000) * 1_000_000):
        async with receiving() as (receiver, tags), playing(start=start) as studio, running(receiver.url, studio):
            await until(lambda tags=tags: len(videos(tags)) > 60)
        steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in zip(videos(tags), videos(tags)[1:], strict=False)}
        assert steps == {40}


async def test_stop_lets_the_queue_go_out():
    """What was put before the stop arrives, then the stream ends in good order."""
    async with receiving() as (receiver, tags), playing() as studio, running(receiver.url, studio) as run:
        await run.pushing()
        studio.outputs.clear()
        last = videos(tags)[-1].timestamp if videos(tags) else 0
        for packet in pictures()[:25]:
            run.output.put(replace(packet, pts=packet.pts + (last + 40_000) * 1_000_000))
        studio.outputs.append(run.output)
        await run.output.stop(5)
        await run.job
        assert videos(tags)[-1].timestamp == last + 40_000 + 24 * 40
        assert run.report.state is OutputState.ENDED


async def test_stop_is_quick_when_the_peer_is_not():
    """A server that does not read cannot hold a stop past its deadline."""
    async with spoilt("media") as (url, _), playing() as studio, running(url, studio) as run:
        await run.pushing()
        async with asyncio.timeout(1.5):
            await run.output.stop(0.5)
        await asyncio.wait_for(run.job, 1)


async def test_stop_while_connecting():
    """An attempt that hangs ends with the stop, and nothing is tried afterwards."""
    async with spoilt("connect") as (url, home), playing() as studio, running(url, studio) as run:
        await until(lambda: home)
        await asyncio.wait_for(run.output.stop(1), 1)
        assert run.report.state is OutputState.ENDED
        assert len(home) == 1


async def test_put_after_the_end_does_nothing():
    """A late packet is no error."""
    async with receiving() as (receiver, _), playing() as studio, running(receiver.url, studio) as run:
        await run.pushing()
        await run.output.stop(1)
        run.output.put(pictures()[0])
        run.output.put(Packet(pictures()[0].kind, -1, b"", False))


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        ("handshake", ErrorCode.HANDSHAKE_FAILED),
        ("connect", ErrorCode.CANNOT_CONNECT),
        ("publish", ErrorCode.CANNOT_CONNECT),
    ],
)
async def test_accepts_and_says_nothing(stage, code):
    """A server mute at any step is left within the step's limit; the step is told; another attempt follows."""
    async with spoilt(stage) as (url, home), playing() as studio, running(url, studio, QUICK) as run:
        failure = await run.failed(2)
        assert (failure.step, failure.error_code) == (Step(stage), code)
        assert "in time" in failure.last_error
        await until(lambda: len(home) > 1, 2)


async def test_a_reader_that_stops_is_found():
    """A server that acknowledges and then reads no more is found within 5 s, by default settings."""
    async with spoilt("media", read=100_000) as (url, home), playing() as studio, running(url, studio) as run:
        await until(lambda: home and home[0].froze_at)
        await until(lambda: run.report.state is OutputState.INTERRUPTED, 30)
        took = time.monotonic() - home[0].froze_at
        assert run.report.error_code is ErrorCode.CONNECTION_LOST
        assert run.report.last_error == "the server reads no more"
    assert took < 5.2  # 5 s, and what a busy machine adds


async def test_a_reader_that_never_acknowledged_is_found():
    """Without acknowledgements it shows when the buffers on the way are full."""
    async with spoilt("media") as (url, _), playing() as studio, running(url, studio) as run:
        await until(lambda: run.report.state is OutputState.INTERRUPTED, 30)
        assert run.report.last_error == "the server takes no more data"


async def test_a_frozen_neighbour_costs_nothing():
    """Two outputs, one server frozen: the other one's stream is gapless all the while."""
    async with (
        receiving() as (receiver, tags),
        spoilt("media") as (frozen, _),
        playing() as studio,
        running(receiver.url, studio) as good,
        running(frozen, studio, QUICK) as bad,
    ):
        await good.pushing()
        await bad.pushing()
        await until(lambda: bad.report.retries, 20)
        assert good.report.frames_dropped == 0
    times = [tag.timestamp for tag in videos(tags)]
    assert {after - before for before, after in itertools.pairwise(times)} == {40}


async def test_refused_three_times_is_given_up():
    """A publish that is refused again and again ends with the URL to blame, and the server's own words."""
    async with receiving() as (receiver, _), playing() as studio:
        url = receiver.url.replace("/x", f"/{KEY}")
        async with running(url, studio, QUICK) as run:
            await run.job
            assert run.states == [OutputState.CONNECTING, OutputState.GIVEN_UP]
            assert (run.report.given_up, run.report.error_code) == (GivenUp.URL, ErrorCode.REFUSED)
            assert run.report.last_error == "publish refused by the server: NetStream.Publish.BadName (no such stream)"
            assert run.report.retries == 2


async def test_network_is_given_up_by_policy():
    """Nobody there: after the attempts and the time of the policy, the network is to blame."""
    async with receiving() as (receiver, _):
        url = receiver.url
    few = replace(QUICK, policy=replace(QUICK.policy, max_attempts=3, least=0))
    async with playing() as studio, running(url, studio, few) as run:
        await run.job
    assert (run.report.given_up, run.report.error_code) == (GivenUp.NETWORK, ErrorCode.CANNOT_CONNECT)
    assert (run.report.step, run.report.last_error) == (Step.TCP, "cannot connect to the server")


async def test_a_name_in_use_is_waited_for():
    """While another one publishes we are refused, wait, and get in when he is gone."""
    async with receiving() as (receiver, _), playing() as studio, running(receiver.url, studio) as first:
        await first.pushing()
        patient = replace(QUICK, policy=replace(QUICK.policy, max_refusals=None, in_use_wait=SECOND // 5))
        async with running(receiver.url, studio, patient) as second:
            assert (await second.failed()).last_error.endswith("(somebody publishes already)")
            await first.output.stop(1)
            await second.pushing()


async def test_unreachable_addresses_all_look_the_same():
    """Closed and forbidden: same code, same step, same sentence (security.md S3), and nothing is connected to."""
    async with receiving() as (receiver, _), playing() as studio:
        async with running(receiver.url, studio, QUICK, allowed=lambda _address: False) as run:
            forbidden = await run.failed()
        assert not receiver._guests
        url = receiver.url
        await receiver.stop()
        async with running(url, studio, QUICK) as run:
            closed = await run.failed()
    assert replace(forbidden, frames_missed=0) == replace(closed, frames_missed=0)


async def test_the_key_is_nowhere(caplog, capfd):
    """Reports, logs and representations of a refused, a broken and a good connection do not hold the key."""
    async with receiving(f"rtmp://127.0.0.1:0/live/{KEY}") as (receiver, _), playing() as studio:
        url = f"{receiver.url}?sign=s1gnature"
        async with running(url, studio, QUICK) as run:
            await run.pushing()
        async with running(url.replace("/live/", "/other/"), studio, QUICK) as refused:
            await refused.failed()
        seen = repr((run.told, refused.told, run.output, run.output.__dict__)) + str(run.report)
    out, err = capfd.readouterr()
    for secret in (KEY, "s1gnature"):
        assert secret not in seen + out + err + caplog.text


async def test_a_server_of_another_kind():
    """A web server at the other end is told as what it is not."""

    async def answer(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, playing() as studio:
        url = f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/x"
        async with running(url, studio, QUICK) as run:
            failure = await run.failed()
    assert (failure.step, failure.error_code) == (Step.HANDSHAKE, ErrorCode.HANDSHAKE_FAILED)
    assert "not an RTMP version 3 handshake" in failure.last_error


async def test_a_fault_of_the_owner_does_not_end_the_stream():
    """A listener that raises is logged, and the stream goes on."""
    async with receiving() as (receiver, tags), playing() as studio, running(receiver.url, studio) as run:
        run.output._on_change = lambda _report: 1 / 0
        await until(lambda: len(videos(tags)) > 5)


async def test_twenty_reconnects():
    """After each of 20 cuts: back, at a key frame, pts running on, sound and picture within 40 ms."""
    settings = replace(QUICK, policy=replace(QUICK.policy, steady=0))
    async with receiving() as (receiver, tags), playing() as studio, running(receiver.url, studio, settings) as run:
        for cut in range(1, 21):
            await until(lambda cut=cut: run.report.connects == cut and run.report.state is OutputState.PUSHING)
            mark = len(tags)
            await until(lambda mark=mark: len(videos(tags[mark:])) > 2)
            for guest in tuple(receiver._guests):
                guest.abort()
    starts = [place for place, (tag, _) in enumerate(tags) if tag.kind is TagKind.DATA]
    assert len(starts) == 20
    for start in starts:
        head = [about(tag).role for tag, _ in tags[start : start + 4]]
        assert head == [Role.METADATA, Role.HEADER, Role.HEADER, Role.KEY_FRAME]
    times = [tag.timestamp for tag in videos(tags)]
    assert times == sorted(times)


async def test_a_bug_of_ours_costs_one_attempt(monkeypatch):
    """An exception that nobody foresaw is logged, and the next attempt goes on."""
    faults = iter([ValueError("boom")])

    def acknowledged(_sock):
        for fault in faults:
            raise fault

    async with receiving() as (receiver, _), playing() as studio, running(receiver.url, studio, QUICK) as run:
        await run.pushing()
        monkeypatch.setattr(sockets, "acknowledged", acknowledged)
        failure = await run.failed()
        assert failure.last_error == "the connection failed by a fault of ours"
        await until(lambda: run.report.connects == 2)
        await run.pushing()


def test_urls_that_cannot_be():
    """A malformed URL never becomes an output (models.md 15)."""
    with pytest.raises(Invalid):
        IngestUrl.parse("rtmp://host/onlyapp live=1")
