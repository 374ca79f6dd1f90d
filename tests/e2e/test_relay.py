"""Relays through the whole system: bit for bit, with data put in, to several targets, and to and from a mix."""

import contextlib
import json
import time
from itertools import pairwise
from urllib.parse import urlsplit

import av
import pytest

from openmpu.media.outputs.sps import picture_size
from openmpu.model.geometry import PixelRect
from tests.clients.clips import write_clip, write_clip_of_two_sizes
from tests.e2e.steps import ALICE, BOB, LONG, assert_lips, enter, received, receiving, until
from tests.rig.analysis import Recording
from tests.rig.nals import pictures_of, sequence_headers
from tests.rig.nginx_rtmp import nginx_rtmp
from tests.rig.packets import SECOND
from tests.rig.proxy import Fault, FaultProxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600 if LONG else 150), pytest.mark.asyncio(loop_scope="package")]


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
    """From the middle of a GOP: a run of the published slices without a gap, in order; seating and a text put in.

    The target is cut off once: on the new connection the next key frame and all behind it, again without a gap.
    """
    seconds = 62 if LONG else 6
    saved = tmp_path / "out.flv"
    clip = write_clip(tmp_path / "clip.mp4", seconds=seconds, gop=50)
    async with receiving(saved) as cdn, proxied(cdn.url) as (door, url):
        await publishing(house, "ann", clip)
        await relayed(house, "same", url, "ann", PayloadType=1)
        await received(cdn, seconds * 0.4)
        await until(lambda: _sei(house, "same", '{"once":1}'), "the text is taken")
        await received(cdn, seconds * 0.2)
        await door.set(Fault.RESET)
        await until(lambda: cdn.figures().connects == 2, "a second connection")
        await received(cdn, seconds * 0.4)

    published = [picture.slices for picture in pictures_of(clip)] * 4
    came = pictures_of(saved)
    runs = runs_of([picture.slices for picture in came], published)
    assert len(runs) == 2
    assert all(came[place].key for place in (0, runs[0]))
    said = messages(came)
    assert [text for _, text in said if "once" in text] == [{"once": 1}]
    told = [(pts, text["stream"]) for pts, text in said if "stream" in text]
    assert len(told) >= seconds * 0.8
    steps = [later - before for (before, _), (later, _) in pairwise(told)]
    assert sum(abs(step - SECOND) > 2 * SECOND // 25 for step in steps) <= 1
    for _, (one,) in told:
        assert (one["uid"], one["paneid"], one["w"], one["type"], one["vad"]) == ("ann", -1, 0, 0, 0)


def runs_of(came, published):
    """The lengths of the runs without a gap of what was published, in order, that `came` consists of."""
    runs, place = [], 0
    while came:
        place = published.index(came[0], place)
        length = next((n for n, one in enumerate(came) if published[place + n] != one), len(came))
        runs.append(length)
        came, place = came[length:], place + length
    return runs


@contextlib.asynccontextmanager
async def proxied(url):
    """A door before a receiver, and the URL through it."""
    target = urlsplit(url)
    door = FaultProxy(target.port)
    await door.start()
    try:
        yield door, f"rtmp://127.0.0.1:{door.port}{target.path}"
    finally:
        await door.stop()


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


async def test_a_publisher_who_changes_size_is_relayed_with_new_parameter_sets(house, tmp_path):
    """Twice in the stream: a sequence header of the new size, each slice as published, and a player shows both sizes."""
    saved, sizes = tmp_path / "out.flv", [(320, 180), (640, 360)]
    clip = write_clip_of_two_sizes(tmp_path / "clip.ts", sizes, seconds=3)
    async with receiving(saved) as cdn:
        await publishing(house, "ann", clip)
        await relayed(house, "sizes", cdn.url, "ann", StreamType=2)
        await received(cdn, 10)

    published = [picture.slices for picture in pictures_of(clip)] * 4
    came = pictures_of(saved)
    assert runs_of([picture.slices for picture in came], published) == [len(came)]
    assert decoded_sizes(saved) == set(sizes)
    told = [picture_size(sps) for sps in sequence_headers(saved)]
    assert len(told) >= 3
    assert all(before != after for before, after in pairwise(told))


def decoded_sizes(path):
    """Of the pictures that a player shows."""
    with av.open(str(path)) as container:
        return {(frame.width, frame.height) for frame in container.decode(video=0)}


async def test_who_is_away_is_waited_for_ten_seconds(house):
    """The connection is kept, then closed in good order; who comes back is pushed on a new one, from a key frame on."""
    async with receiving() as cdn:
        program = await enter(house, ALICE, size="320x180")
        await relayed(house, "away", cdn.url, "alice")
        await received(cdn, 2)
        await program.stop()
        gone = time.monotonic()
        await until(lambda: not cdn.figures().live, "the connection is closed", 20)
        assert 9 <= time.monotonic() - gone <= 14
        assert (await house.task("away"))["status"] == 1, "it runs"
        keys = cdn.figures().key_frames
        await enter(house, ALICE, size="320x180")
        figures = await received(cdn, 2)
        assert (figures.connects, figures.live) == (2, True)
        assert figures.key_frames > keys


WHOLE = {"X": "0", "Y": "0", "Width": "1", "Height": "1", "ZOrder": "0"}
AS_THE_CAMERA = {
    "EncodeParams": {
        "VideoWidth": "640", "VideoHeight": "360", "VideoFramerate": "25", "VideoGop": "50", "VideoBitrate": "600",
        "AudioSampleRate": "48000", "AudioChannels": "2", "AudioBitrate": "128",
    },
    "Layout": {"UserPanes": [WHOLE]},
}  # fmt: skip


async def test_relay_mix_relay_on_one_connection(house, tmp_path):
    """At nginx: one publish, time strictly rises, no hole of more than two pictures, lips and voice together.

    The picture is of the same size in both modes, so that it can be watched over the changes.
    """
    path = tmp_path / "nginx"
    path.mkdir()
    async with nginx_rtmp(path) as nginx:
        await enter(house, ALICE, size="640x360", fps=25)
        usual = {"TaskId": "both", "ChannelId": "room", "MixMode": 0, "StreamURL": nginx.url("both")}
        given = {**_single("alice"), "TranscodeParams": json.dumps(AS_THE_CAMERA)}
        begun = await house.call("StartLiveMPUTask", **usual, **given)
        assert begun.status == 200, begun.text
        await until(lambda: _made(house, "both", 0, 5), "5 s of relay", 35)
        for mode in [1, 0] * (6 if LONG else 1):
            changed = {"TaskId": "both", "ChannelId": "room", "MixMode": mode}
            assert (await house.call("UpdateLiveMPUTask", **changed, **given)).status == 200
            await until(lambda mode=mode: _made(house, "both", mode, 5), f"5 s of mode {mode}", 35)
        assert (await house.call("StopLiveMPUTask", TaskId="both")).status == 200
        await until(lambda: not house.pids("worker"), "the worker is gone")
        (saved,) = nginx.recordings("both")

    recording = Recording(saved)
    video = [(later.pts - before.pts, later.key) for before, later in pairwise(recording.video)]
    sounds = [later.pts - before.pts for before, later in pairwise(recording.audio)]
    assert min(*(step for step, _ in video), *sounds) > 0
    # A publisher that the machine does not let run in time has holes of its own, but every change begins with a key.
    assert max(step for step, _ in video) <= 3 * SECOND // 25 + SECOND // 100
    assert max(sounds) < SECOND // 10
    assert_lips(recording, ALICE, PixelRect(0, 0, 640, 360), 2.0, recording.seconds - 1)


async def _made(house, task_id, mode, seconds):
    """Whether a mix (1) or a relay (0) is on air and has made so much."""
    figures = (await house.task(task_id))["figures"]
    return (figures.get("ticks" if mode else "relayed") or 0) >= 25 * seconds


def _single(user):
    return {"SingleSubParams": json.dumps({"UserId": user})}
