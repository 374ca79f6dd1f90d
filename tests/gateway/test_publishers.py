"""Real publishers of other makers through a real gateway: FFmpeg's WHIP muxer, GStreamer's webrtcbin, Firefox."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from tests.gateway.firefox import PAGE, firefox
from tests.gateway.rig import gateway
from tests.gateway.whip_door import door
from tests.rig.debian import need

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
FFMPEG = (sys.executable, str(HERE / "ffmpeg_publisher.py"))
GSTREAMER = ("/usr/bin/python3", str(HERE / "gstreamer_publisher.py"))


@asynccontextmanager
async def program(*command):
    """A publisher's process, while it runs."""
    process = await asyncio.create_subprocess_exec(*command)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def count(worker, number):
    """How many frames came under a number."""
    return len(worker.frames.get(number, []))


def check_picture_and_sound(worker, codec, *, scaled=False):
    """The pictures decode to 640x360 (or less of it) from the first on, the sound to a tone that is not silence."""
    pictures = av.CodecContext.create(codec, "r")
    pictures.options = {"err_detect": "explode"}
    shown = [one for frame in worker.frames[1] for one in pictures.decode(av.Packet(frame.data))]
    sound = av.CodecContext.create("opus", "r")
    blocks = [one for frame in worker.frames[2] for one in sound.decode(av.Packet(frame.data))]
    sizes = {(picture.width, picture.height) for picture in shown}
    assert sizes == {(640, 360)} or (scaled and {width / height for width, height in sizes} == {16 / 9})
    assert len(shown) >= len(worker.frames[1]) - 1
    assert abs(blocks[-1].to_ndarray()).max() > 0.05
    assert sum(frame.lost for frame in worker.frames[1] + worker.frames[2]) == 0


@pytest.mark.parametrize("options", [(), ("whip_flags=dtls_active",)], ids=["passive", "active"])
async def test_ffmpeg(tmp_path, options):
    """FFmpeg publishes H.264 and Opus, as DTLS server (its default) and as client, and says goodbye by DELETE."""
    async with (
        gateway(tmp_path) as rig,
        rig.worker() as worker,
        door(rig.server) as whip,
        program(*FFMPEG, f"{whip.url}/ann", "5", *options) as process,
    ):
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 40 and count(worker, 2) > 80)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        await rig.server.until(lambda: not rig.server.users())
        assert whip.requests == ["POST", "DELETE"]
    check_picture_and_sound(worker, "h264")


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_gstreamer(tmp_path, codec):
    """GStreamer publishes H.264 or VP8 with Opus."""
    need("python3-gi", file="/usr/lib/python3/dist-packages/gi/__init__.py")
    need("gir1.2-gst-plugins-bad-1.0", file="/usr/lib/x86_64-linux-gnu/girepository-1.0/GstWebRTC-1.0.typelib")
    for package, plugin in (
        ("bad", "webrtc"),
        ("bad", "dtls"),
        ("good", "rtp"),
        ("good", "vpx"),
        ("ugly", "x264"),
        ("base", "opus"),
    ):
        file = f"/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgst{plugin}.so"
        need(f"gstreamer1.0-plugins-{package}", file=file)
    need("gstreamer1.0-nice", file="/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstnice.so")
    async with (
        gateway(tmp_path) as rig,
        rig.worker() as worker,
        door(rig.server) as whip,
        program(*GSTREAMER, f"{whip.url}/ann", "12", codec),
    ):
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 40 and count(worker, 2) > 80)
    check_picture_and_sound(worker, codec)


@pytest.mark.parametrize("codec", ["VP8", "VP9"])
async def test_firefox(tmp_path, codec):
    """Firefox publishes VP8 or VP9 with Opus; its addresses are hidden behind mDNS names."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, door(rig.server, PAGE) as whip:
        page = f"{whip.url.removesuffix('/whip')}/?whip=/whip/ann&codec={codec}"
        async with firefox(tmp_path, page):
            await rig.server.until(rig.server.users, within_s=40)
            await worker.subscribe(1, "ann", "video")
            await worker.subscribe(2, "ann", "audio")
            await worker.until(lambda: count(worker, 1) > 40 and count(worker, 2) > 80)
    check_picture_and_sound(worker, codec.lower(), scaled=True)
    assert whip.offers[0].startswith("v=0\r\no=mozilla...")
    assert ".local " in whip.offers[0]
