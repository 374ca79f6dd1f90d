"""People cut out: what lies below shows around them, and the paint loop waits for nobody."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.segmentation.port import HEIGHT, MISSING_NOTE, WIDTH
from openmpu.media.video import ShownFrame
from openmpu.model.colours import to_ycbcr
from openmpu.model.geometry import WHOLE, PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import ImageLayer, PaneLayer, Scene
from tests.media.pictures_and_people import (
    BLUE,
    NAVY,
    RED,
    WHITE,
    Gallery,
    flat,
    newest,
    noise,
    pane,
    plain_picture,
    shown,
)
from tests.media.segmentation.doubles import BrightnessSegmenter

CANVAS = PixelRect(0, 0, 640, 360)


def cut(number, rect=CANVAS, fit=Fit.STRETCH):
    return PaneLayer(number, rect, WHOLE, number, fit, track_id=TrackId(str(number)), segment=True)


def compositor_of(*panes, segmenter):
    scene = Scene(640, 360, 1, NAVY, panes=panes)
    return Compositor(scene, Overlays(Gallery(), Fonts()), segmenter)


def at(compositor, x, y):
    planes = compositor.canvas.planes
    return int(planes.y[y, x]), int(planes.u[y // 2, x // 2]), int(planes.v[y // 2, x // 2])


def is_colour(compositor, x, y, colour):
    return at(compositor, x, y) == pytest.approx(to_ycbcr(colour, compositor.canvas.matrix), abs=2)


def person():
    """White in the middle third, black beside."""
    frame = flat(320, 180, NAVY)
    rows = np.full((180, 320), 16, np.uint8)
    rows[:, 106:214] = 235
    frame.planes[0].update(rows.tobytes())
    for plane in frame.planes[1:]:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame


def test_person_stays_and_what_lies_below_shows():
    """The lower pane and the background are seen around the person."""
    lower = pane(0, PixelRect(0, 0, 320, 360))
    compositor = compositor_of(lower, cut(1), segmenter=BrightnessSegmenter())
    compositor.paint(0, newest(flat(64, 36, RED), person()))
    assert is_colour(compositor, 20, 100, RED)
    assert is_colour(compositor, 320, 100, WHITE)
    assert is_colour(compositor, 620, 100, NAVY)


def test_edge_is_soft():
    """Between person and ground there are steps in between."""
    compositor = compositor_of(cut(0), segmenter=BrightnessSegmenter())
    compositor.paint(0, newest(person()))
    row = compositor.canvas.planes.y[100, 190:240].astype(int)
    assert row[0] == to_ycbcr(NAVY, compositor.canvas.matrix)[0]
    assert row[-1] > 230
    assert ((row > row[0] + 20) & (row < row[-1] - 20)).any()


class Late(BrightnessSegmenter):
    """Answers when the test does."""

    def watch(self):
        watcher = super().watch()
        watcher.look = lambda picture: None
        return watcher


def test_nothing_is_shown_before_the_first_mask():
    """Nobody's room is on air because a mask is late."""
    late = Late()
    compositor = compositor_of(cut(0), segmenter=late)
    compositor.paint(0, newest(person()))
    assert is_colour(compositor, 320, 100, NAVY)
    late.watchers[0].answer = np.full((HEIGHT, WIDTH), 255, np.uint8)
    assert compositor.paint(0, newest(person())).changed
    assert is_colour(compositor, 320, 100, WHITE)


def test_nobody_blinks_when_the_scene_changes():
    """The mask that is known stays until there is another, also in another place."""
    late = Late()
    compositor = compositor_of(cut(0), segmenter=late)
    late.watchers[0].answer = np.full((HEIGHT, WIDTH), 255, np.uint8)
    compositor.paint(0, newest(person()))
    moved = replace(cut(0), rect=PixelRect(0, 0, 320, 180))
    compositor.set_scene(replace(compositor.scene, panes=(moved,)))
    compositor.paint(0, newest(person()))
    assert is_colour(compositor, 160, 50, WHITE)
    assert len(late.watchers) == 1


def test_one_that_never_worked_hides_nobody():
    """From the tick on at which that is known, until it works."""
    late = Late()
    compositor = compositor_of(cut(0), segmenter=late)
    late.usable = False
    compositor.paint(0, newest(flat(320, 180, BLUE)))
    assert is_colour(compositor, 20, 100, BLUE)
    assert MISSING_NOTE in compositor.notes
    late.usable = True
    compositor.paint(0, newest(flat(320, 180, BLUE)))
    assert is_colour(compositor, 20, 100, NAVY)


def test_a_frame_is_looked_at_once():
    """Repainting for other reasons asks nobody again, and a mask that is known changes nothing."""
    segmenter = BrightnessSegmenter()
    compositor = compositor_of(pane(0, CANVAS), cut(1), segmenter=segmenter)
    compositor.paint(0, newest(flat(64, 36, RED), person()))
    same = {TrackId("1"): shown(person())}
    compositor.paint(0, {TrackId("0"): shown(flat(64, 36, BLUE), serial=2), **same})
    assert segmenter.watchers[0].looks == 1
    assert not compositor.paint(0, {TrackId("0"): shown(flat(64, 36, BLUE), serial=2), **same}).changed


def test_without_segmentation_the_request_is_accepted():
    """The whole picture is shown, and the status says why."""
    compositor = compositor_of(cut(0), segmenter=None)
    compositor.paint(0, newest(flat(320, 180, BLUE)))
    assert is_colour(compositor, 20, 100, BLUE)
    assert MISSING_NOTE in compositor.notes


def test_no_note_where_nobody_is_to_be_cut_out():
    """Most tasks hear nothing of it."""
    assert compositor_of(pane(0, CANVAS), segmenter=None).notes == ()


FRAMES = [noise(64, 36, 1), noise(128, 72, 2), flat(32, 32, WHITE), noise(37, 51, 3)]


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_repainted_equals_freshly_painted(dice):
    """As for everything else, also where the layer that is scaled whole lets through what is below."""
    rects = [PixelRect(dice.randrange(0, 60, 2), dice.randrange(0, 40, 2), 36, 24) for _ in range(4)]
    panes = tuple(
        cut(number, rect, dice.choice(list(Fit))) if dice.random() < 0.6 else pane(number, rect, dice.choice(list(Fit)))
        for number, rect in enumerate(rects)
    )
    overlays = Overlays(Gallery(half=plain_picture(RED, 128)), Fonts())
    asked = Scene(96, 64, 1, NAVY, panes=panes, overlays=(ImageLayer("half", PixelRect(20, 10, 50, 30)),))
    compositor, frames = Compositor(asked, overlays, BrightnessSegmenter()), {}
    for serial in range(8):
        for _ in range(dice.randrange(1, 4)):
            frames[TrackId(str(dice.randrange(4)))] = ShownFrame(dice.choice(FRAMES), serial)
        compositor.paint(0, frames)
        fresh = Compositor(asked, overlays, BrightnessSegmenter())
        fresh.paint(0, frames)
        for plane, anew in zip(compositor.canvas.planes, fresh.canvas.planes, strict=True):
            assert np.array_equal(plane, anew)
