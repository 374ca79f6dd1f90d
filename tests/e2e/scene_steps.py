"""What the scenarios about drawing have in common: parameters as the API writes them, and looking at what is drawn."""

import numpy as np

from openmpu.clients.receive import Receiver
from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect
from tests.e2e.steps import received, until
from tests.rig.pictures import Picture, distance, pane_edges
from tests.rig.processes import Rig

LEVELS = 4
"""Issue 5: colours after x264, in the middle of flat areas."""


def number(colour: Colour) -> int:
    """As the API writes it: red is the low byte (operations.md 1.4)."""
    return colour.red + colour.green * 256 + colour.blue * 65536


def flat(prefix: str, **fields: object) -> dict[str, object]:
    """Parameters of one list element; `Images__1__Url` is `Images.1.Url`."""
    return {f"{prefix}.{name.replace('__', '.')}": value for name, value in fields.items()}


async def settled(cdn: Receiver, seconds: float = 1.6) -> float:
    """Let a change come through; a moment of the stream at which it stands."""
    await received(cdn, seconds)
    return cdn.figures().last_pts_ms / 1000 - 0.3


async def seated(house: Rig, task_id: str, *wanted: str) -> None:
    """Wait until the panes show what they should, as the status tells it."""
    seen: dict[str, object] = {}

    async def told() -> bool:
        seen.update((await house.task(task_id))["figures"])
        return [seen.get(f"pane.{place}") for place in range(len(wanted))] == list(wanted)

    await until(told, f"panes show {wanted}", 30)


def inner(rect: PixelRect) -> PixelRect:
    """Its middle."""
    width, height = rect.width // 4 * 2, rect.height // 4 * 2
    return PixelRect((rect.left + rect.width // 4) // 2 * 2, (rect.top + rect.height // 4) // 2 * 2, width, height)


def assert_colour(picture: Picture, rect: PixelRect, wanted: Colour) -> None:
    """Flat areas have the colour that was asked for."""
    seen = picture.colour(inner(rect))
    assert distance(seen, wanted) <= LEVELS, f"{rect}: {seen} is not {wanted}"


def assert_box(picture: Picture, rect: PixelRect) -> None:
    """Its edges are where they should be, within 2 pixels."""
    edges = pane_edges(picture, rect)
    for side, edge in edges.items():
        assert edge is not None, f"{side} of {rect} is not there"
        assert abs(edge - getattr(rect, side)) <= 2, f"{side} of {rect} at {edge}"


def share(picture: Picture, rect: PixelRect, wanted: Colour) -> float:
    """How much of a rectangle has a colour, in blocks of 4 x 4."""
    blocks = [PixelRect(x, y, 4, 4) for y in range(rect.top, rect.bottom, 4) for x in range(rect.left, rect.right, 4)]
    return float(np.mean([distance(picture.colour(block), wanted) <= 3 * LEVELS for block in blocks]))


def parts(colour: Colour) -> tuple[int, int, int]:
    """Red, green, blue."""
    return colour.red, colour.green, colour.blue


async def stopped(house: Rig, task_id: str) -> bool:
    """Whether its state is 2."""
    return (await house.call("GetMPUTaskStatus", TaskId=task_id)).value()["Status"] == 2
