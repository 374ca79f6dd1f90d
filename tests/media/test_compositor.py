"""The compositor: layers over layers, and nothing left of what was there before."""

import random
from datetime import UTC

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.errors import InternalError, Invalid
from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.regions import area, union
from openmpu.media.video import ShownFrame
from openmpu.model.colours import Colour, to_ycbcr
from openmpu.model.geometry import WHOLE, PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit, TextStyle
from openmpu.model.scene import ClockLayer, ImageLayer, PaneLayer, Scene, TextLayer
from tests.media.pictures_and_people import (
    BLACK,
    BLUE,
    GREEN,
    NAVY,
    RED,
    WHITE,
    YELLOW,
    Gallery,
    flat,
    newest,
    noise,
    pane,
    plain_picture,
    quarters,
    scene,
    shown,
)

SECOND = 1_000_000_000
FONTS = Fonts()
LEFT, RIGHT = PixelRect(0, 0, 320, 360), PixelRect(320, 0, 320, 360)
SMALL = PixelRect(200, 100, 160, 90)


def at(compositor, x, y):
    """The samples of one pixel."""
    planes = compositor.canvas.planes
    return int(planes.y[y, x]), int(planes.u[y // 2, x // 2]), int(planes.v[y // 2, x // 2])


def is_colour(compositor, x, y, colour, within=2):
    return at(compositor, x, y) == pytest.approx(to_ycbcr(colour, compositor.canvas.matrix), abs=within)


def overlays(**pictures):
    return Overlays(Gallery(**pictures), FONTS)


@pytest.mark.parametrize("height", [360, 720])
def test_background_is_exact(height):
    """BackgroundColor is on the canvas to the level, in either colour space (layouts.md 9, case 9)."""
    compositor = Compositor(scene(width=height * 16 // 9, height=height, background=RED))
    assert compositor.paint(0, {}).rects == (compositor.canvas.rect,)
    assert is_colour(compositor, 0, 0, RED, within=0)
    assert is_colour(compositor, compositor.canvas.rect.right - 1, height - 1, RED, within=0)


@pytest.mark.parametrize("height", [360, 720])
def test_video_keeps_its_colours(height):
    """Red, green, blue and white of a BT.601 sender are themselves on the canvas, within 2 levels."""
    compositor = Compositor(scene(pane(0, LEFT), width=640, height=height))
    for serial, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        compositor.paint(0, newest(flat(320, 180, colour), serial=serial))
        assert is_colour(compositor, 100, 100, colour)


def test_nothing_new_paints_nothing():
    """The same serial is the same frame: no sample is touched."""
    compositor = Compositor(scene(pane(0, LEFT)))
    compositor.paint(0, newest(flat(64, 36, RED), serial=7))
    compositor.canvas.planes.y[0, 0] = 99
    assert not compositor.paint(0, newest(flat(64, 36, BLUE), serial=7)).changed
    assert compositor.canvas.planes.y[0, 0] == 99


def test_only_the_pane_with_a_new_frame_is_painted():
    """Two panes, one new frame: one rectangle."""
    compositor = Compositor(scene(pane(0, LEFT), pane(1, RIGHT)))
    compositor.paint(0, newest(flat(64, 36, RED), flat(64, 36, RED)))
    second = {**newest(flat(64, 36, RED)), TrackId("1"): shown(flat(64, 36, BLUE), serial=2)}
    assert compositor.paint(0, second).rects == (RIGHT,)
    assert is_colour(compositor, 400, 100, BLUE)


def test_a_pane_over_another_stays_on_top():
    """The lower pane's new frame is painted under the upper one; the upper one's alone."""
    compositor = Compositor(scene(pane(0, PixelRect(0, 0, 640, 360)), pane(1, SMALL)))
    compositor.paint(0, newest(flat(64, 36, RED), flat(64, 36, GREEN)))
    upper = {TrackId("1"): shown(flat(64, 36, GREEN))}
    compositor.paint(0, {TrackId("0"): shown(flat(64, 36, BLUE), serial=2), **upper})
    assert is_colour(compositor, 10, 10, BLUE)
    assert is_colour(compositor, 250, 150, GREEN)
    lower = {TrackId("0"): shown(flat(64, 36, BLUE), serial=2)}
    assert compositor.paint(0, {**lower, TrackId("1"): shown(flat(64, 36, YELLOW), serial=2)}).rects == (SMALL,)


def test_without_video_what_lies_below_shows():
    """A track that has no video any more uncovers the background, or the pane's own fill."""
    compositor = Compositor(scene(pane(0, LEFT), pane(1, RIGHT, fill=BLACK), background=NAVY))
    compositor.paint(0, newest(flat(64, 36, RED), flat(64, 36, RED)))
    compositor.paint(0, {})
    assert is_colour(compositor, 100, 100, NAVY, within=0)
    assert is_colour(compositor, 400, 100, BLACK, within=0)


@pytest.mark.parametrize(("fit", "border"), [(Fit.CONTAIN, NAVY), (Fit.CONTAIN_ON_BLACK, BLACK), (Fit.CROP, RED)])
def test_borders(fit, border):
    """4:3 in 16:9: the background, black, or none (layouts.md 5)."""
    compositor = Compositor(scene(pane(0, PixelRect(0, 0, 640, 360), fit), background=NAVY))
    compositor.paint(0, newest(flat(320, 240, RED)))
    assert is_colour(compositor, 78, 100, border)
    assert is_colour(compositor, 82, 100, RED)


def test_a_frame_of_another_size_moves_the_borders():
    """A phone that is turned leaves nothing of its old picture."""
    compositor = Compositor(scene(pane(0, PixelRect(0, 0, 640, 360), Fit.CONTAIN), background=NAVY))
    compositor.paint(0, newest(flat(320, 180, RED)))
    compositor.paint(0, {TrackId("0"): shown(flat(320, 180, BLUE), serial=2, rotation=90)})
    assert is_colour(compositor, 10, 100, NAVY, within=0)
    assert is_colour(compositor, 320, 100, BLUE)


@pytest.mark.parametrize(("rotation", "colour"), [(0, RED), (90, BLUE), (180, YELLOW), (270, GREEN)])
def test_rotation(rotation, colour):
    """What is left-top after turning clockwise."""
    compositor = Compositor(scene(pane(0, PixelRect(0, 0, 360, 360))))
    compositor.paint(0, {TrackId("0"): shown(quarters(320, 180), rotation=rotation)})
    assert is_colour(compositor, 20, 20, colour)


@pytest.mark.parametrize("pixel_format", ["yuv444p", "nv12", "yuv420p10le", "yuv422p"])
def test_other_formats(pixel_format):
    """A decoder that gives another layout of samples is shown like any other."""
    compositor = Compositor(scene(pane(0, LEFT)))
    compositor.paint(0, newest(flat(64, 36, RED).reformat(format=pixel_format)))
    assert is_colour(compositor, 100, 100, RED)
    assert compositor.refused_frames == 0


def test_full_range_input():
    """yuvj420p white is the canvas's white."""
    frame = av.VideoFrame(64, 36, "yuvj420p")
    for plane, value in zip(frame.planes, (255, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    compositor = Compositor(scene(pane(0, LEFT)))
    compositor.paint(0, newest(frame))
    assert is_colour(compositor, 100, 100, WHITE, within=1)


def test_a_frame_that_cannot_be_shown_leaves_the_one_before():
    """One pixel is no picture; it is counted."""
    compositor = Compositor(scene(pane(0, LEFT)))
    compositor.paint(0, newest(flat(64, 36, RED)))
    compositor.paint(0, newest(flat(1, 1, BLUE), serial=2))
    assert is_colour(compositor, 100, 100, RED)
    assert compositor.refused_frames == 1


@pytest.mark.parametrize("size", [(641, 361), (37, 21), (2, 2), (3, 500)])
def test_odd_inputs_fill_their_pane(size):
    """No green or black edge at the last column and row."""
    compositor = Compositor(scene(pane(0, LEFT)))
    compositor.paint(0, newest(flat(*size, RED)))
    for x, y in ((0, 0), (319, 0), (0, 359), (319, 359)):
        assert is_colour(compositor, x, y, RED)


def test_panes_are_clipped_to_the_canvas():
    """A pane that reaches over the edge paints what is inside; one that is outside paints nothing."""
    over, outside = PixelRect(600, 300, 100, 100), PixelRect(700, 0, 10, 10)
    compositor = Compositor(scene(pane(0, over), pane(1, outside)))
    compositor.paint(0, newest(flat(64, 36, RED), flat(64, 36, GREEN)))
    assert is_colour(compositor, 639, 359, RED)


def test_after_a_failed_tick_everything_is_painted_anew(monkeypatch):
    """What was half painted is not left on the canvas."""
    compositor = Compositor(scene(pane(0, LEFT), background=NAVY))
    compositor.paint(0, newest(flat(64, 36, RED)))
    with monkeypatch.context() as patch:
        patch.setattr("openmpu.media.scaling.cv2.resize", broken_resize)
        with pytest.raises(InternalError):
            compositor.paint(0, newest(flat(64, 36, BLUE), serial=2))
    assert compositor.paint(0, newest(flat(64, 36, BLUE), serial=2)).rects == (compositor.canvas.rect,)
    assert is_colour(compositor, 100, 100, BLUE)


def broken_resize(source, size, **_):
    """What OpenCV does with a picture that it does not take."""
    return cv2.merge([])


def test_scene_of_another_size_gets_another_canvas():
    """And one of the same size keeps it, so that the encoder's frame stays the same buffer."""
    compositor = Compositor(scene(background=RED))
    first = compositor.canvas
    compositor.set_scene(scene(background=BLUE))
    compositor.paint(0, {})
    assert compositor.canvas is first
    assert is_colour(compositor, 0, 0, BLUE)
    compositor.set_scene(scene(width=750, height=780, background=GREEN))
    compositor.paint(0, {})
    assert compositor.canvas is not first
    assert is_colour(compositor, 749, 779, GREEN)


def test_a_scene_that_cannot_be_leaves_the_one_before():
    """Nothing is half changed."""
    compositor = Compositor(scene(background=RED))
    with pytest.raises(Invalid):
        compositor.set_scene(scene(width=641))
    compositor.paint(0, {})
    assert is_colour(compositor, 0, 0, RED)


def test_picture_appears_when_it_is_loaded():
    """Nobody waits for it, and the tick on which it is there shows it."""
    gallery = Gallery()
    watermark = ImageLayer("mark", PixelRect(10, 10, 20, 20))
    compositor = Compositor(Scene(64, 36, 1, overlays=(watermark,)), Overlays(gallery, FONTS))
    compositor.paint(0, {})
    assert is_colour(compositor, 15, 15, BLACK, within=0)
    gallery.pictures["mark"] = plain_picture(RED)
    assert compositor.paint(0, {}).rects == (watermark.rect,)
    assert is_colour(compositor, 15, 15, RED)


def test_display_2_shows_while_there_is_no_video():
    """An avatar goes when the camera comes and comes back when it goes (layouts.md 5.1)."""
    avatar = ImageLayer("avatar", LEFT, only_without_video=True)
    always = ImageLayer("badge", PixelRect(0, 0, 20, 20))
    compositor = Compositor(
        scene(pane(0, LEFT, overlays=(avatar, always))),
        overlays(avatar=plain_picture(GREEN), badge=plain_picture(BLUE)),
    )
    for frames, colour in (({}, GREEN), (newest(flat(64, 36, RED)), RED), ({}, GREEN)):
        compositor.paint(0, frames)
        assert is_colour(compositor, 100, 100, colour)
        assert is_colour(compositor, 10, 10, BLUE)


def test_overlays_are_clipped_to_their_pane():
    """A text that is longer than its pane ends with it."""
    text = TextLayer("MMMMMMMMMMMMMMMM", 100, 0, TextStyle(font_size=40, colour=WHITE, box=True, box_colour=RED))
    compositor = Compositor(scene(pane(0, PixelRect(0, 0, 200, 100), overlays=(text,))), overlays())
    compositor.paint(0, {})
    assert is_colour(compositor, 199, 2, RED)
    assert is_colour(compositor, 201, 2, BLACK, within=0)


def test_watermark_lies_over_panes_of_any_zorder():
    """Strata do not mix (layouts.md 9, case 11)."""
    layers = scene(PaneLayer(0, LEFT, WHOLE, 5, Fit.STRETCH, track_id=TrackId("0")))
    marked = Scene(640, 360, 1, panes=layers.panes, overlays=(ImageLayer("mark", PixelRect(50, 50, 100, 100)),))
    compositor = Compositor(marked, overlays(mark=plain_picture(GREEN)))
    compositor.paint(0, newest(flat(64, 36, RED)))
    assert is_colour(compositor, 100, 100, GREEN)
    compositor.paint(0, newest(flat(64, 36, BLUE), serial=2))
    assert is_colour(compositor, 100, 100, GREEN)
    assert is_colour(compositor, 10, 10, BLUE)


def test_clock_changes_on_the_second_only():
    """Ticks within one second paint nothing; the next second paints the clock's rectangle."""
    clock = ClockLayer(10, 10, TextStyle(font_size=20, colour=WHITE))
    compositor = Compositor(Scene(320, 180, 1, overlays=(clock,)), overlays())
    compositor.paint(5 * SECOND, {})
    before = compositor.canvas.planes.y.copy()
    assert not compositor.paint(6 * SECOND - 1, {}).changed
    painted = compositor.paint(6 * SECOND, {})
    assert len(painted.rects) == 1
    assert not np.array_equal(before, compositor.canvas.planes.y)


# The property: repainted equals freshly painted.

SIZE = (96, 64)
FITS = list(Fit)
COLOURS = [RED, GREEN, BLUE, WHITE, NAVY]
PICTURES = {
    "opaque": plain_picture(GREEN),
    "half": plain_picture(RED, 128),
    "ring": plain_picture(YELLOW, 200, 31, 17),
}
FRAMES = [
    (noise(64, 36, 1), 0),
    (noise(64, 36, 2), 0),
    (noise(37, 51, 3), 0),
    (noise(128, 72, 4), 90),
    (noise(200, 30, 5), 180),
    (flat(16, 16, BLUE), 270),
]


def some_rect(dice):
    left, top = dice.randrange(0, 80, 2), dice.randrange(0, 50, 2)
    return PixelRect(left, top, dice.randrange(2, 70, 2), dice.randrange(2, 50, 2))


def some_image(dice):
    return ImageLayer(
        dice.choice([*PICTURES, "later"]),
        some_rect(dice),
        dice.choice([0.3, 1.0]),
        dice.choice(FITS),
        dice.random() < 0.4,
    )


def some_text(dice):
    style = TextStyle(
        font_size=dice.choice([8, 14]),
        colour=dice.choice(COLOURS),
        border_width=dice.choice([0, 2]),
        box=dice.random() < 0.5,
        alpha=dice.choice([0.5, 1.0]),
    )
    return TextLayer("Ag\ny", dice.randrange(80), dice.randrange(50), style)


def some_pane(dice, number):
    layers = tuple(dice.choice([some_image, some_text])(dice) for _ in range(dice.randrange(3)))
    fill = dice.choice([None, BLACK])
    track = TrackId(str(dice.randrange(3)))
    return PaneLayer(number, some_rect(dice), WHOLE, number, dice.choice(FITS), fill, track_id=track, overlays=layers)


def some_scene(dice):
    top = [some_image(dice) for _ in range(dice.randrange(2))]
    if dice.random() < 0.6:
        top.append(
            ClockLayer(dice.randrange(-5, 60), dice.randrange(50), TextStyle(font_size=8, colour=WHITE, alpha=0.7))
        )
    return Scene(
        *SIZE,
        1,
        Colour(dice.randrange(256), 50, 200),
        tuple(some_image(dice) for _ in range(dice.randrange(2))),
        tuple(some_pane(dice, number) for number in range(dice.randrange(5))),
        tuple(top),
    )


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_repainted_equals_freshly_painted(dice):
    """After any updates the canvas is, byte for byte, what a new one would be; and what changed was told."""
    gallery = Gallery(**PICTURES)
    shared = Overlays(gallery, FONTS, UTC)
    asked, frames, wall = some_scene(dice), {}, 0
    compositor = Compositor(asked, shared)
    for serial in range(12):
        match dice.randrange(8):
            case 0:
                asked = some_scene(dice)
                compositor.set_scene(asked)
            case 1:
                frames.pop(TrackId(str(dice.randrange(3))), None)
            case 2:
                wall += SECOND // 2
            case 3:
                gallery.pictures["later"] = PICTURES["half"]
            case _:
                for _ in range(dice.randrange(1, 3)):
                    frame, rotation = dice.choice(FRAMES)
                    frames[TrackId(str(dice.randrange(3)))] = ShownFrame(frame, serial, rotation)
        before = [plane.copy() for plane in compositor.canvas.planes]
        painted = compositor.paint(wall, frames)
        fresh = Compositor(asked, shared)
        fresh.paint(wall, frames)
        for plane, anew in zip(compositor.canvas.planes, fresh.canvas.planes, strict=True):
            assert np.array_equal(plane, anew)
        assert area(painted.rects) == area(union((), painted.rects))
        outside = [plane.copy() for plane in compositor.canvas.planes]
        for rect in painted.rects:
            for plane, old, by in zip(outside, before, (1, 2, 2), strict=True):
                part = slice(rect.top // by, rect.bottom // by), slice(rect.left // by, rect.right // by)
                plane[part] = old[part]
        assert all(np.array_equal(plane, old) for plane, old in zip(outside, before, strict=True))


TICKS, FPS, SCENE_TICKS = 15_000, 25, 200
"""Ten minutes at 25 pictures a second, another scene every eight seconds."""


def test_ten_minutes_of_updates_leave_no_seam():
    """Frames, clocks, pictures and scenes at random for 15,000 ticks: on and on what a new canvas would show."""
    dice, gallery = random.Random(5), Gallery(**PICTURES)
    shared, frames, compared = Overlays(gallery, FONTS), {}, 0
    asked = crowded(dice)
    compositor = Compositor(asked, shared)
    for tick in range(TICKS):
        wall = tick * SECOND // FPS
        if tick % SCENE_TICKS == SCENE_TICKS - 1:
            asked = crowded(dice)
            compositor.set_scene(asked)
        happen(dice, gallery, frames, tick)
        compositor.paint(wall, frames)
        if tick % 25 == 0 or tick % SCENE_TICKS in (SCENE_TICKS - 2, SCENE_TICKS - 1):
            fresh = Compositor(asked, shared)
            fresh.paint(wall, frames)
            for plane, anew in zip(compositor.canvas.planes, fresh.canvas.planes, strict=True):
                assert np.array_equal(plane, anew), f"a seam after {wall / SECOND} s"
            compared += 1
    assert compared > 700


def crowded(dice):
    """A scene in which something moves always: never without panes, mostly overlapping, mostly with a clock."""
    asked = some_scene(dice)
    while not asked.panes:
        asked = some_scene(dice)
    return asked


def happen(dice, gallery, frames, tick):
    """What a tick brings: a frame or two, somebody gone now and then, a picture that is loaded in the tenth second."""
    for number in range(3):
        if dice.random() < 0.3:
            frame, rotation = dice.choice(FRAMES)
            frames[TrackId(str(number))] = ShownFrame(frame, tick, rotation if dice.random() < 0.02 else 0)
    if dice.random() < 0.005:
        frames.pop(TrackId(str(dice.randrange(3))), None)
    if tick == 10 * FPS:
        gallery.pictures["later"] = PICTURES["half"]
