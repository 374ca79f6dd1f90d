"""Publishers of other makers, seen and heard in a mix with the right colours."""

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from openmpu.wire.tokens import make_one_string
from tests.e2e.steps import COLOUR_LEVELS, received, receiving, shows
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.debian import need
from tests.rig.pictures import distance
from tests.rig.processes import APP, APP_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]
SCRIPTS = Path(__file__).parents[1] / "gateway"
PANES = {place: contained(pane, 640, 360) for place, pane in layout_panes(2, 1280, 720).items()}


@asynccontextmanager
async def publishing(house, program, script, user, *options):
    """A script of the gateway's tests, against the real server with a token in the URL."""
    token = make_one_string(APP, APP_KEY, "room", user, int(time.time()) + 3600)
    url = f"{house.url}/whip/{APP}/room/{user}?token={token}"
    process = await asyncio.create_subprocess_exec(program, str(SCRIPTS / script), url, "60", *options)
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_ffmpeg_and_gstreamer_in_one_mix(house, tmp_path, codec):
    """FFmpeg's WHIP muxer shows its red band in pane 0, GStreamer's webrtcbin its blue in pane 1; both are heard."""
    need("gstreamer1.0-plugins-bad", file="/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstwebrtc.so")
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn, publishing(house, sys.executable, "ffmpeg_publisher.py", "ann"):
        await house.start_task("others", cdn.url)
        await shows(house, "others", users=1, layout=1)
        async with publishing(house, "/usr/bin/python3", "gstreamer_publisher.py", "ben", codec):
            await shows(house, "others", users=2, layout=2)
            seconds = (await received(cdn, 6)).video_frames / 25

    recording = Recording(saved)
    picture = recording.picture(seconds - 1.5)
    left, right = PANES[0], PANES[1]
    band = PixelRect(left.left + 40, left.top + left.height * 7 // 8 - 8, left.width - 80, 16)
    whole = PixelRect(right.left + 40, right.top + 40, right.width - 80, right.height - 80)
    assert distance(picture.colour(band), Colour(255, 0, 0)) <= COLOUR_LEVELS, picture.colour(band)
    assert distance(picture.colour(whole), Colour(0, 0, 255)) <= COLOUR_LEVELS, picture.colour(whole)
    sound = recording.sound.part(seconds - 3, seconds - 0.5)
    assert min(sound.level(440), sound.level(700)) > sound.level(1900) + 20
