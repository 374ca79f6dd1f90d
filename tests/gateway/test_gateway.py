"""A real gateway process: publishers over real WebRTC, the test as its server and as its worker."""

from __future__ import annotations

import pytest

from tests.gateway import clips
from tests.gateway.publisher import TestPublisher, audio_track, video_track
from tests.gateway.rig import gateway

pytestmark = pytest.mark.e2e


async def join(rig, user, *tracks, source="camera"):
    """A publisher that is connected."""
    publisher = TestPublisher(*tracks)
    published = await rig.server.publish(user, await publisher.offer(), source)
    await publisher.answered(published["sdp"])
    publisher.resource, publisher.etag = published["resource"], published["etag"]
    return publisher


def units(frames):
    """The NAL units of each picture."""
    return [clips.nal_units(frame.data) for frame in frames]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
async def test_frames_arrive_untouched(tmp_path, codec):
    """Pictures and sound come out of the link as they were put in, from a key frame on, in order."""
    pictures = clips.video({"h264": "libx264", "vp8": "libvpx"}[codec])
    sounds = clips.opus()
    async with gateway(tmp_path) as rig, rig.worker() as worker:
        publisher = await join(rig, "ann", (video_track(pictures), codec), (audio_track(sounds), "opus"))
        await worker.subscribe(1, "ann", "video")
        await worker.subscribe(2, "ann", "audio")
        await worker.until(lambda: len(worker.frames.get(1, [])) > 30 and len(worker.frames.get(2, [])) > 60)
        await publisher.close()
    got = worker.frames[1]
    assert got[0].key
    assert _follows(
        [clips.nal_units(frame.data) for frame in got] if codec == "h264" else [f.data for f in got],
        [clips.nal_units(picture) for picture in pictures] if codec == "h264" else list(pictures),
    )
    assert _follows([frame.data for frame in worker.frames[2]], list(sounds))


def _follows(got, clip):
    """Whether `got` is a run of the clip, played over and over."""
    start = clip.index(got[0])
    return got == [clip[(start + n) % len(clip)] for n in range(len(got))]
