"""Headless Chromium publishes through a real gateway."""

from __future__ import annotations

import av
import pytest

from openmpu.wire import link
from tests.gateway.chromium import browser
from tests.gateway.rig import gateway

pytestmark = pytest.mark.e2e
DECODERS = {"h264": "h264", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d"}


def count(worker, number):
    """How many frames came under a number."""
    return len(worker.frames.get(number, []))


def decode(codec, frames):
    """Every picture, decoded strictly: a broken one raises."""
    context = av.CodecContext.create(DECODERS[codec], "r")
    context.options = {"err_detect": "explode"}
    packets = [*(av.Packet(frame.data) for frame in frames), None]
    return [picture for packet in packets for picture in context.decode(packet)]


@pytest.mark.parametrize("codec", ["VP8", "H264", "VP9", "AV1"])
async def test_camera(tmp_path, codec):
    """Picture and sound of a camera arrive and decode, in each codec that Chromium has."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "camera", "codec": codec})
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 40 and count(worker, 2) > 100)
    pictures = decode(codec.lower(), worker.frames[1])
    assert len(pictures) >= len(worker.frames[1]) - 1
    assert worker.frames[1][0].key
    assert {picture.width / picture.height for picture in pictures} == {16 / 9}
    assert any(frame.level is not None for frame in worker.frames[2])
    assert sum(frame.lost for frame in worker.frames[2]) == 0


async def test_camera_and_screen(tmp_path):
    """Camera and screen of one user, one after the other; both are decodable."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "camera", "codec": "VP8"})
        await page.evaluate("publish", {"name": "ann", "kind": "screen", "codec": "H264"})
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "video", "screen")
        await worker.until(lambda: count(worker, 1) > 20 and count(worker, 2) > 20)
        assert rig.server.users() == ["ann"]
    assert decode("vp8", worker.frames[1])
    assert decode("h264", worker.frames[2])


async def test_key_frame_on_demand(tmp_path):
    """A second reader gets a key frame within a second, though Chromium sends none by itself."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "camera", "codec": "VP8"})
        track_id = await worker.subscribe(1, "ann", "video")
        await worker.until(lambda: count(worker, 1) > 30)
        seen = worker.frames[1][-1].arrival
        worker.say(link.Unsubscribe(1))
        worker.say(link.Subscribe(2, next(iter(worker.rosters)), track_id))
        await worker.until(lambda: count(worker, 2), within_s=3)
    assert worker.frames[2][0].key
    assert worker.frames[2][0].arrival - seen < 1_000_000_000


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_full_size_soon(tmp_path, codec):
    """On a clean network 1280x720 is reached within three seconds of connecting and kept, with sound beside it."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "screen", "codec": codec, "sound": True})
        await worker.subscribe(1, "ann", "video", "screen")
        await worker.subscribe(2, "ann", "audio", "screen")
        await worker.until(lambda: count(worker, 1) and _seconds(worker) > 5)
    began = worker.frames[1][0].arrival
    late = [frame for frame in worker.frames[1] if frame.arrival - began > 3_000_000_000]
    sizes = {picture.width for picture in decode(codec.lower(), worker.frames[1])[-len(late) :]}
    assert sizes == {1280}
    assert count(worker, 2) > 150


def _seconds(worker):
    frames = worker.frames[1]
    return (frames[-1].arrival - frames[0].arrival) / 1e9


async def test_ice_restart(tmp_path):
    """Chromium restarts ICE by PATCH (RFC 9725 4.3.3); the track goes on."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "camera", "codec": "VP8"})
        track_id = await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1))
        await page.evaluate("restart", "ann")
        seen = count(worker, 1)
        await worker.until(lambda: count(worker, 1) > seen + 500, within_s=20)
        assert worker.track("ann", "audio") == track_id
    assert sum(frame.lost for frame in worker.frames[1]) < 5


async def test_simulcast(tmp_path):
    """The layer handed out follows what is shown, without a broken picture."""
    async with gateway(tmp_path) as rig, rig.worker() as worker, browser(rig.server) as page:
        await page.evaluate("publish", {"name": "ann", "kind": "screen", "codec": "VP8", "simulcast": True})
        await worker.subscribe(1, "ann", "video", "screen")
        await worker.until(lambda: count(worker, 1) > 10)
        await worker.until(lambda: _width(worker) == 1280, within_s=20)
        worker.say(link.Shown(1, 320, 180))
        await worker.until(lambda: _width(worker) == 320, within_s=20)
        worker.say(link.Shown(1, 1280, 720))
        await worker.until(lambda: _width(worker) == 1280, within_s=20)
    assert {picture.width for picture in decode("vp8", worker.frames[1])} >= {320, 1280}


def _width(worker):
    """Width of the last VP8 key frame (RFC 6386 9.1)."""
    key = next(frame.data for frame in reversed(worker.frames[1]) if frame.key)
    return int.from_bytes(key[6:8], "little") & 0x3FFF
