"""Overlays: made once, kept, and ready before they are shown."""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from openmpu.media import overlays as module
from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fontfiles import Face
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.model.colours import BT601, to_ycbcr
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle
from openmpu.model.scene import ClockLayer, ImageLayer, Scene, TextLayer
from tests.media.pictures_and_people import RED, WHITE, Gallery, pane, plain_picture

ROOM = PixelRect(0, 0, 320, 180)
TEXT = TextLayer("Hello", 10, 10, TextStyle(colour=WHITE))
MARK = ImageLayer("mark", PixelRect(20, 20, 40, 40))


class LaterExecutor(Executor):
    """Runs what was submitted when told to."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        self.waiting.append(lambda: fn(*args, **kwargs))

    def run(self):
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            job()


@pytest.fixture
def drawn(monkeypatch):
    """How often a text was drawn and a picture fitted."""
    calls = []
    for name in ("draw_text", "fit_picture", "ClockFace"):
        monkeypatch.setattr(module, name, counting(calls, name, getattr(module, name)))
    return calls


def counting(calls, name, real):
    def call(*args):
        calls.append(name)
        return real(*args)

    return call


def overlays(executor=None):
    return Overlays(Gallery(mark=plain_picture(RED)), Fonts(), executor=executor)


def test_made_once(drawn):
    """The same text in the same place is drawn once for all scenes."""
    shared = overlays()
    first = shared.make(TEXT, ROOM, BT601, 0)
    assert shared.make(TEXT, ROOM, BT601, 0) is first
    assert drawn == ["draw_text"]


def test_a_prepared_scene_costs_the_paint_loop_nothing(drawn):
    """Texts, pictures and clocks are there when it is shown."""
    clock = ClockLayer(5, 100, TextStyle(font_size=20, colour=WHITE))
    scene = Scene(320, 180, 1, panes=(pane(0, ROOM, overlays=(TEXT,)),), backgrounds=(MARK,), overlays=(clock,))
    shared = overlays()
    shared.prepare(scene, 0)
    assert sorted(drawn) == ["ClockFace", "draw_text", "fit_picture"]
    Compositor(scene, shared).paint(0, {})
    assert len(drawn) == 3


def test_pictures_are_made_ready_beside_the_paint_loop():
    """With an executor the paint loop goes on without the picture until it is ready."""
    executor = LaterExecutor()
    compositor = Compositor(Scene(320, 180, 1, overlays=(MARK,)), overlays(executor))
    compositor.paint(0, {})
    compositor.paint(0, {})
    assert len(executor.waiting) == 1
    executor.run()
    assert compositor.paint(0, {}).rects == (MARK.rect,)
    assert compositor.canvas.planes.y[30, 30] == to_ycbcr(RED, BT601)[0]


def test_memory_is_bounded(monkeypatch):
    """What was shown longest ago is forgotten, never what was just made."""
    monkeypatch.setattr(module, "MAX_KEPT_BYTES", 5000)
    shared = overlays()
    for left in range(0, 200, 20):
        assert shared.make(ImageLayer("mark", PixelRect(left, 20, 40, 40)), ROOM, BT601, 0) is not None
    assert sum(made.size for made in shared._made.values()) <= 5000


def test_notes_tell_of_fonts():
    """A font that is drawn with another one stands in the status."""
    shared = overlays()
    shared.make(TextLayer("x", 0, 0, TextStyle(font_type=3)), ROOM, BT601, 0)
    assert (Fonts().face(3) or BARE).family.startswith("Alibaba") or shared.notes[0].startswith("FontType 3")


BARE = Face(Path("none"), 0, "none", "Regular")
