"""A machine with nothing but pip: the built-in font draws Chinese, in size, outlined, and quickly."""

import threading
import time

import numpy as np
import pytest

from openmpu.media.lettering import fonts
from openmpu.media.lettering.builtin import NAME, BuiltInFont
from openmpu.media.lettering.clocks import ClockFace
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.lettering.texts import draw_text
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle
from tests.media.pictures_and_people import RED, WHITE

ROOM = PixelRect(0, 0, 1280, 720)


@pytest.fixture
def bare(monkeypatch):
    """The fonts of a machine that has none."""
    monkeypatch.setattr(fonts, "find_faces", lambda directory: ())
    return Fonts()


def drawn(bare, text, **style):
    return draw_text(text, TextStyle(colour=WHITE, **style), 100, 100, ROOM, bare).pixels[..., 3]


def test_chinese_is_drawn_and_a_note_says_with_what(bare):
    """Letters differ from one another and from the sign for a missing one."""
    one, other, missing = (drawn(bare, letter, font_size=60) for letter in ("主", "播", "\U0010ffff"))
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, missing)
    assert bare.notes == (f"FontType 0: Noto Serif CJK SC Regular is not installed, drawn with {NAME}",)


@pytest.mark.parametrize("size", [10, 24, 72])
def test_size_is_in_pixels(bare, size):
    """Ten Chinese letters are ten times as wide as the size says, within a twentieth; lines are not cut."""
    assert BuiltInFont(size).getlength("永" * 10) == pytest.approx(10 * size, rel=0.05, abs=10)
    mask = drawn(bare, "Ågjy永", font_size=size)
    assert not mask[0].any()
    assert not mask[-1].any()


def test_outline_and_letters(bare):
    """The outline leans out by its width on every side, in its own colour."""
    style = TextStyle(font_size=40, colour=WHITE, border_width=4, border_colour=RED)
    plain, outlined = (
        draw_text("永", each, 100, 100, ROOM, bare) for each in (TextStyle(font_size=40, colour=WHITE), style)
    )
    spans = []
    for artwork in (plain, outlined):
        columns = np.flatnonzero((artwork.pixels[..., 3] > 128).any(axis=0)) + artwork.rect.left
        spans.append((columns[0], columns[-1]))
    assert spans[0][0] - spans[1][0] == pytest.approx(4, abs=1)
    assert spans[1][1] - spans[0][1] == pytest.approx(4, abs=1)
    red = (outlined.pixels == (255, 0, 0, 255)).all(axis=2)
    assert red.sum() > 100


def test_clocks_have_digits_of_one_width(bare):
    """A clock is drawn in it as well, and only its digits change."""
    face = ClockFace(TextStyle(font_size=30, colour=WHITE), 10, 10, ROOM, bare)
    first, later = face.draw("2026-01-01 00:00:00"), face.draw("2026-01-01 00:00:01")
    changed = np.flatnonzero((first.pixels != later.pixels).any(axis=(0, 2)))
    assert first.rect == later.rect
    assert changed.min() > first.rect.width * 0.9


@pytest.mark.parametrize("text", ["x" * 1_000_000, "测" * 5000, "\U0010ffff" * 1024, "a" + "\u0301" * 100_000])
@pytest.mark.parametrize("outline", [0, 36])
def test_hostile_texts_take_their_time(bare, text, outline):
    """20 ms of CPU, as with other fonts (security.md S7); the best of three."""
    drawn(bare, text, font_size=72, border_width=outline)
    taken = []
    for _ in range(3):
        begun = time.thread_time()
        drawn(bare, text, font_size=72, border_width=outline)
        taken.append(time.thread_time() - begun)
    assert min(taken) < 0.02


def test_threads_may_draw_at_once(bare):
    """Scenes are prepared beside the paint loop."""
    wanted = drawn(bare, "主播 Alice", font_size=33)
    wrong = []

    def work():
        wrong.extend(not np.array_equal(drawn(bare, "主播 Alice", font_size=33), wanted) for _ in range(30))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wrong)
    assert len(wrong) == 120
