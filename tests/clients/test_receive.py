"""The receiver: files, figures, one publisher at a time, clear complaints."""

import asyncio
import socket

import av
import pytest

from openmpu.clients.receive import Receiver, receive
from openmpu.clients.rtmp_address import ListenAddress
from openmpu.clients.rtmp_figures import Meter
from openmpu.errors import Invalid
from openmpu.wire.rtmp.flvfile import tags_in
from openmpu.wire.rtmp.messages import Tag, TagKind
from tests.media.outputs.media import FPS
from tests.media.outputs.rig import playing, receiving, running, until

SECOND = 1_000_000_000


def test_figures_count():
    """Pictures, key frames, sounds, bytes, rates and key frame distance."""
    meter = Meter()
    for tick in range(100):
        head = b"\x17" if tick % 50 == 0 else b"\x27"
        meter.take(Tag(TagKind.VIDEO, tick * 40, head + b"\x01" + bytes(998)), tick * SECOND // 25)
        meter.take(Tag(TagKind.AUDIO, tick * 40, b"\xaf\x01" + bytes(98)), tick * SECOND // 25)
    figures = meter.figures(4 * SECOND)
    assert (figures.video_frames, figures.key_frames, figures.audio_frames, figures.bytes) == (100, 2, 100, 110_000)
    assert 24 <= figures.fps <= 26
    assert 210 <= figures.bitrate_kbps <= 230
    assert (figures.last_pts_ms, figures.key_distance_ms, figures.video_codec) == (99 * 40, 2000, "h264")


def test_rates_fade():
    """When nothing comes, rates go to nothing and counts stay."""
    meter = Meter()
    meter.take(Tag(TagKind.VIDEO, 0, b"\x17\x01" + bytes(100)), 0)
    figures = meter.figures(60 * SECOND)
    assert (figures.fps, figures.bitrate_kbps, figures.video_frames) == (0.0, 0.0, 1)


@pytest.mark.parametrize(
    "text",
    ["", "http://h/live/x", "rtmp:///live/x", "rtmp://h", "rtmp://h:99999/live/x", "rtmp://[::1/live", "rtmp://h:x/a"],
)
def test_addresses_that_cannot_be(text):
    """One sentence that shows what it should look like."""
    with pytest.raises(Invalid, match=r"rtmp://127\.0\.0\.1:1935/live/x") as raised:
        ListenAddress.parse(text)
    assert raised.value.subject == "listen"


def test_addresses():
    """Port 1935 unless told; the stream may be left open; queries do not count."""
    assert ListenAddress.parse("rtmp://h/live/x") == ListenAddress("h", 1935, "live", "x")
    open_door = ListenAddress.parse("rtmp://[::1]:0/live")
    assert open_door == ListenAddress("::1", 0, "live", "")
    assert open_door.refusal("live", "any?k=1") is None
    assert ListenAddress.parse("rtmp://h/live/x").refusal("live", "x?sign=1") is None
    assert ListenAddress.parse("rtmp://h/live/x").refusal("live", "y") == "no such stream"
    assert ListenAddress.parse("rtmp://h/live/x").refusal("other", "x") == "no such application"


def test_a_file_that_cannot_be_written(tmp_path):
    """The file is named and the reason told, before anything listens."""
    with pytest.raises(Invalid, match=r"out\.flv cannot be written: No such file or directory"):
        Receiver("rtmp://127.0.0.1:0/live/x", tmp_path / "nowhere" / "out.flv")


@pytest.mark.e2e
async def test_a_port_in_use():
    """Said in one sentence."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        receiver = Receiver(f"rtmp://127.0.0.1:{port}/live/x")
        with pytest.raises(Invalid, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            await receiver.start()


@pytest.mark.e2e
async def test_a_host_that_is_not_ours():
    """So is an address that this machine does not have."""
    with pytest.raises(Invalid, match="cannot listen on"):
        await Receiver("rtmp://192.0.2.1:0/live/x").start()


@pytest.mark.e2e
async def test_one_file_over_two_connections(tmp_path):
    """A publisher that comes back goes on in the same file, which FFmpeg reads to its end."""
    save = tmp_path / "out.flv"
    async with receiving(save=save) as (receiver, tags), playing() as studio:
        for connect in (1, 2):
            async with running(receiver.url, studio) as run:
                await until(lambda connect=connect: receiver.figures().video_frames > connect * FPS)
                await run.output.stop(2)
            await until(lambda: not receiver.figures().live)
        assert receiver.figures().connects == 2
    assert tags_in(save.read_bytes()) == [tag for tag, _ in tags]
    with av.open(str(save)) as file:
        assert sum(1 for _ in file.decode(video=0)) == receiver.figures().video_frames


@pytest.mark.e2e
async def test_a_second_publisher_is_refused_while_the_first_is_heard(tmp_path):
    """Only one at a time, and the first one's stream is untouched."""
    async with receiving() as (receiver, _), playing() as studio, running(receiver.url, studio) as first:
        await first.pushing()
        async with running(receiver.url, studio) as second:
            assert "somebody publishes already" in (await second.failed()).last_error
        assert receiver.figures().connects == 1


@pytest.mark.e2e
async def test_a_silent_publisher_is_replaced():
    """The remains of a publisher that died without a word do not keep its successor out."""
    clock = [0]
    async with receiving(now=lambda: clock[0]) as (receiver, _), playing() as studio:
        async with running(receiver.url, studio) as first:
            await first.pushing()
            studio.outputs.clear()
            await until(lambda: not first.report.queue_length)
            taken: list[int] = []
            await until(lambda: taken.append(receiver.figures().bytes) or taken[-1] in taken[:-10])  # all has come in
            clock[0] = 3 * SECOND
            async with running(receiver.url, studio) as second:
                await second.pushing()
            studio.outputs.append(first.output)
        assert receiver.figures().connects == 2


@pytest.mark.e2e
async def test_nonsense_harms_nobody():
    """Somebody who speaks no RTMP is shown out; the publisher goes on."""
    async with receiving() as (receiver, _), playing() as studio, running(receiver.url, studio) as run:
        await run.pushing()
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        before = receiver.figures().video_frames
        await until(lambda: receiver.figures().video_frames > before + 5)


@pytest.mark.e2e
async def test_receive_reports_and_ends(tmp_path):
    """The function behind the command: says where, tells figures each second, ends by itself, closes the file."""
    told, where, save = [], [], tmp_path / "out.flv"
    address = "rtmp://127.0.0.1:0/live/x"
    job = asyncio.create_task(receive(address, save, told.append, seconds=2.5, on_listening=where.append))
    await until(lambda: where)
    async with playing() as studio, running(where[0], studio):
        final = await job
    assert len(told) == 2
    assert final.video_frames >= told[-1].video_frames > 0
    assert sum(tag.kind is TagKind.VIDEO for tag in tags_in(save.read_bytes())) >= final.video_frames


@pytest.mark.e2e
async def test_a_full_disk_is_told():
    """When the file cannot be written any more, waiting ends with the reason."""
    from pathlib import Path

    async with playing() as studio:
        receiver = Receiver("rtmp://127.0.0.1:0/live/x", Path("/dev/full"))
        await receiver.start()
        async with running(receiver.url, studio):
            with pytest.raises(Invalid, match="No space left on device"):
                await asyncio.wait_for(receiver.run(), 10)
        await receiver.stop()
