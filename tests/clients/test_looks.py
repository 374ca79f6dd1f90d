"""Colours and sizes as people write them; defaults by user."""

import pytest

from openmpu.clients import looks
from openmpu.errors import Invalid
from openmpu.model.colours import Colour


def test_colours_by_name_and_by_number():
    """Any case, with or without #."""
    assert looks.parse_colour("Blue") == looks.COLOURS["blue"]
    assert looks.parse_colour("#3366CC") == looks.parse_colour("3366cc") == Colour(0x33, 0x66, 0xCC)


@pytest.mark.parametrize("text", ["", "#12345", "12345g", "blau", "#1234567"])
def test_other_colours_are_refused(text):
    """With the names that there are."""
    with pytest.raises(Invalid, match="purple"):
        looks.parse_colour(text)


def test_sizes():
    """Width by height."""
    assert looks.parse_size("1280x720") == (1280, 720)
    for text in ("1280", "x", "1280x", "-2x4", "1280x720x3", "١x٢x", "99999999x99999999"):
        with pytest.raises(Invalid):
            looks.parse_size(text)


def test_users_have_their_own_colour_and_tone_always():
    """The same user looks and sounds the same everywhere."""
    assert looks.colour_of("alice") == looks.colour_of("alice")
    assert 500 <= looks.tone_of("alice") <= 2000
