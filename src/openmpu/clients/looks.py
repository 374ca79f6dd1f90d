"""How users of the test input differ when nobody says how: colour and tone by user id; and how colours are written."""

from __future__ import annotations

import re

from openmpu.clients.marks import tag_of
from openmpu.errors import Invalid
from openmpu.model.colours import Colour

COLOURS = {
    "blue": Colour(40, 90, 200),
    "green": Colour(30, 150, 60),
    "red": Colour(200, 50, 40),
    "orange": Colour(230, 140, 30),
    "purple": Colour(140, 60, 180),
    "teal": Colour(20, 150, 160),
    "pink": Colour(230, 110, 160),
    "yellow": Colour(210, 200, 50),
}
"""Far enough from one another, and from black, to be told apart after scaling and encoding."""

_TONES = tuple(range(500, 2100, 100))
"""Hz. 100 Hz apart: a 20 ms window tells neighbours apart (`tests/rig`)."""

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")


def parse_colour(text: str) -> Colour:
    """A name of `COLOURS`, or red, green and blue as `#3366cc`.

    Raises:
        Invalid: It is neither.
    """
    if text.lower() in COLOURS:
        return COLOURS[text.lower()]
    if found := _HEX.fullmatch(text):
        return Colour(*bytes.fromhex(found[1]))
    raise Invalid("colour", f"{text}: must be #rrggbb or one of {', '.join(COLOURS)}")


def parse_size(text: str) -> tuple[int, int]:
    """Width and height of `1280x720`.

    Raises:
        Invalid: It is not of that form.
    """
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and len(text) <= 11):
        raise Invalid("size", f"{text}: must be like 1280x720")
    return int(width), int(height)


def colour_of(user_id: str) -> Colour:
    """The colour of a user who was given none."""
    return tuple(COLOURS.values())[tag_of(user_id) % len(COLOURS)]


def tone_of(user_id: str) -> int:
    """The tone, in Hz, of a user who was given none."""
    return _TONES[tag_of(user_id) // len(COLOURS) % len(_TONES)]
