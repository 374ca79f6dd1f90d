"""Golden pictures of everything that can be drawn, each planned from a task and painted as a worker does."""

from __future__ import annotations

import colorsys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.pictures.picture import Picture
from openmpu.media.preview import stand_in_roster
from openmpu.media.standins import stand_in
from openmpu.media.video import ShownFrame
from openmpu.model.colours import Colour
from openmpu.model.encoder import VideoProfile
from openmpu.model.geometry import Rect
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN, Layout, Pane
from openmpu.model.overlays import ClockSpec, Display, Fit, ImageSpec, TextSpec, TextStyle
from openmpu.model.roster import Roster
from openmpu.model.scene import plan
from openmpu.model.task import MixSpec, PaneSpec, Pin, TaskSpec
from tests.media.goldens import LETTERS, check
from tests.media.lettering.installed import needs_noto
from tests.media.pictures_and_people import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    NAVY,
    RED,
    WHITE,
    YELLOW,
    Gallery,
    flat,
    plain_picture,
    quarters,
)
from tests.media.segmentation.doubles import BrightnessSegmenter

FONTS = Fonts()
WALL = 1_790_000_000_000_000_000  # 2026-09-21 14:13:20 UTC


def soft_disc():
    """An orange disc with a soft edge in a transparent square."""
    down, across = np.mgrid[-1:1:120j, -1:1:120j]
    alpha = np.clip((1 - np.hypot(down, across)) * 6, 0, 1)
    pixels = np.stack([255 * alpha, 150 * alpha, 0 * alpha, 255 * alpha], axis=-1)
    return Picture(np.rint(pixels).astype(np.uint8))


def striped():
    """Grey and blue stripes with a red frame, 2:1: shows what is cut and what is stretched."""
    pixels = np.empty((120, 240, 4), np.uint8)
    pixels[:] = (128, 128, 128, 255)
    pixels[:, ::40] = pixels[:, 1::40] = pixels[:, 2::40] = pixels[:, 3::40] = (40, 60, 160, 255)
    pixels[:6] = pixels[-6:] = (200, 0, 0, 255)
    pixels[:, :6] = pixels[:, -6:] = (200, 0, 0, 255)
    return Picture(pixels)


GALLERY = Gallery(
    red=plain_picture(RED),
    green=plain_picture(GREEN),
    blue=plain_picture(BLUE),
    yellow=plain_picture(YELLOW),
    glass=plain_picture(WHITE, 128),
    disc=soft_disc(),
    stripes=striped(),
)


def mix(*layouts, width=640, height=360, **parts):
    """A mixing task that shows some layouts."""
    profile = VideoProfile(width, height, 25, 1000, 50)
    ids = tuple(layout.layout_id for layout in layouts)
    return TaskSpec(AppId("app"), ChannelId("room"), TaskId("task"), video=profile, mix=MixSpec(ids, layouts, **parts))


def layout(*panes):
    """A layout of (x, y, width, height, zorder)."""
    return Layout(LayoutId(20_000), tuple(Pane(number, Rect(*pane[:4]), pane[4]) for number, pane in enumerate(panes)))


WHOLE_CANVAS = layout((0, 0, 1, 1, 0))


def painted(spec, people=None, frames=None, segmenter=None):
    """The canvas of a task; everybody is a stand-in where `frames` (by place in the roster) says nothing else."""
    roster = stand_in_roster(spec, people)
    compositor = Compositor(plan(spec, roster), Overlays(GALLERY, FONTS), segmenter)
    compositor.paint(WALL, _newest(roster, frames))
    return compositor.canvas


def _newest(roster: Roster, frames):
    shown: dict[TrackId, ShownFrame] = {}
    for place, user in enumerate(roster.users):
        for track in user.tracks:
            frame = frames[place] if frames is not None else stand_in(user.user_id, FONTS)
            if frame is not None:
                shown[track.track_id] = frame if isinstance(frame, ShownFrame) else ShownFrame(frame, 1)
    return shown


def text(words, x, y, zorder=0, **style):
    return TextSpec(words, x, y, zorder, TextStyle(**{"colour": WHITE, **style}))


def hue(place):
    """A colour that differs from those of the places around it."""
    parts = colorsys.hls_to_rgb(place * 0.382 % 1, 0.35 + 0.1 * (place % 4), 0.7)
    return Colour(*(round(255 * part) for part in parts))


@pytest.mark.parametrize("number", sorted(BUILT_IN))
def test_built_in_layouts(number):
    """Every built-in layout with a person in each pane (layouts.md 2)."""
    chosen = BUILT_IN[LayoutId(number)]
    frames = [flat(320, 180, hue(place)) for place in range(len(chosen.panes))]
    check(f"layout-{number}", painted(mix(chosen, background=NAVY, fit=Fit.STRETCH), frames=frames))


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (720, 1280), (750, 780)])
@pytest.mark.parametrize("number", sorted(BUILT_IN))
def test_pane_edges(number, size):
    """Each pane's colour begins and ends within 2 pixels of its shares of the canvas (layouts.md 5)."""
    chosen = BUILT_IN[LayoutId(number)]
    frames = [flat(64, 36, GREEN if number in {3, 4} and pane.zorder else RED) for pane in chosen.panes]
    canvas = painted(mix(chosen, width=size[0], height=size[1], background=BLUE, fit=Fit.STRETCH), frames=frames)
    for pane in chosen.panes:
        middle = round((pane.rect.y + pane.rect.height / 2) * size[1])
        row = canvas.planes.y[middle].astype(int)
        own = row == row[round((pane.rect.x + pane.rect.width / 2) * size[0])]
        for edge, inward in ((pane.rect.x * size[0], 1), ((pane.rect.x + pane.rect.width) * size[0] - 1, -1)):
            assert own[round(edge + 2 * inward)]
            outside = round(edge - 3 * inward)
            assert not 0 <= outside < size[0] or not own[outside] or _next_pane(chosen, pane, outside / size[0])


def _next_pane(chosen, pane, share):
    """Whether another pane is there, which may have the same colour."""
    return any(
        other is not pane and other.rect.x - 0.003 <= share <= other.rect.x + other.rect.width + 0.003
        for other in chosen.panes
    )


@pytest.mark.parametrize("fit", list(Fit))
def test_crop_modes(fit):
    """Four inputs (16:9, 4:3, portrait, portrait by rotation) in panes of 16:9, portrait, square and wide."""
    panes = layout(
        (0.02, 0.02, 0.45, 0.45, 0), (0.5, 0.02, 0.2, 0.6, 0), (0.75, 0.02, 0.2, 0.36, 0), (0.02, 0.7, 0.9, 0.25, 0)
    )
    frames = [quarters(320, 180), quarters(320, 240), quarters(180, 320), ShownFrame(quarters(320, 180), 1, 90)]
    check(f"crop-{fit.value}", painted(mix(panes, background=NAVY, fit=fit), frames=frames))


def test_odd_sizes_and_rotations():
    """Odd inputs, turned by 0, 90, 180 and 270 degrees, without an edge of another colour."""
    panes = layout(*((0.02 + 0.245 * column, 0.1, 0.22, 0.8, 0) for column in range(4)))
    frames = [ShownFrame(quarters(322, 182), 1, rotation) for rotation in (0, 90, 180, 270)]
    frames[0] = ShownFrame(flat(641, 361, YELLOW), 1)
    check("odd-sizes-and-rotations", painted(mix(panes, background=NAVY, fit=Fit.CONTAIN), frames=frames))


def test_portrait_canvas():
    """A portrait output of an unusual size, 750x780."""
    check(
        "portrait-750x780",
        painted(mix(BUILT_IN[LayoutId(6)], width=750, height=780, background=GREY), frames=[quarters(640, 360)] * 4),
    )


def test_backgrounds_by_zorder_then_place():
    """Stripes (0), red (1), then green and blue of the same ZOrder in the order of the list."""
    backgrounds = (
        ImageSpec("red", Rect(0.1, 0.1, 0.5, 0.5), zorder=1),
        ImageSpec("stripes", zorder=0),
        ImageSpec("green", Rect(0.4, 0.3, 0.4, 0.4), zorder=2),
        ImageSpec("blue", Rect(0.6, 0.5, 0.3, 0.4), zorder=2),
        ImageSpec("yellow", Rect(0.2, 0.2, 0.7, 0.7), zorder=9, display=Display.NEVER),
    )
    check(
        "zorder-backgrounds",
        painted(mix(layout((0.8, 0.05, 0.15, 0.2, 0)), backgrounds=backgrounds), frames=[flat(64, 36, GREY)]),
    )


def test_panes_by_zorder_then_number():
    """Pane 0 has ZOrder 2 and is on top; panes 1 and 2 are equal, 2 lies over 1; pane 3 is the ground."""
    panes = layout((0.3, 0.3, 0.4, 0.4, 2), (0.1, 0.1, 0.4, 0.4, 1), (0.4, 0.2, 0.5, 0.4, 1), (0.05, 0.05, 0.9, 0.9, 0))
    frames = [flat(320, 180, colour) for colour in (RED, GREEN, BLUE, GREY)]
    check("zorder-panes", painted(mix(panes, background=NAVY, fit=Fit.STRETCH), frames=frames))


def test_groups_of_panes():
    """A pane's overlays belong to it: the pane above covers those of the one below."""
    panes = layout((0.1, 0.1, 0.5, 0.6, 0), (0.4, 0.4, 0.5, 0.5, 1))
    below = PaneSpec(0, images=(ImageSpec("yellow", Rect(0.5, 0.5, 0.5, 0.5), 9, Display.ALWAYS),))
    above = PaneSpec(1, images=(ImageSpec("disc", Rect(-0.2, -0.2, 0.6, 0.6), 0, Display.ALWAYS),))
    check(
        "zorder-groups",
        painted(mix(panes, panes=(below, above), fit=Fit.STRETCH), frames=[flat(64, 36, RED), flat(64, 36, BLUE)]),
    )


@needs_noto
def test_images_before_texts_at_equal_zorder():
    """Left: text over image of the same ZOrder; middle: image of ZOrder 1 over text of 0; right: text 1 over image 0."""
    pane = PaneSpec(
        0,
        images=(
            ImageSpec("green", Rect(0.05, 0.3, 0.25, 0.3), 0, Display.ALWAYS),
            ImageSpec("glass", Rect(0.38, 0.3, 0.25, 0.3), 1, Display.ALWAYS),
            ImageSpec("blue", Rect(0.7, 0.3, 0.25, 0.3), 0, Display.ALWAYS),
        ),
        texts=(
            text("equal 同", 0.08, 0.36, 0, font_size=36),
            text("below 下", 0.36, 0.36, 0, font_size=36),
            text("above 上", 0.68, 0.36, 1, font_size=36),
        ),
    )
    check(
        "zorder-images-and-texts",
        painted(mix(WHOLE_CANVAS, panes=(pane,), fit=Fit.STRETCH), frames=[flat(64, 36, GREY)]),
        LETTERS,
    )


@needs_noto
def test_watermarks_and_clocks():
    """Watermarks and clocks over panes of any ZOrder; at equal ZOrder the clock is above, at a lower one below."""
    watermarks = (
        ImageSpec("red", Rect(0.05, 0.1, 0.4, 0.3), 0),
        ImageSpec("glass", Rect(0.05, 0.55, 0.6, 0.3), 2),
        ImageSpec("disc", Rect(0.7, 0.1, 0.25, 0.4), 0, alpha=0.5),
    )
    style = TextStyle(font_size=30, colour=WHITE, border_width=2)
    clocks = (ClockSpec(0.1, 0.2, 0, style), ClockSpec(0.1, 0.62, 1, style))
    spec = mix(layout((0, 0, 1, 1, 9)), watermarks=watermarks, clocks=clocks, fit=Fit.STRETCH)
    check("watermarks-and-clocks", painted(spec, frames=[flat(64, 36, BLUE)]), LETTERS)


def test_watermark_alpha():
    """Red over blue with alpha 0, 0.25, 0.5, 0.75 and 1."""
    marks = tuple(ImageSpec("red", Rect(0.02 + 0.2 * place, 0.2, 0.16, 0.6), alpha=place / 4) for place in range(5))
    check("watermark-alpha", painted(mix(WHOLE_CANVAS, watermarks=marks, fit=Fit.STRETCH), frames=[flat(64, 36, BLUE)]))


@pytest.mark.parametrize("with_video", [True, False], ids=["with-video", "without-video"])
def test_display_rules(with_video):
    """Three panes with Display 0, 1 and 2: while there is video, and while there is none (layouts.md 5.1)."""
    panes = layout(*((0.02 + 0.33 * place, 0.2, 0.3, 0.6, 0) for place in range(3)))
    specs = tuple(
        PaneSpec(place, images=(ImageSpec("disc", Rect(0.25, 0.25, 0.5, 0.5), 0, display),))
        for place, display in enumerate((Display.NEVER, Display.ALWAYS, Display.WITHOUT_VIDEO))
    )
    frames = [flat(64, 36, GREEN) if with_video else None] * 3
    name = f"display-{'with' if with_video else 'without'}-video"
    check(name, painted(mix(panes, panes=specs, background=NAVY, fit=Fit.STRETCH), frames=frames))


def test_live_2_panes():
    """Live-2: an absent pinned user's pane is black, or its picture; borders of RenderMode 0 are black."""
    panes = layout((0.02, 0.1, 0.3, 0.8, 0), (0.35, 0.1, 0.3, 0.8, 0), (0.68, 0.1, 0.3, 0.8, 0))
    specs = (
        PaneSpec(0, Pin(UserId("absent"))),
        PaneSpec(1, Pin(UserId("gone")), placeholder=ImageSpec("stripes", fit=Fit.CROP, display=Display.WITHOUT_VIDEO)),
        PaneSpec(2, Pin(UserId("here"))),
    )
    spec = mix(
        panes, panes=specs, empty_panes_black=True, keep_pinned_panes=True, background=GREY, fit=Fit.CONTAIN_ON_BLACK
    )
    check("live-2-panes", painted(spec, frames=[None, None, quarters(320, 180)]))


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.CROP, Fit.CONTAIN_ON_BLACK])
def test_background_picture_fits(fit):
    """A 2:1 picture on a 4:3 canvas: stretched (StartMPUTask), cropped or on black (Live-2's RenderMode)."""
    spec = mix(WHOLE_CANVAS, width=400, height=300, backgrounds=(ImageSpec("stripes", fit=fit),), background=NAVY)
    check(f"background-{fit.value}", painted(spec, frames=[None]))


@needs_noto
def test_font_types():
    """The six fonts, those that Debian has not replaced as the status says."""
    texts = tuple(
        text(f"{number} 永和九年 Hamburg", 0.05, 0.02 + 0.16 * number, font_type=number, font_size=36)
        for number in range(6)
    )
    check(
        "font-types",
        painted(mix(WHOLE_CANVAS, panes=(PaneSpec(0, texts=texts),), background=NAVY), frames=[None]),
        LETTERS,
    )


@needs_noto
def test_text_styles():
    """Outline, box, box border, alpha over all of it, lines, and a text that its pane cuts."""
    texts = (
        text("plain\nsecond line 第二行", 0.03, 0.02, font_size=24),
        text("outline 描边", 0.03, 0.32, font_size=40, border_width=3, border_colour=RED),
        text("box 盒", 0.06, 0.6, font_size=40, box=True, box_colour=BLUE),
        text("border 8", 0.35, 0.6, font_size=40, box=True, box_colour=BLUE, box_border_width=8),
        text(
            "half 一半",
            0.06,
            0.82,
            font_size=32,
            border_width=3,
            border_colour=RED,
            box=True,
            box_colour=BLUE,
            alpha=0.5,
        ),
        text("cut at the edge of its pane", 0.6, 0.1, font_size=60, colour=YELLOW),
        text("nothing", 0.5, 0.5, font_size=0),
        text("6", 0.7, 0.8, font_size=6),
    )
    panes = layout((0.05, 0.05, 0.9, 0.9, 0))
    check(
        "text-styles",
        painted(mix(panes, panes=(PaneSpec(0, texts=texts),), fit=Fit.STRETCH), frames=[flat(64, 36, GREY)]),
        LETTERS,
    )


def test_colours_of_the_api():
    """The eight corners of the colour cube as backgrounds of panes, on BT.601 and, from 720 lines on, BT.709."""
    corners = [Colour(255 * red, 255 * green, 255 * blue) for red in (0, 1) for green in (0, 1) for blue in (0, 1)]
    panes = layout(*((0.02 + 0.245 * (place % 4), 0.05 + 0.48 * (place // 4), 0.22, 0.42, 0) for place in range(8)))
    for height in (360, 720):
        spec = mix(panes, width=height * 16 // 9, height=height, background=GREY, fit=Fit.STRETCH)
        check(f"colours-{height}", painted(spec, frames=[flat(64, 36, colour) for colour in corners]))


def test_people_cut_out():
    """A bright person before a dark wall: the wall goes, the lower pane and the background show, the edge is soft."""
    panes = layout((0.05, 0.1, 0.5, 0.8, 0), (0.2, 0.2, 0.7, 0.7, 1))
    specs = (PaneSpec(1, segment=True),)
    spec = mix(panes, panes=specs, segmentation=True, backgrounds=(ImageSpec("stripes"),), fit=Fit.STRETCH)
    frame = flat(320, 180, BLACK)
    disc = np.zeros((180, 320), np.uint8)
    cv2.circle(disc, (160, 90), 60, 219, -1, cv2.LINE_AA)
    frame.planes[0].update((disc + 16).tobytes())
    check("people-cut-out", painted(spec, frames=[quarters(320, 180), frame], segmenter=BrightnessSegmenter()))


@needs_noto
def test_full_scene():
    """16 panes, 8 images, 8 texts, 2 backgrounds, 3 watermarks, 2 clocks."""
    check("full-scene", painted(full_scene()), LETTERS)


def full_scene():
    """The most that the spec's own examples put on a picture."""
    overlays = tuple(
        PaneSpec(
            number,
            images=(ImageSpec("disc", Rect(0.7, 0.05, 0.25, 0.4), 0, Display.ALWAYS),),
            texts=(text(f"主播 {number}", 0.05, 0.05, font_size=18, box=True, box_border_width=3, alpha=0.8),),
        )
        for number in range(8)
    )
    backgrounds = (ImageSpec("stripes"), ImageSpec("glass", Rect(0.1, 0.1, 0.8, 0.8), 1))
    watermarks = (
        ImageSpec("glass", Rect(0.02, 0.02, 0.2, 0.1), 0, alpha=0.6),
        ImageSpec("disc", Rect(0.45, 0.42, 0.1, 0.16), 1, alpha=0.7),
        ImageSpec("yellow", Rect(0.9, 0.94, 0.1, 0.06), 2, alpha=0.5),
    )
    style = TextStyle(font_size=28, colour=WHITE, border_width=2, border_colour=BLACK)
    clocks = (
        ClockSpec(0.02, 0.03, 3, style),
        ClockSpec(0.7, 0.93, 3, replace(style, box=True, box_colour=NAVY, alpha=0.7)),
    )
    return mix(
        BUILT_IN[LayoutId(9016)],
        width=1280,
        height=720,
        background=NAVY,
        panes=overlays,
        backgrounds=backgrounds,
        watermarks=watermarks,
        clocks=clocks,
    )
