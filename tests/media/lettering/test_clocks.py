"""Clocks: what they say, and that only digits move."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from openmpu.media.lettering.clock_layer import ClockLayer
from openmpu.media.lettering.clocks import ClockFace, clock_text
from openmpu.media.lettering.fonts import Fonts
from openmpu.model.colours import BT601
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import TextStyle
from tests.media.pictures_and_people import WHITE

SECOND = 1_000_000_000
FONTS = Fonts()
ROOM = PixelRect(0, 0, 640, 360)


def wall(*moment):
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("moment", "zone", "text"),
    [
        ((2026, 1, 2, 3, 4, 5), UTC, "2026-01-02 03:04:05"),
        ((2026, 12, 31, 16, 0, 0), ZoneInfo("Asia/Shanghai"), "2027-01-01 00:00:00"),
        ((2026, 3, 29, 0, 59, 59), ZoneInfo("Europe/Berlin"), "2026-03-29 01:59:59"),
        ((2026, 3, 29, 1, 0, 0), ZoneInfo("Europe/Berlin"), "2026-03-29 03:00:00"),
    ],
)
def test_text(moment, zone, text):
    """The zone's own time, also on the night the clocks change."""
    assert clock_text(wall(*moment), zone) == text


def test_changes_on_the_second():
    """A nanosecond before, it is still the old second."""
    assert clock_text(wall(2026, 1, 1, 0, 0, 1) - 1, UTC) == "2026-01-01 00:00:00"


def face(left=20, top=20, **style):
    return ClockFace(TextStyle(font_size=40, colour=WHITE, **style), left, top, ROOM, FONTS)


def test_only_the_digits_that_differ_move():
    """From :00 to :01 only the last cell changes."""
    clock = face()
    one, two = clock.draw("2026-01-01 00:00:00").pixels, clock.draw("2026-01-01 00:00:01").pixels
    columns = np.flatnonzero((one != two).any(axis=(0, 2)))
    assert columns.size
    assert columns[0] > one.shape[1] * 0.9


def test_reads_like_a_text():
    """As many letters as the text has, within the frame that a box would fill."""
    clock = face(box=True)
    alpha = clock.draw("2026-01-01 00:00:00").pixels[..., 3]
    assert alpha.min() == 0 or alpha.min() == 255
    assert (alpha == 255).mean() > 0.95


@pytest.mark.parametrize("corner", [(-100, 10), (600, 340), (639, 359)])
def test_clipped_to_the_canvas(corner):
    """A clock at the edge shows what fits."""
    clock = face(*corner)
    assert clock.rect.intersection(ROOM) == clock.rect
    pixels = clock.draw("2026-01-01 00:00:00").pixels
    assert pixels.shape[:2] == (clock.rect.height, clock.rect.width)


def test_layer_draws_once_a_second():
    """Within a second it says that nothing changed."""
    layer = ClockLayer(face(), 0.5, BT601, UTC, 10 * SECOND)
    assert not layer.tick(11 * SECOND - 1)
    assert layer.tick(11 * SECOND)
    assert not layer.tick(11 * SECOND + 40_000_000)


def test_layer_after_a_tick_is_as_if_made_then():
    """Nothing of the old second stays in it."""
    old, new = ClockLayer(face(), 0.7, BT601, UTC, 10 * SECOND), ClockLayer(face(), 0.7, BT601, UTC, 12 * SECOND)
    old.tick(12 * SECOND)
    for mine, other in zip(
        (*old._sprite.planes, *old._sprite.through), (*new._sprite.planes, *new._sprite.through), strict=True
    ):
        assert np.array_equal(mine, other)
