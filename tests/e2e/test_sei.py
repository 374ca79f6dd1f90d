"""SEI of a mix through the whole system: what a picture's message says is what that very picture shows."""

import json

import pytest

from openmpu.model.geometry import PixelRect
from tests.e2e.steps import ALICE, BOB, COLOUR_LEVELS, enter, received, receiving, shows, until
from tests.rig.analysis import Recording, border_of
from tests.rig.nals import pictures_of
from tests.rig.packets import SECOND
from tests.rig.pictures import distance

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]
PEOPLE = {person.name: person for person in (ALICE, BOB)}
CANVAS = (640, 360)
SEI = {
    "LayoutVolume": {"Interval": 2000, "FollowIdr": 1},
    "PassThrough": {"PayloadContent": "on air", "Interval": 2000},
}


def params(*panes):
    """A canvas with panes from left to right of a half of its width, the given users in them."""
    placed = [{"UserId": user, "X": x, "Y": y, "Width": 0.5, "Height": 0.5, "ZOrder": 0} for user, x, y in panes]
    width, height = CANVAS
    video = {"VideoWidth": width, "VideoHeight": height, "VideoFramerate": 25, "VideoGop": 50, "VideoBitrate": 600}
    sound = {"AudioSampleRate": 48000, "AudioChannels": 2, "AudioBitrate": 64}
    shown = [{**pane, "UserInfo": {"ChannelId": "room", "UserId": pane.pop("UserId")}} for pane in placed]
    return json.dumps({"EncodeParams": {**video, **sound}, "Layout": {"UserPanes": shown}})


LEFT, RIGHT, BELOW = (0.0, 0.25), (0.5, 0.25), (0.5, 0.5)


async def test_every_message_tells_its_picture(house, tmp_path):
    """Two people, of whom one comes later and is moved: each message has the places and colours of its own picture.

    Every key frame has one, each change begins with one, a text comes exactly once, and all have the type asked for.
    """
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, ALICE, size="320x180")
        begun = await house.call(
            "StartLiveMPUTask", TaskId="sei", ChannelId="room", MixMode=1, StreamURL=cdn.url,
            SeiParams=json.dumps({**SEI, "PayloadType": 100}),
            TranscodeParams=params(("alice", *LEFT), ("bob", *RIGHT)),
        )  # fmt: skip
        assert begun.status == 200, begun.text
        await received(cdn, 4)
        await enter(house, BOB, size="320x180")
        await shows(house, "sei", users=2, layout=0)
        await received(cdn, 3)
        said = await house.call("SetLiveMpuTaskSei", TaskId="sei", CustomSei='{"once":"ünd {braces}"}')
        assert said.status == 200, said.text
        moved = params(("alice", *LEFT), ("bob", *BELOW))
        changed = await house.call("UpdateLiveMPUTask", TaskId="sei", ChannelId="room", TranscodeParams=moved)
        assert changed.status == 200, changed.text
        await until(lambda: _places(house), "the worker goes on")
        await received(cdn, 4)

    came = pictures_of(saved)
    told = {one.pts: text["stream"] for one in came for _, text in one.messages if "stream" in text}
    assert {kind for one in came for kind, _ in one.messages} == {100}
    assert {one.pts for one in came if one.key} <= set(told)
    texts = [text for one in came for _, text in one.messages if "stream" not in text]
    assert texts.count({"once": "ünd {braces}"}) == 1
    assert texts.count({"udd": "on air"}) >= 4
    assert {place(one) for one in last(told)} == {("alice", *LEFT), ("bob", *BELOW)}
    assert len({tuple(map(place, people)) for people in told.values()}) == 3
    assert_true(Recording(saved), told)


async def _places(house):
    return (await house.task("sei"))["figures"].get("users") == 2


def place(one):
    """Whose element, and where."""
    return one["uid"], one["x"], one["y"]


def last(told):
    """The people of the last message."""
    return told[max(told)]


def assert_true(recording, told):
    """In each picture with a message, whoever it shows is there in their colour, and nobody else."""
    seen = 0
    for picture in recording.pictures():
        for pts, people in told.items():
            if abs(pts - picture.pts) < SECOND // 100:
                seen += len(people)
                assert_people(picture, {one["uid"]: one for one in people if one["type"] == 0})
    assert seen >= 10


def assert_people(picture, shown):
    """Those who are told have their border where it is told."""
    for name, one in shown.items():
        left, top = round(one["x"] * CANVAS[0]), round(one["y"] * CANVAS[1])
        pane = PixelRect(left, top, round(one["w"] * CANVAS[0]), round(one["h"] * CANVAS[1]))
        colour = picture.colour(border_of(pane))
        assert distance(colour, PEOPLE[name].colour) <= COLOUR_LEVELS, f"{name} at {picture.pts}: {colour}"
        assert 0 < one["vol"] <= 255
