"""Publishers of other makers, seen and heard in a mix with the right colours."""

import asyncio
import sys
import time
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from openmpu.wire.tokens import make_one_string
from tests.e2e.steps import COLOUR_LEVELS, Person, assert_there, received, receiving, shows, until
from tests.gateway.firefox import PAGE, firefox
from tests.gateway.whip_door import door
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.chromium import chromium, open_publisher
from tests.rig.debian import need
from tests.rig.pictures import distance
from tests.rig.processes import APP, APP_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]
SCRIPTS = Path(__file__).parents[1] / "gateway"
VERA, AVA = Person("vera", Colour(180, 60, 160), 700, "vp9"), Person("ava", Colour(200, 120, 40), 1400, "av1")
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


async def test_browsers_with_the_newer_codecs_in_one_mix(house, tmp_path):
    """Firefox with VP8 in pane 0, Chromium with VP9 in pane 1 and AV1 in pane 2; all are heard."""
    saved, panes = tmp_path / "out.flv", layout_panes(5, 1280, 720)
    token = make_one_string(APP, APP_KEY, "room", "fox", int(time.time()) + 3600)
    async with door(None, PAGE) as page, receiving(saved) as cdn, chromium() as browser:
        whip = quote(f"{house.url}/whip/{APP}/room/fox?token={quote(token)}", safe="")
        async with firefox(tmp_path, f"{page.url.removesuffix('/whip')}/?codec=VP8&whip={whip}"):
            await house.start_task("new", cdn.url, **{"LayoutIds.1": 5})
            await until(lambda: "connected" in page.told, f"Firefox is there, and said {page.told}", 40)
            await shows(house, "new", users=1, layout=5)
            for person in (VERA, AVA):
                await enter_by(browser, house, person)
            await shows(house, "new", users=3, layout=5)
            for person in (VERA, AVA):
                await until(partial(decoded, house, "new", person), f"{person.name} is decoded")
            await received(cdn, 6)

    recording = Recording(saved)
    seconds = recording.seconds
    picture = recording.picture(seconds - 1.5)
    fox = contained(panes[0], 640, 360)
    green = PixelRect(fox.left + 40, fox.top + fox.height // 2, fox.width - 80, fox.height // 2 - 20)
    assert distance(picture.colour(green), Colour(0, 255, 0)) <= COLOUR_LEVELS, picture.colour(green)
    assert_there(picture, VERA, panes[1])
    assert_there(picture, AVA, panes[2])
    sound = recording.sound.part(seconds - 4, seconds - 0.5)
    assert min(sound.level(1000), sound.level(VERA.tone_hz), sound.level(AVA.tone_hz)) > sound.level(1900) + 20


async def decoded(house, task_id, person):
    """Whether pictures of that person reach the mix."""
    figures = (await house.task(task_id))["figures"]
    return figures.get(f"track.{person.name}.camera.video.decoded", 0) > 30


async def enter_by(browser, house, person):
    """A page of that browser publishes a person."""
    token = make_one_string(APP, APP_KEY, "room", person.name, int(time.time()) + 3600)
    page = await open_publisher(browser, house.url)
    session = await page.publish(
        f"{house.url}/whip/{APP}/room/{person.name}?source=camera", token, person.name,
        colour=person.colour, tone_hz=person.tone_hz, codec=person.video, width=640, height=360, fps=15,
    )  # fmt: skip
    await page.connected(session)
