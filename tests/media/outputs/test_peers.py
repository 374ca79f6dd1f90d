"""Outputs against real servers: nginx with its RTMP module, FFmpeg listening, TLS."""

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from dataclasses import replace

import av
import pytest

from openmpu.media.outputs.failure import ErrorCode, Step
from openmpu.media.outputs.outage import GivenUp
from openmpu.media.outputs.report import OutputState
from openmpu.media.outputs.settings import ConnectionSettings, OutputSettings
from openmpu.wire.rtmp.messages import TagKind
from tests.media.outputs.media import FPS, SECOND, pictures, stream
from tests.media.outputs.rig import (
    KEY,
    Nginx,
    certificate,
    free_port,
    is_open,
    playing,
    program,
    receiving,
    running,
    spawn,
    spoilt,
    until,
)
from tests.media.outputs.test_output import QUICK

pytestmark = pytest.mark.e2e


@pytest.fixture
async def nginx(tmp_path):
    """A running one."""
    server = Nginx(tmp_path)
    await server.start()
    yield server
    server.kill()


def pts_of(path):
    """Codec, size and picture times of a file, read by FFmpeg; every picture must decode."""
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        facts = (context.name, context.profile, context.width, context.height, file.streams.audio[0].codec_context.name)
        return facts, [frame.pts for frame in file.decode(video=0)]


async def test_nginx_takes_the_stream(nginx):
    """What nginx recorded is H.264 High and AAC, gapless, and was ended in good order."""
    async with playing() as studio, running(nginx.url, studio) as run:
        await run.pushing()
        await until(lambda: run.report.frames_sent > 2 * FPS)
        await run.output.stop(2)
    await until(lambda: "deleteStream" in (nginx.folder / "error.log").read_text())
    facts, pts = pts_of(nginx.recordings[0])
    assert facts == ("h264", "High", 320, 180, "aac")
    assert len(pts) == run.report.frames_sent
    assert {after - before for before, after in itertools.pairwise(pts)} == {1000 // FPS}


async def test_nginx_takes_times_past_24_bits(nginx):
    """A stream that has run for five hours goes on: nginx and FFmpeg see the same distances."""
    async with playing(start=5 * 3600 * SECOND) as studio, running(nginx.url, studio) as run:
        await until(lambda: run.report.frames_sent > 2 * FPS)
        await run.output.stop(2)
    _, pts = pts_of(nginx.recordings[0])
    assert {after - before for before, after in itertools.pairwise(pts)} == {1000 // FPS}


async def test_nginx_killed_and_started_again(nginx):
    """The server dies and comes back: so does the stream, by itself, from a key frame."""
    async with playing() as studio, running(nginx.url, studio) as run:
        await run.pushing()
        await until(lambda: run.report.frames_sent > 10)
        nginx.kill()
        assert await until(lambda: run.report.state is not OutputState.PUSHING) < 1
        await nginx.start()
        await run.pushing()
        await until(lambda: run.report.frames_sent > 2 * FPS)
        await run.output.stop(2)
    assert run.states[1:5] == [
        OutputState.PUSHING,
        OutputState.INTERRUPTED,
        OutputState.CONNECTING,
        OutputState.PUSHING,
    ]
    facts, pts = pts_of(nginx.recordings[-1])
    assert facts[0] == "h264"
    assert pts


async def test_nginx_refuses(nginx):
    """A publish that nginx denies is a refusal, and after three of them the URL is to blame."""
    url = nginx.url.replace("/live/", "/closed/")
    async with playing() as studio, running(url, studio, QUICK) as run:
        await run.job
    assert (run.report.step, run.report.error_code) == (Step.PUBLISH, ErrorCode.REFUSED)
    assert run.report.given_up is GivenUp.URL
    assert KEY not in run.report.last_error


async def test_nginx_knows_no_such_application(nginx):
    """An application that nginx does not have is refused at connect."""
    url = nginx.url.replace("/live/", "/nosuch/")
    async with playing() as studio, running(url, studio, QUICK) as run:
        failure = await run.failed()
    assert (failure.step, failure.error_code) == (Step.CONNECT, ErrorCode.REFUSED)


async def test_nginx_frozen_is_found_within_five_seconds(nginx):
    """SIGSTOP: the kernel goes on taking bytes, and still it is noticed; once thawed the stream is back."""
    async with playing() as studio, running(nginx.url, studio) as run:
        await run.pushing()
        await until(lambda: run.report.frames_sent > 2 * FPS)
        nginx.kill(signal.SIGSTOP)
        took = await until(lambda: run.report.state is OutputState.INTERRUPTED)
        assert took < 5.2  # 5 s, and what a busy machine adds
        nginx.kill(signal.SIGCONT)
        thawed = time.monotonic()
        await run.pushing(20)
        assert time.monotonic() - thawed < 12  # a name in use is asked for again after ten seconds


async def test_two_publishers_of_one_name(nginx):
    """Nginx refuses the second one by BadName, which is told as it is."""
    async with playing() as studio, running(nginx.url, studio) as first:
        await first.pushing()
        async with running(nginx.url, studio, QUICK) as second:
            failure = await second.failed()
    assert (failure.step, failure.error_code) == (Step.PUBLISH, ErrorCode.REFUSED)
    assert "NetStream.Publish.BadName" in failure.last_error


async def test_ffmpeg_listening(tmp_path):
    """FFmpeg as a server takes the stream and has no complaint."""
    port, file = free_port(), tmp_path / "out.flv"
    command = [program("ffmpeg"), "-v", "warning", "-nostdin", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/x"]
    process = spawn(*command, "-c", "copy", str(file), stderr=subprocess.PIPE)
    try:
        async with playing() as studio, running(f"rtmp://127.0.0.1:{port}/live/x", studio) as run:
            await run.pushing(20)
            await until(lambda: run.report.frames_sent > 2 * FPS)
            await run.output.stop(2)
        _, complaints = await asyncio.to_thread(process.communicate, timeout=10)
    finally:
        process.kill()
        process.wait()
    facts, pts = pts_of(file)
    assert facts == ("h264", "High", 320, 180, "aac")
    assert len(pts) == run.report.frames_sent
    # FFmpeg calls the end of what it listens to an input/output error.
    assert [line for line in complaints.decode().splitlines() if "Input/output error" not in line] == []


async def test_ffprobe_has_no_complaint(tmp_path):
    """What our receiver saved is a clean file to ffprobe."""
    save = tmp_path / "out.flv"
    async with receiving(save=save) as (receiver, _), playing() as studio, running(receiver.url, studio) as run:
        await until(lambda: run.report.frames_sent > FPS)
        await run.output.stop(2)
    command = [program("ffprobe"), "-v", "warning", "-show_entries", "stream=codec_name,profile", "-of", "csv=p=0"]
    done = await asyncio.to_thread(subprocess.run, [*command, str(save)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert set(done.stdout.split()) == {"h264,High", "aac,LC"}


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_rtmps(tmp_path, name):
    """Over TLS, with a certificate for an address or a name, the stream arrives as without."""
    ca_file, context = certificate(tmp_path, name)
    settings = OutputSettings(ConnectionSettings(ca_file=ca_file))
    async with receiving(tls=context) as (receiver, tags), playing() as studio:
        url = receiver.url.replace("127.0.0.1", name)
        async with running(url, studio, settings) as run:
            await until(lambda: sum(tag.kind is TagKind.VIDEO for tag, _ in tags) > FPS)
            await run.output.stop(2)
            assert url.startswith("rtmps:")
        await until(lambda: not receiver.figures().live)


async def test_rtmps_wrong_name(tmp_path):
    """A certificate for another name is refused, and the report says why."""
    ca_file, context = certificate(tmp_path, "elsewhere.example")
    settings = replace(QUICK, connection=replace(QUICK.connection, ca_file=ca_file))
    async with receiving(tls=context) as (receiver, tags), playing() as studio:
        async with running(receiver.url, studio, settings) as run:
            failure = await run.failed()
        assert not tags
    assert (failure.step, failure.error_code) == (Step.TLS, ErrorCode.HANDSHAKE_FAILED)
    assert "certificate" in failure.last_error
    assert "127.0.0.1" in failure.last_error


async def test_rtmps_unknown_certificate(tmp_path):
    """A certificate that nobody vouches for is refused."""
    _, context = certificate(tmp_path, "127.0.0.1")
    async with (
        receiving(tls=context) as (receiver, _),
        playing() as studio,
        running(receiver.url, studio, QUICK) as run,
    ):
        failure = await run.failed()
    assert failure.step is Step.TLS
    assert "self-signed certificate" in failure.last_error


async def test_rtmps_to_a_plain_server():
    """A server without TLS is told as such."""
    async with (
        receiving() as (receiver, _),
        playing() as studio,
        running(receiver.url.replace("rtmp:", "rtmps:"), studio, QUICK) as run,
    ):
        failure = await run.failed()
    assert (failure.step, failure.error_code) == (Step.TLS, ErrorCode.HANDSHAKE_FAILED)


async def test_rtmps_mute():
    """A server that accepts and says nothing is left within the limit of the TLS step."""
    async with (
        spoilt("handshake") as (url, home),
        playing() as studio,
        running(url.replace("rtmp:", "rtmps:"), studio, QUICK) as run,
    ):
        failure = await run.failed(2)
        assert (failure.step, failure.error_code) == (Step.TLS, ErrorCode.HANDSHAKE_FAILED)
        await until(lambda: len(home) > 1, 2)


async def test_rtmps_frozen(tmp_path):
    """A frozen reader is found through TLS as well."""
    ca_file, context = certificate(tmp_path, "127.0.0.1")
    settings = replace(QUICK, connection=replace(QUICK.connection, ca_file=ca_file))
    async with (
        receiving(tls=context) as (receiver, tags),
        playing() as studio,
        running(receiver.url, studio, settings) as run,
    ):
        await until(lambda: len(tags) > 50)
        for guest in receiver._guests:
            guest.transport.pause_reading()
        await until(lambda: run.report.state is OutputState.INTERRUPTED, 5)
    assert run.report.connects == 1


async def test_rtmps_without_readable_authorities(tmp_path):
    """A file of certificates that cannot be read fails the TLS step and nothing else."""
    settings = replace(QUICK, connection=replace(QUICK.connection, ca_file=tmp_path / "nothing.pem"))
    _, context = certificate(tmp_path, "127.0.0.1")
    async with (
        receiving(tls=context) as (receiver, _),
        playing() as studio,
        running(receiver.url, studio, settings) as run,
    ):
        assert (await run.failed()).step is Step.TLS


async def test_h265_by_enhanced_rtmp():
    """H.265 goes out as enhanced FLV and is understood by our receiver; FFmpeg's view is tested with the tags."""
    async with receiving() as (receiver, _tags), playing(with_video=False, with_audio=False) as studio:
        async with running(receiver.url, studio, form=stream(codec="h265", audio=False)) as run:
            await until(lambda: run.report.step is Step.MEDIA)
            for packet in pictures(codec="h265", seconds=1):
                run.output.put(packet)
            await until(lambda: receiver.figures().video_frames == FPS)
        assert receiver.figures().video_codec == "h265"


LISTENER = """
import sys, av
with av.open(sys.argv[1], options={"listen": "1"}) as source:
    names = [stream.codec_context.name for stream in source.streams]
    count = 0
    try:
        for packet in source.demux(video=0):
            count += bool(packet.size)
    except av.FFmpegError:
        pass  # how FFmpeg sees the end of what it listens to
    print(*names, count)
"""


@pytest.mark.parametrize(("codec", "name"), [("h264", "h264"), ("h265", "hevc")])
async def test_pyav_listening(codec, name):
    """The FFmpeg inside PyAV, which knows enhanced RTMP, takes H.264 and H.265."""
    port = free_port()
    url = f"rtmp://127.0.0.1:{port}/live/x"
    process = subprocess_of(LISTENER, url)
    packets = pictures(codec=codec)
    try:
        async with (
            playing(with_video=False, with_audio=False) as studio,
            running(url, studio, form=stream(codec=codec, audio=False)) as run,
        ):
            await until(lambda: run.report.step is Step.MEDIA, 20)
            for packet in packets:
                run.output.put(packet)
            await until(lambda: run.report.frames_sent == len(packets))
            await run.output.stop(3)
        out, _ = await asyncio.to_thread(process.communicate, timeout=20)
    finally:
        process.kill()
        process.wait()
    assert out.decode().split() == [name, str(len(packets))]


def subprocess_of(code, *arguments):
    """Python running `code`."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE)


async def test_on_uvloop(tmp_path):
    """The same code pushes on uvloop, plain and by TLS, and sees a frozen reader there."""
    uvloop = pytest.importorskip("uvloop")
    await asyncio.to_thread(uvloop.run, _uvloop_life(tmp_path))


async def _uvloop_life(folder):
    ca_file, context = certificate(folder, "127.0.0.1")
    patient = replace(QUICK.policy, max_refusals=None)  # the receiver holds a frozen publisher's name for a while
    settings = replace(QUICK, connection=replace(QUICK.connection, ca_file=ca_file), policy=patient)
    for tls in (None, context):
        async with (
            receiving(tls=tls) as (receiver, tags),
            playing() as studio,
            running(receiver.url, studio, settings) as run,
        ):
            await until(lambda tags=tags: len(tags) > 60)
            for guest in receiver._guests:
                guest.transport.pause_reading()
            await until(lambda run=run: run.report.state is OutputState.INTERRUPTED, 5)
            await run.pushing()
            await run.output.stop(2)


def test_the_ports_of_the_rig_are_free():
    """The rig's helper finds ports that nobody listens on."""
    assert not is_open(free_port())
