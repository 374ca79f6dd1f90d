"""The most that a task can draw, through the whole system: 16 panes and all overlays, panes over panes, odd canvases."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect, Rect, to_pixels
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
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
from tests.e2e.steps import receiving, until
from tests.rig.analysis import Recording, contained
from tests.rig.crowd import WHITE, Sitter, crowd
from tests.rig.picture_server import Pictures
from tests.rig.pictures import Picture, distance, pane_edges
from tests.rig.processes import Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]

CANVAS = PixelRect(0, 0, 1280, 720)
OUTER, INNER = Colour(20, 60, 100), Colour(60, 160, 80)
INNER_AT = Rect(0.2546875, 0.2546875, 0.490625, 0.490625)
"""Under the four panes in the middle and the gaps between them."""
STAR, MARK, BOX, CLOCK_BOX = Colour(220, 40, 160), Colour(230, 210, 50), Colour(30, 30, 200), Colour(130, 20, 20)
STAR_AT, TEXT_AT = Rect(0.65, 0.6, 0.3, 0.35), Rect(0.05, 0.62, 0.55, 0.3)
WATERMARKS, CLOCKS = (8, 10, 11), (9, 13)
"""In whose panes, which hold nothing else, they are."""


def sat(place: int, **unlike: int) -> Sitter:
    """Somebody with a colour of their own."""
    colour = Colour(40 + 60 * (place % 4), 60 + 45 * (place // 4), 215 - 11 * place)
    return Sitter(f"s{place}", colour, codec=("h264", "vp8")[place % 2], **unlike)


UNLIKE: Mapping[int, dict[str, int]] = {
    0: {"width": 180, "height": 320},
    1: {"width": 321, "height": 181},
    2: {"width": 320, "height": 240},
    5: {"width": 181, "height": 321},
    6: {"width": 640, "height": 180},
    12: {"turn": 90},
    14: {"turn": 180},
    15: {"turn": 270},
}
"""Portrait, odd, 4:3, odd portrait, very wide, and three phones held askew; the others as usual."""
SITTERS = tuple(sat(place, **UNLIKE.get(place, {})) for place in range(16))


def pane(place: int) -> PixelRect:
    """Where one of the sixteen panes is."""
    return to_pixels(BUILT_IN[LayoutId(9016)].panes[place].rect, CANVAS)


def full(shelf: Pictures) -> dict[str, object]:
    """16 panes, 8 images, 8 texts, 2 backgrounds, 3 watermarks, 2 clocks."""
    found: dict[str, object] = {"LayoutIds.1": 9016, "CropMode": 2}
    letters = {"FontSize": 20, "FontColor": number(WHITE), "Box": "true", "BoxBorderWidth": 6, "FontType": 1}
    for place, sitter in enumerate(SITTERS):
        found |= flat(f"UserPanes.{place + 1}", PaneId=place, UserId=sitter.name)
        if place < 8:
            star = {"X": STAR_AT.x, "Y": STAR_AT.y, "Width": STAR_AT.width, "Height": STAR_AT.height}
            found |= flat(f"UserPanes.{place + 1}.Images.1", Url=shelf.of(STAR), Display=1, **star)
            text = {"Text": f"主播 {place} live", "X": TEXT_AT.x, "Y": TEXT_AT.y, "BoxColor": number(BOX), **letters}
            found |= flat(f"UserPanes.{place + 1}.Texts.1", **text)
    found |= flat("Backgrounds.1", Url=shelf.of(OUTER))
    inner = {"X": INNER_AT.x, "Y": INNER_AT.y, "Width": INNER_AT.width, "Height": INNER_AT.height}
    found |= flat("Backgrounds.2", Url=shelf.of(INNER), ZOrder=1, **inner)
    for turn, place in enumerate(WATERMARKS, 1):
        at = in_canvas(place, STAR_AT)
        size = {"X": at.x, "Y": at.y, "Width": at.width, "Height": at.height}
        found |= flat(f"Watermarks.{turn}", Url=shelf.of(MARK), Alpha=0.5, **size)
    for turn, place in enumerate(CLOCKS, 1):
        at = in_canvas(place, TEXT_AT)
        found |= flat(f"ClockWidgets.{turn}", X=at.x, Y=at.y, BoxColor=number(CLOCK_BOX), **letters)
    return found


def in_canvas(place: int, share_of_pane: Rect) -> Rect:
    """A part of a pane as shares of the canvas."""
    whole = BUILT_IN[LayoutId(9016)].panes[place].rect
    left, top = whole.x + share_of_pane.x * whole.width, whole.y + share_of_pane.y * whole.height
    return Rect(left, top, share_of_pane.width * whole.width, share_of_pane.height * whole.height)


OVER = ((0, 0, 1, 1, 0), (0.1, 0.1, 0.5, 0.5, 1), (0.35, 0.3, 0.5, 0.5, 1), (0.5, 0.05, 0.3, 0.4, 2))
"""Panes over panes: x, y, width, height, ZOrder."""


def layout(*panes: tuple[float, float, float, float, int]) -> dict[str, object]:
    """A custom layout."""
    found: dict[str, object] = {}
    for place, (x, y, width, height, zorder) in enumerate(panes):
        size = {"X": x, "Y": y, "Width": width, "Height": height, "ZOrder": zorder}
        found |= flat(f"Panes.{place + 1}", PaneId=place, MajorPane=int(not place), **size)
    return found


async def test_sixteen_panes_with_everything(tmp_path, house: Rig, shelf: Pictures):
    """Colours within 4 levels, edges within 2 pixels, phones upright; then panes over panes, modified, deleted."""
    saved, at = tmp_path / "full.flv", dict[str, float]()
    made = (await house.call("CreateMPULayout", AudioMixCount=0, **layout(*OVER))).value()["LayoutId"]
    async with crowd(house, SITTERS), receiving(saved) as cdn:
        answer = await house.start_task("full", cdn.url, **full(shelf))
        assert answer.status == 200, answer.text
        await seated(house, "full", *["video"] * 16)
        await until(lambda: pictures_there(house, "full"), "all pictures are loaded", 60)
        at["full"] = await settled(cdn, 4)
        notes = (await house.task("full"))["notes"]
        bare = {f"UserPanes.{place + 1}.PaneId": place for place in range(4)}
        changed = await house.call("UpdateMPUTask", TaskId="full", CropMode=0, **{"LayoutIds.1": made}, **bare)
        assert changed.status == 200, changed.text
        at["over"] = await settled(cdn)
        turned = [(*place[:4], 3 - place[4]) for place in OVER[1:]]
        assert (await house.call("ModifyMPULayout", LayoutId=made, **layout(OVER[0], *turned))).status == 200
        at["turned over"] = await settled(cdn)
        assert (await house.call("DeleteMPULayout", LayoutId=made)).status == 200
        await until(lambda: stopped(house, "full"), "the task is stopped")

    recording = Recording(saved)
    shown = {name: recording.picture(moment) for name, moment in at.items()}
    assert any(note.startswith("FontType 1: Alibaba PuHuiTi Regular") for note in notes), notes
    for place, sitter in enumerate(SITTERS):
        assert_sitter(shown["full"], sitter, pane(place))
    assert_overlays(shown["full"])
    assert_over(shown["over"], {(0.3, 0.2): 1, (0.4, 0.45): 2, (0.55, 0.35): 3, (0.45, 0.75): 2, (0.95, 0.9): 0})
    assert_over(shown["turned over"], {(0.3, 0.2): 1, (0.4, 0.45): 2, (0.55, 0.35): 2, (0.55, 0.2): 1, (0.75, 0.1): 3})
    assert recording.cadence(25).perfect, recording.cadence(25)


async def pictures_there(house: Rig, task_id: str) -> bool:
    """Whether the status misses no picture (one that came too late is tried again after 30 s)."""
    await asyncio.sleep(1)
    return not any(note.startswith("picture ") for note in (await house.task(task_id))["notes"])


def assert_sitter(picture: Picture, sitter: Sitter, place: PixelRect) -> None:
    """Whole, in the middle of the pane, upright, in their colour."""
    shown = contained(place, *sitter.upright())
    middle = PixelRect(shown.left + shown.width * 7 // 16, shown.top + shown.height // 8, shown.width // 8, 30)
    seen = picture.colour(middle)
    assert distance(seen, sitter.colour) <= LEVELS, f"{sitter}: {seen}"
    assert_colour(picture, sitter.mark(shown), WHITE)
    for side, edge in pane_edges(picture, shown).items():
        wanted = getattr(shown, side)
        assert edge is None or round(abs(edge - wanted), 1) <= 2, f"{sitter}: {side} at {edge}, not {wanted}"


def assert_overlays(picture: Picture) -> None:
    """What `full` adds to the people."""
    for place in range(8):
        assert_colour(picture, to_pixels(STAR_AT, pane(place)), STAR)
        assert_box(picture, to_pixels(STAR_AT, pane(place)))
        text = to_pixels(TEXT_AT, pane(place))
        assert 0.15 < share(picture, text, BOX) < 0.9, f"the box of text {place}"
        assert picture.luma[text.top : text.bottom, text.left : text.right].max() > 200, f"letters of text {place}"
    for place in WATERMARKS:
        both = zip(parts(MARK), parts(SITTERS[place].colour), strict=True)
        assert_colour(picture, to_pixels(STAR_AT, pane(place)), Colour(*(round((one + two) / 2) for one, two in both)))
        assert_box(picture, to_pixels(STAR_AT, pane(place)))
    for place in CLOCKS:
        assert share(picture, to_pixels(TEXT_AT, pane(place)), CLOCK_BOX) > 0.2
    beside = {0: OUTER, 5: INNER}  # portrait pictures leave the backgrounds beside them
    for place, colour in beside.items():
        left = pane(place)
        assert_colour(picture, PixelRect(left.left + 8, left.top + 8, 60, 80), colour)


def assert_over(picture: Picture, points: dict[tuple[float, float], int]) -> None:
    """Whose colour is at which point of the canvas."""
    for (x, y), place in points.items():
        seen = picture.colour(PixelRect(round(x * 640) * 2, round(y * 360) * 2, 8, 8))
        assert distance(seen, SITTERS[place].colour) <= LEVELS, f"{(x, y)}: {seen}, not of pane {place}"


async def test_an_odd_portrait_canvas(tmp_path, house: Rig, shelf: Pictures):
    """541x961 becomes 540x960: fitted on black and cropped, turned phones, panes over panes and over the edge."""
    saved = tmp_path / "odd.flv"
    encode = {"VideoWidth": "541", "VideoHeight": "961", "VideoBitrate": "1500", "VideoFramerate": "25"}
    encode |= {"VideoGop": "50", "AudioBitrate": "64", "AudioSampleRate": "48000", "AudioChannels": "2"}
    places = [(0.03, 0.03, 0.45, 0.3, 0, 0), (0.52, 0.03, 0.45, 0.3, 0, 1), (0.03, 0.36, 0.7, 0.3, 1, 1)]
    places += [(0.53, 0.5, 0.6, 0.333, 2, 1)]
    people = SITTERS[12], SITTERS[1], SITTERS[2], SITTERS[15]
    panes = [
        dict(zip(("X", "Y", "Width", "Height", "ZOrder", "RenderMode"), map(str, place), strict=True))
        | {"UserInfo": {"UserId": person.name}}
        for place, person in zip(places, people, strict=True)
    ]
    plan = {"Layout": {"UserPanes": panes}, "EncodeParams": encode, "Background": {"URL": shelf.of(OUTER)}}
    async with crowd(house, people), receiving(saved) as cdn:
        named = {"ChannelId": "room", "TaskId": "odd", "MixMode": 1, "StreamURL": cdn.url}
        answer = await house.call("StartLiveMPUTask", TranscodeParams=json.dumps(plan), **named)
        assert answer.status == 200, answer.text
        await seated(house, "odd", *["video"] * 4)
        moment = await settled(cdn, 3)

    recording = Recording(saved)
    picture, canvas = recording.picture(moment), PixelRect(0, 0, 540, 960)
    assert picture.luma.shape == (960, 540)
    first, second, third, fourth = (to_pixels(Rect(*place[:4]), canvas) for place in places)
    assert_sitter(picture, people[0], first)
    assert_colour(picture, PixelRect(first.left, first.top, 36, first.height), Colour(0, 0, 0))
    for person, rect in ((people[1], second), (people[2], third), (people[3], fourth)):
        seen = picture.colour(PixelRect(rect.left + rect.width // 4 * 2 - 20, rect.top + 8, 40, 24))
        assert distance(seen, person.colour) <= LEVELS, f"{person}: {seen}"
    assert_box(picture, second)
    assert_colour(picture, PixelRect(0, 860, 540, 100), OUTER)
    assert recording.cadence(25).perfect, recording.cadence(25)
