"""Programs that are not ours on either side: a browser publishes, nginx and FFmpeg take the stream."""

import asyncio
import signal
import time

import pytest

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from openmpu.wire.tokens import make_one_string
from tests.e2e.steps import ALICE, Person, assert_lips, assert_there, enter, received, receiving, shows, until
from tests.rig.analysis import Recording, layout_panes
from tests.rig.chromium import FAKE_DEVICES, chromium, open_publisher
from tests.rig.debian import need
from tests.rig.nginx_rtmp import nginx_rtmp, play, probe_complaints
from tests.rig.packets import SECOND
from tests.rig.ports import free_port
from tests.rig.processes import APP, APP_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]
HD = (1280, 720)
DORA = Person("dora", Colour(180, 60, 160), 700)


def whip(house, user, source="camera"):
    """Where a user publishes, and a token for it."""
    token = make_one_string(APP, APP_KEY, "room", user, int(time.time()) + 3600)
    return f"{house.url}/whip/{APP}/room/{user}?source={source}", token


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_a_browser_publishes_camera_and_screen(house, tmp_path, codec):
    """Two publications of one user through WHIP from a page; both are seen, the camera with its sound in sync."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn, chromium() as browser:
        page = await open_publisher(browser, house.url)
        url, token = whip(house, "dora")
        camera = await page.publish(
            url, token, "dora", colour=DORA.colour, tone_hz=DORA.tone_hz, codec=codec, width=640, height=360
        )
        await page.connected(camera)
        await house.start_task("web", cdn.url, **{"LayoutIds.1": 2})
        url, token = whip(house, "dora", "shareScreen")
        screen = await page.publish(url, token, "dora", colour=DORA.colour, tone_hz=0, codec="vp8", display=True)
        await page.connected(screen)
        await shows(house, "web", users=1, layout=2)
        await received(cdn, 4)
        begin = cdn.figures().video_frames / 25
        end = (await received(cdn, 8)).video_frames / 25
        assert await page.end(screen, token) == 200

    recording = Recording(saved)
    panes = layout_panes(2, *HD)
    picture = recording.picture(end - 1)
    assert_there(picture, DORA, panes[0])
    shown = Person("dora", DORA.colour, 0, width=1280, height=720)
    red, green, blue = picture.colour(shown.place(panes[1]))
    assert max(red, green, blue) > 30, "the screen is not black"
    assert_lips(recording, DORA, panes[0], begin, end - 1)


async def test_a_browsers_vp8_is_relayed(house, tmp_path):
    """Encoded anew at its own size and rate; FFmpeg has nothing to say, the colour is hers, lips and voice together."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn, chromium() as browser:
        page = await open_publisher(browser, house.url)
        url, token = whip(house, "dora")
        camera = await page.publish(
            url, token, "dora", colour=DORA.colour, tone_hz=DORA.tone_hz, codec="vp8", width=320, height=180
        )
        await page.connected(camera)
        relay = {"ChannelId": "room", "TaskId": "relayed", "MixMode": 0, "SubSpecUsers.1": "dora"}
        assert (await house.call("StartMPUTask", **relay, StreamURL=cdn.url)).status == 200
        begin = (await received(cdn, 6)).video_frames
        end = (await received(cdn, 8)).video_frames

    recording = Recording(saved)
    assert (recording.formats.video_codec, recording.formats.audio_codec) == ("h264", "aac")
    seconds = [recording.video[count - 1].pts / SECOND for count in (begin, end)]
    whole = PixelRect(0, 0, recording.formats.width, recording.formats.height)
    assert (whole.width, whole.height) == (320, 180), "so small that a browser short of CPU makes it no smaller"
    assert_there(recording.picture(seconds[1] - 1), DORA, whole)
    assert_lips(recording, DORA, whole, seconds[0], seconds[1] - 1)
    assert await probe_complaints(saved) == ""


async def test_the_join_page_publishes(house):
    """A person opens the page, types a token, presses the button: the task has a user; Leave ends it."""
    async with chromium(*FAKE_DEVICES) as browser, receiving() as cdn:
        await house.start_task("join", cdn.url)
        token = whip(house, "eve")[1]
        page = await (await browser.new_context(permissions=["camera", "microphone"])).new_page()
        await page.goto(f"{house.url}/join/{APP}/room#user=eve&token={token}")
        await page.click("#camera")
        await page.get_by_text("On air.").wait_for()
        await shows(house, "join", users=1, layout=1)
        await page.click("#leave")
        await shows(house, "join", users=0, layout=1)


async def decodes(house, task_id, user, width):
    """Wait until the worker gets pictures of that width from the user's camera."""

    async def told():
        return (await house.task(task_id))["figures"].get(f"track.{user}.camera.video.width") == width

    await until(told, f"{user} sends {width} columns", within_s=60)


async def test_publishers_send_no_more_than_is_shown(house):
    """A quarter of 720p makes the join page and `openmpu publish` send half the width; the whole of it, all again."""
    async with chromium(*FAKE_DEVICES) as browser, receiving() as cdn:
        alice = await enter(house, ALICE, size="1280x720")
        await house.start_task("fit", cdn.url, **{"LayoutIds.1": 6})
        page = await (await browser.new_context(permissions=["camera", "microphone"])).new_page()
        await page.goto(f"{house.url}/join/{APP}/room#user=eve&token={whip(house, 'eve')[1]}")
        await page.click("#camera")
        await page.get_by_text("On air.").wait_for()
        await decodes(house, "fit", ALICE.name, 640)
        await decodes(house, "fit", "eve", 640)
        await house.call("UpdateMPUTask", TaskId="fit", **{"LayoutIds.1": 1})
        await decodes(house, "fit", ALICE.name, 1280)
        await alice.stop()
        await decodes(house, "fit", "eve", 1280)


async def test_nginx_takes_the_stream_and_plays_it(house, tmp_path):
    """What a viewer gets from nginx has the right format, and ffprobe has nothing to say."""
    async with nginx_rtmp(tmp_path) as cdn:
        await enter(house, ALICE)
        await house.start_task("ng", cdn.url("show"))
        await until(lambda: cdn.recordings("show"), "the stream arrives")
        viewed = await play(cdn.url("show"), tmp_path / "viewed.flv", 4)

    recording = Recording(viewed)
    assert (recording.formats.width, recording.formats.height, recording.formats.profile) == (*HD, "High")
    assert recording.cadence(25).perfect
    assert await probe_complaints(viewed) == ""


async def test_nginx_refuses_the_stream(house, tmp_path):
    """Three refusals: the target is given up and the task ends with Status 6 (operations.md 2.2)."""
    async with nginx_rtmp(tmp_path) as cdn:
        await enter(house, ALICE)
        await house.start_task("no", cdn.url("show", app="closed"))

        async def status():
            return (await house.call("GetMPUTaskStatus", TaskId="no")).value()["Status"] == 6

        await until(status, "the task gives up", within_s=30)
        assert (await house.task("no"))["end_code"] == 1004


async def test_ffmpeg_in_listen_mode_takes_the_stream(house, tmp_path):
    """`ffmpeg -listen 1` as a server writes a file that ffprobe has nothing to say about."""
    saved, url = tmp_path / "out.flv", f"rtmp://127.0.0.1:{free_port()}/live/x"
    program = need("ffmpeg", program="ffmpeg")
    process = await asyncio.create_subprocess_exec(
        program, "-nostdin", "-loglevel", "warning", "-listen", "1", "-i", url, "-c", "copy", str(saved),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await enter(house, ALICE)
        await house.start_task("ff", url)
        await until(lambda: saved.exists() and saved.stat().st_size > 500_000, "the stream is written")
        await house.call("StopMPUTask", TaskId="ff")
        _, said = await asyncio.wait_for(process.communicate(), 15)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()

    recording = Recording(saved)
    assert recording.cadence(25).perfect
    assert recording.seconds > 3
    assert await probe_complaints(saved) == "", said.decode()
    assert abs(recording.audio[0].pts - recording.video[0].pts) < 0.1 * SECOND
