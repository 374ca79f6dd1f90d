"""The real peers of the rig start, do their part, and are gone afterwards."""

import asyncio
import signal

import numpy as np
import psutil
import pytest

from openmpu.clients import marks, reading
from openmpu.clients.looks import COLOURS
from openmpu.model.geometry import PixelRect
from tests.rig.analysis import Recording
from tests.rig.chromium import chromium, open_publisher
from tests.rig.debian import need
from tests.rig.nginx_rtmp import nginx_rtmp, play, probe_complaints
from tests.rig.synthetic import person, write_stream
from tests.rig.waiting import until
from tests.rig.whip_peer import whip_peer

pytestmark = pytest.mark.e2e


async def push(path, url):
    """FFmpeg sends a file in real time."""
    program = need("ffmpeg", program="ffmpeg")
    return await asyncio.create_subprocess_exec(
        program, "-nostdin", "-loglevel", "error", "-re", "-i", str(path), "-c", "copy", "-f", "flv", url,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four seconds of alice."""
    path = tmp_path_factory.mktemp("clip") / "clip.flv"
    write_stream(path, [person("alice", PixelRect(0, 0, 1280, 720))], 4.0)
    return path


async def test_nginx_takes_records_and_plays_a_stream(clip, tmp_path):
    """What a viewer and the recording get is whole."""
    async with nginx_rtmp(tmp_path) as nginx:
        sender = await push(clip, nginx.url("x"))
        await play(nginx.url("x"), tmp_path / "played.flv", 1.5)
        assert await sender.wait() == 0
        await until(lambda: nginx.recordings("x"))
        (recorded,) = nginx.recordings("x")
        assert await probe_complaints(recorded) == ""
    assert Recording(recorded).cadence(25).perfect
    assert len(Recording(tmp_path / "played.flv").video) > 20


async def test_nginx_refuses_and_comes_back(clip, tmp_path):
    """The closed application; a restart on the same port; no process stays."""
    async with nginx_rtmp(tmp_path) as nginx:
        refused = await push(clip, nginx.url("x", app="closed"))
        assert await refused.wait() != 0
        await nginx.stop(kill=True)
        await nginx.start()
        nginx.signal(signal.SIGSTOP)
        port = nginx.port
    assert not [c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.status == "LISTEN"]


async def test_chromium_publishes_camera_and_screen():
    """Both pictures are read, the tone is heard, a session ends when told."""
    async with whip_peer() as peer, chromium() as browser:
        page = await open_publisher(browser, peer.url)
        usual = {"width": 640, "height": 360, "codec": "vp8"}
        url = f"{peer.url}/whip/a/c/alice"
        camera = await page.publish(f"{url}?source=camera", "t", "alice", colour=COLOURS["blue"], tone_hz=700, **usual)
        await page.publish(
            f"{url}?source=shareScreen", "t", "alice-screen", colour=COLOURS["red"], tone_hz=0, display=True
        )
        await until(lambda: len(peer.sessions) == 2 and all("video" in one.tracks for one in peer.sessions))
        await page.connected(camera)
        for session, name in zip(peer.sessions, ("alice", "alice-screen"), strict=True):
            await until(lambda one=session, user=name: tag_in(one) == marks.tag_of(user))
        await until(lambda: beeps(peer.sessions[0]))
        assert await page.end(camera, "t") == 200
        assert peer.sessions[0].deleted


def tag_in(session):
    """The tag in the latest picture of a session."""
    frames = session.tracks["video"].frames
    if not frames:
        return None
    luma = frames[-1].to_ndarray()[: frames[-1].height]
    mark = reading.read_mark(luma, PixelRect(0, 0, frames[-1].width, frames[-1].height))
    return mark.tag if mark else None


def beeps(session):
    """The beeps at 700 Hz in the sound so far."""
    frames = session.tracks["audio"].frames if "audio" in session.tracks else []
    if len(frames) < 60:
        return []
    mono = np.concatenate([frame.to_ndarray().reshape(-1, 2)[:, 0] for frame in frames]).astype(np.float32) / 32768
    return reading.beep_times(mono, 700)
