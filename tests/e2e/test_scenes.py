"""Everything that a task can draw, through the whole system: signed request, WebRTC, RTMP, cut picture."""

import asyncio
import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from tests.e2e.scene_steps import (
    LEVELS,
    assert_box,
    assert_colour,
    flat,
    number,
    parts,
    seated,
    settled,
    share,
    stopped,
)
from tests.e2e.steps import ALICE, BOB, CAROL, assert_edges, assert_there, enter, receiving, until
from tests.media.segmentation.people import SHIRT, WALL, drawn_person
from tests.rig.analysis import Recording, border_of
from tests.rig.picture_server import Pictures
from tests.rig.pictures import Picture, distance
from tests.rig.processes import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]

FLURRY_S = int(os.environ.get("FLURRY_S", "3"))
"""How long ten updates a second go on; the issue's minute by hand (docs/figures.md)."""
GROUND, PAPER, MARK = Colour(20, 60, 100), Colour(60, 160, 80), Colour(220, 200, 40)
LOGO, HIDDEN, ABSENT = Colour(200, 40, 160), Colour(0, 220, 220), Colour(150, 90, 30)
BOX, CLOCK_BOX = Colour(30, 30, 200), Colour(130, 20, 20)
PANES = PixelRect(64, 72, 512, 288), PixelRect(704, 72, 512, 288), PixelRect(64, 396, 512, 288)
PAPER_AT, MARK_AT = PixelRect(640, 396, 256, 144), PixelRect(1024, 576, 192, 108)
LOGO_AT = PixelRect(64 + 358, 72 + 28, 104, 58)
DORA_AT = PixelRect(640, 180, 640, 360)
SQUARE_BOB = replace(BOB, height=480)


def layout(*places: tuple[float, float]) -> dict[str, object]:
    """Panes of 0.4 x 0.4 at these places."""
    found: dict[str, object] = {}
    for place, (x, y) in enumerate(places):
        found |= flat(f"Panes.{place + 1}", PaneId=place, X=x, Y=y, Width=0.4, Height=0.4, MajorPane=int(not place))
    return found


def everything(shelf: Pictures) -> dict[str, object]:
    """Each kind of layer once."""
    text = {"FontSize": 40, "FontColor": number(Colour(255, 255, 255)), "Box": "true", "BoxBorderWidth": 16}
    panes = [
        flat("UserPanes.1", PaneId=0, UserId="alice"),
        flat("UserPanes.1.Images.1", Url=shelf.of(LOGO), Display=1, X=0.7, Y=0.1, Width=0.2, Height=0.2),
        flat("UserPanes.1.Images.2", Url=shelf.of(HIDDEN), Display=2),
        flat("UserPanes.2", PaneId=1, UserId="bob"),
        flat("UserPanes.2.Texts.1", Text="On air", X=0.3, Y=0.4, BoxColor=number(BOX), **text),
        flat("UserPanes.3", PaneId=2, UserId="carol"),
        flat("UserPanes.3.Images.1", Url=shelf.of(ABSENT), Display=2),
    ]
    layers = [
        flat("Backgrounds.1", Url=shelf.of(PAPER), X=0.5, Y=0.55, Width=0.2, Height=0.2),
        flat("Watermarks.1", Url=shelf.of(MARK), Alpha=0.5, X=0.8, Y=0.8, Width=0.15, Height=0.15),
        flat("ClockWidgets.1", X=0.5, Y=0.85, BoxColor=number(CLOCK_BOX), **text),
    ]
    task: dict[str, object] = {"BackgroundColor": number(GROUND), "CropMode": 2}
    return {name: value for part in (task, *panes, *layers) for name, value in part.items()}


async def test_every_kind_of_layer_and_layouts_that_change_on_air(tmp_path, house: Rig, shelf: Pictures):
    """One task: all layers, three crop modes, 10 updates a second, a custom layout modified and deleted."""
    saved, at = tmp_path / "out.flv", dict[str, float]()
    places = (0.05, 0.1), (0.55, 0.1), (0.05, 0.55)
    made = (await house.call("CreateMPULayout", AudioMixCount=6, **layout(*places))).value()["LayoutId"]
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        await enter(house, SQUARE_BOB)
        await enter(house, replace(CAROL, video="none"))
        answer = await house.start_task("scene", cdn.url, **{"LayoutIds.1": made}, **everything(shelf))
        assert answer.status == 200, answer.text
        await seated(house, "scene", "video", "video", "no_video")
        at["whole"] = await settled(cdn, 3.5)
        for mode in (0, 1):
            assert (await house.call("UpdateMPUTask", TaskId="scene", CropMode=mode)).status == 200
            at[f"crop {mode}"] = await settled(cdn)
        last = await flurry(house, FLURRY_S)
        at["flurry"] = await settled(cdn)
        answer = await house.call("ModifyMPULayout", LayoutId=made, **layout((0.05, 0.05), *places[1:]))
        assert answer.status == 200, answer.text
        at["moved"] = await settled(cdn)
        assert (await house.call("DeleteMPULayout", LayoutId=made)).status == 200
        await until(lambda: stopped(house, "scene"), "the task is stopped")

    recording = Recording(saved)
    shown = {name: recording.picture(moment) for name, moment in at.items()}
    assert recording.cadence(25).perfect, recording.cadence(25)
    assert_whole(shown["whole"])
    assert_clock(recording, at["whole"])
    assert_crops(shown)
    assert_colour(shown["flurry"], PixelRect(640, 8, 60, 400), last)
    moved = replace(PANES[0], top=36)
    assert_there(shown["moved"], ALICE, moved)
    assert_edges(shown["moved"], ALICE, moved)


async def flurry(house: Rig, seconds: int) -> Colour:
    """Ten updates a second, every third one invalid; the background of the last valid one."""
    last, rounds = GROUND, asyncio.get_running_loop().time()
    for turn in range(seconds * 10):
        wanted = Colour(7 * turn % 256, 6 * turn % 256, 90)
        bad: Mapping[str, object] = {"CropMode": 9} if turn % 3 == 2 else {}
        answer = await house.call("UpdateMPUTask", TaskId="scene", BackgroundColor=number(wanted), **bad)
        assert answer.status == (400 if bad else 200), answer.text
        last = last if bad else wanted
        await asyncio.sleep(max(0.0, rounds + (turn + 1) / 10 - asyncio.get_running_loop().time()))
    return last


def assert_whole(picture: Picture) -> None:
    """Every layer of `everything`."""
    half = Colour(*(round((one + other) / 2) for one, other in zip(parts(MARK), parts(GROUND), strict=True)))
    assert_there(picture, ALICE, PANES[0])
    assert_edges(picture, ALICE, PANES[0])
    assert_there(picture, SQUARE_BOB, PANES[1])
    for rect, colour in ((PAPER_AT, PAPER), (MARK_AT, half), (LOGO_AT, LOGO), (PANES[2], ABSENT)):
        assert_colour(picture, rect, colour)
        assert_box(picture, rect)
    assert_colour(picture, PixelRect(920, 380, 280, 180), GROUND)
    text = PixelRect(PANES[1].left + 120, PANES[1].top + 88, 240, 120)
    assert 0.1 < share(picture, text, BOX) < 0.9
    assert picture.luma[187:230, 858:950].max() > 200, "white letters on the box"
    assert share(picture, PixelRect(630, 590, 440, 90), CLOCK_BOX) > 0.2


def assert_clock(recording: Recording, end_s: float) -> None:
    """It changes once a second, and always within one frame."""
    rows = [picture.luma[590:680, 640:1020].astype(int) for picture in recording.pictures(end_s - 2.2, end_s)]
    changes = [float(np.abs(later - earlier).max()) > 60 for earlier, later in pairwise(rows)]
    moments = np.flatnonzero(changes)
    assert 2 <= len(moments) <= 3, moments
    assert np.diff(moments).tolist() == [25] * (len(moments) - 1)


def assert_crops(shown: Mapping[str, Picture]) -> None:
    """CropMode 2 shows the ground beside a narrow picture, 0 stretches it, 1 cuts above and below."""
    pane = PANES[1]
    side = PixelRect(pane.left, pane.top + 40, 56, 200)
    assert_edges(shown["whole"], SQUARE_BOB, pane)
    assert_colour(shown["whole"], side, GROUND)
    top = border_of(pane)
    assert distance(shown["crop 0"].colour(top), BOB.colour) <= LEVELS
    left = PixelRect(pane.left + 4, pane.top + 80, 8, 120)
    assert distance(shown["crop 1"].colour(left), BOB.colour) <= LEVELS
    assert distance(shown["crop 1"].colour(top), BOB.colour) > LEVELS


async def test_panes_of_a_live_task(tmp_path, house: Rig, shelf: Pictures):
    """StartLiveMPUTask: who is absent has their picture, else black; Background beside the panes; black borders."""
    saved = tmp_path / "live.flv"
    encode = {"VideoWidth": "1280", "VideoHeight": "720", "VideoBitrate": "1500", "VideoFramerate": "25"}
    encode |= {"VideoGop": "50", "AudioBitrate": "64", "AudioSampleRate": "48000", "AudioChannels": "2"}
    panes = [
        {"X": "0.05", "Y": "0.1", "UserInfo": {"UserId": "bob"}, "RenderMode": "0"},
        {"X": "0.55", "Y": "0.1", "UserInfo": {"UserId": "dora"}, "BackgroundImageUrl": shelf.of(ABSENT)},
        {"X": "0.05", "Y": "0.55", "UserInfo": {"UserId": "erin"}},
    ]
    shown = [{**pane, "Width": "0.4", "Height": "0.4", "ZOrder": "0"} for pane in panes]
    plan = {"Layout": {"UserPanes": shown}, "EncodeParams": encode, "Background": {"URL": shelf.of(PAPER)}}
    async with receiving(saved) as cdn:
        await enter(house, SQUARE_BOB)
        named = {"ChannelId": "room", "TaskId": "live", "MixMode": 1, "StreamURL": cdn.url}
        answer = await house.call("StartLiveMPUTask", TranscodeParams=json.dumps(plan), **named)
        assert answer.status == 200, answer.text
        await seated(house, "live", "video")
        moment = await settled(cdn, 3)

    recording = Recording(saved)
    picture, black = recording.picture(moment), Colour(0, 0, 0)
    assert recording.cadence(25).perfect
    assert_there(picture, SQUARE_BOB, PANES[0])
    assert_edges(picture, SQUARE_BOB, PANES[0])
    for rect, colour in ((PANES[1], ABSENT), (PANES[2], black)):
        assert_colour(picture, rect, colour)
        assert_box(picture, rect)
    assert_colour(picture, PixelRect(PANES[0].left, PANES[0].top + 40, 56, 200), black)
    assert_colour(picture, PixelRect(640, 400, 600, 300), PAPER)


async def test_people_are_cut_out(tmp_path, house: Rig):
    """A person stays and their wall goes, steadily, also when what finds people is killed; the neighbour stays whole."""
    saved, clip = tmp_path / "cut.flv", person_clip(tmp_path / "person.mp4")
    async with receiving(saved) as cdn:
        await enter(house, BOB)
        await house.publisher("dora", input=clip)
        cut = {"TaskMode": 1, "BackgroundColor": number(GROUND), "LayoutIds.1": 13}
        pane = flat("UserPanes.1", PaneId=1, UserId="dora", SegmentType=1)
        assert (await house.start_task("cut", cdn.url, **cut, **pane)).status == 200
        await seated(house, "cut", "video", "video")

        async def quiet() -> bool:
            return not (await house.task("cut"))["notes"]

        await until(quiet, "the model is loaded", 60)
        before = await settled(cdn, 2)
        (child,) = finders(house)
        child.kill()
        after = await settled(cdn, 2)

    recording = Recording(saved)
    assert recording.cadence(25).perfect, recording.cadence(25)
    for moment in (before, after):
        picture = recording.picture(moment)
        assert_there(picture, BOB, PixelRect(0, 0, 640, 720))
        assert 0.6 < share(picture, DORA_AT, GROUND) < 0.9, "the ground beside the person"
        assert share(picture, DORA_AT, Colour(*SHIRT)) > 0.05
        assert share(picture, DORA_AT, Colour(*WALL)) < 0.02
    shares = [share(picture, DORA_AT, GROUND) for picture in recording.pictures(before - 1, before)]
    assert max(abs(later - earlier) for earlier, later in pairwise(shares)) < 0.01, "no flicker"


def person_clip(path: Path) -> Path:
    """Four seconds of somebody who sways a little before a wall."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=15, options={"bf": "0", "profile": "baseline"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 640, 360, "yuv420p", 1_500_000
        for turn in range(60):
            pixels = drawn_person(640, 360, 0.01 * math.sin(turn / 30 * math.pi), turn)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        file.mux(stream.encode(None))
    return path


def finders(house: Rig) -> list[psutil.Process]:
    """The processes that find people."""
    found = [child for pid in house.processes() for child in psutil.Process(pid).children()]
    return [child for child in found if any("segmentation" in word for word in child.cmdline())]
