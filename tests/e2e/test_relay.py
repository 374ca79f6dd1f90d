"""Relays through the whole system: bit for bit, with data put in, to several targets, and to and from a mix."""

import asyncio
import contextlib
import json
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from tests.clients.clips import write_clip
from tests.e2e.steps import ALICE, BOB, enter, received, receiving, shows, until
from tests.rig.analysis import Recording
from tests.rig.nals import pictures_of
from tests.rig.packets import SECOND
from tests.rig.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150), pytest.mark.asyncio(loop_scope="package")]


async def publishing(house, user, path):
    """A publisher of a file, sent as it is."""
    program = await house.publisher(user, input=path)
    await until(lambda: "state=publishing" in program.text, f"{user} publishes: {program.text[-300:]}")


async def relayed(house, task_id, url, user, **more):
    """A StartMPUTask that relays a user."""
    named = {"TaskId": task_id, "ChannelId": "room", "MixMode": 0, "StreamURL": url, "SubSpecUsers.1": user}
    answer = await house.call("StartMPUTask", **named, **more)
    assert answer.status == 200, answer.text


def messages(pictures):
    """All SEI contents, with the times of their pictures."""
    return [(picture.pts, said) for picture in pictures for _, said in picture.messages]


async def test_every_slice_arrives_as_it_was_published_with_sei_on(house, tmp_path):
    """From the middle of a GOP: a run of the published slices without a gap, in order; seating and a text put in."""
    saved = tmp_path / "out.flv"
    clip = write_clip(tmp_path / "clip.mp4", seconds=6, gop=50)
    async with receiving(saved) as cdn:
        await publishing(house, "ann", clip)
        await relayed(house, "same", cdn.url, "ann", PayloadType=1)
        await received(cdn, 4)
        await until(lambda: _sei(house, "same", '{"once":1}'), "the text is taken")
        await received(cdn, 4)

    published = [picture.slices for picture in pictures_of(clip)] * 4
    came = pictures_of(saved)
    start = published.index(came[0].slices)
    assert came[0].key
    assert [picture.slices for picture in came] == published[start : start + len(came)]
    said = messages(came)
    assert [text for _, text in said if "once" in text] == [{"once": 1}]
    told = [(pts, text["stream"]) for pts, text in said if "stream" in text]
    assert len(told) >= 7
    assert all(abs(later - before - SECOND) <= 2 * SECOND // 25 for (before, _), (later, _) in pairwise(told))
    for _, (one,) in told:
        assert (one["uid"], one["paneid"], one["w"], one["type"], one["vad"]) == ("ann", -1, 0, 0, 0)


async def _sei(house, task_id, text):
    return (await house.call("SetLiveMpuTaskSei", TaskId=task_id, CustomSei=text)).status == 200


async def test_a_vp8_publisher_is_relayed_whole_or_in_parts(house, tmp_path):
    """StreamType 0, 1 and 2 at once: both streams, sound alone, picture alone; it plays."""
    files = [tmp_path / f"type{part}.flv" for part in range(3)]
    async with contextlib.AsyncExitStack() as stack:
        targets = [await stack.enter_async_context(receiving(file)) for file in files]
        await enter(house, BOB)
        for part, cdn in enumerate(targets):
            await relayed(house, f"part{part}", cdn.url, "bob", StreamType=part)
        for cdn, kind in zip(targets, ("video_frames", "audio_frames", "video_frames"), strict=True):
            await until(lambda cdn=cdn, kind=kind: getattr(cdn.figures(), kind) > 120, f"{kind} come")
    whole, sound, picture = (Recording(file) for file in files)
    assert (whole.formats.video_codec, whole.formats.width, whole.formats.height) == ("h264", BOB.width, BOB.height)
    assert whole.formats.audio_codec == "aac"
    seen = whole.picture(whole.video[-1].pts / SECOND - 1).colour_at(BOB.width // 2, 8)
    assert max(abs(a - b) for a, b in zip(seen, (BOB.colour.red, BOB.colour.green, BOB.colour.blue), strict=True)) < 8
    assert (sound.formats.video_codec, sound.formats.audio_codec, sound.video) == ("", "aac", [])
    assert (picture.formats.audio_codec, picture.formats.video_codec, picture.audio) == ("", "h264", [])


async def test_relay_mix_relay_on_one_connection(house, tmp_path):
    """Time strictly rises, no hole of more than two pictures, each change begins with a key frame."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, ALICE, size="640x360", fps=25)
        await relayed(house, "both", cdn.url, "alice", MediaEncode=20)
        await received(cdn, 4)
        for mode in (1, 0):
            assert (await house.call("UpdateMPUTask", TaskId="both", MixMode=mode)).status == 200
            if mode:
                await shows(house, "both", users=1, layout=1)
            await received(cdn, 5)
        connects = cdn.figures().connects

    recording = Recording(saved)
    sizes = [picture.luma.shape[::-1] for picture in recording.pictures()]
    changes = [(before, after) for before, after in pairwise(sizes) if before != after]
    steps = [later.pts - before.pts for before, later in pairwise(recording.video)]
    assert connects == 1
    assert changes == [((640, 360), (1280, 720)), ((1280, 720), (640, 360))]
    assert min(steps) > 0
    assert max(steps) <= 3 * SECOND // 25 + SECOND // 100
    sounds = [later.pts - before.pts for before, later in pairwise(recording.audio)]
    assert min(sounds) > 0
    assert max(sounds) < SECOND // 10


@contextlib.asynccontextmanager
async def throttled(url, bytes_per_s):
    """A door to a receiver that lets only so much through; yields its URL."""
    target = urlsplit(url)

    async def pipe(reader, writer, pause):
        with contextlib.suppress(OSError):
            while data := await reader.read(max(1, int(bytes_per_s * pause)) if pause else 65536):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(pipe(reader, inner_writer, 0.1), pipe(inner_reader, writer, 0))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=4096)
    try:
        yield f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}{target.path}"
    finally:
        server.close()


async def test_dead_and_slow_targets_cost_the_others_nothing(house, tmp_path):
    """One that is not there, one at a fraction of the rate; targets come and go without touching the rest."""
    files = [tmp_path / f"target{number}.flv" for number in range(3)]
    clip = write_clip(tmp_path / "clip.mp4", seconds=6, gop=25, size=(640, 360))
    async with contextlib.AsyncExitStack() as stack:
        good, slow, late = [await stack.enter_async_context(receiving(file)) for file in files]
        door = await stack.enter_async_context(throttled(slow.url, 8_000))
        dead = f"rtmp://127.0.0.1:{free_port()}/live/dead"
        await publishing(house, "ann", clip)
        usual = {"TaskId": "many", "ChannelId": "room", "MixMode": 0}
        begun = await house.call("StartLiveMPUTask", **usual, **_to(good.url, dead, door), **_single("ann"))
        assert begun.status == 200, begun.text
        await received(good, 5)
        changed = await house.call("UpdateLiveMPUTask", **usual, **_to(good.url, dead, late.url))
        assert changed.status == 200, changed.text
        await received(late, 3)
        figures = [cdn.figures() for cdn in (good, late)]

    published = [picture.slices for picture in pictures_of(clip)] * 5
    for file, figure in zip((files[0], files[2]), figures, strict=True):
        came = [picture.slices for picture in pictures_of(file)]
        start = published.index(came[0])
        assert came == published[start : start + len(came)]
        assert figure.connects == 1


def _to(*urls):
    return {"MultiStreamURL": json.dumps([{"URL": url} for url in urls])}


def _single(user):
    return {"SingleSubParams": json.dumps({"UserId": user})}
