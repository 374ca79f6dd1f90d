"""One picture of a task nobody has started: `python -m openmpu.media.render` takes an order, gives a PNG, and ends.

A process of its own, bounded in time and memory: it draws other people's pictures. Standard input: one `RenderOrder` as
JSON. Standard output: the PNG. A bad order: one sentence on standard error and status 2.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from setproctitle import setproctitle

from openmpu.errors import OpenMpuError
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.pictures.store import InlineExecutor, Pictures
from openmpu.media.preview import render_png, stand_in_roster
from openmpu.model.codec import from_plain
from openmpu.model.scene import plan
from openmpu.model.task import TaskSpec
from openmpu.processes.web import WebClient
from openmpu.wire.guard import Guard

FETCH_WITHIN_S = 5.0
CPU_SECONDS = 20
MEMORY = 2 << 30


@dataclass(frozen=True, slots=True)
class RenderOrder:
    """What to draw.

    Attributes:
        spec: A mixing task with its layouts.
        people: How many stand in; None: as many as the largest layout has panes.
        wall: Nanoseconds of Unix time that clocks show; None: now.
    """

    spec: TaskSpec
    people: int | None = None
    wall: int | None = None
    fonts_dir: str = ""
    time_zone: str = "UTC"
    allow_networks: tuple[str, ...] = ()
    ca_file: str = ""


def render(order: RenderOrder) -> bytes:
    """The scene as PNG, painted by the worker's own compositor, with stand-in people.

    Raises:
        Invalid: The task has no picture.
    """
    fonts = Fonts(order.fonts_dir)
    zone: tzinfo = UTC if order.time_zone == "UTC" else ZoneInfo(order.time_zone)
    fetcher = _Fetcher(Guard.allowing(order.allow_networks), order.ca_file)
    overlays = Overlays(Pictures(fetcher, InlineExecutor()), fonts, zone, InlineExecutor())
    wall = time.time_ns() if order.wall is None else order.wall
    scene = plan(order.spec, stand_in_roster(order.spec, order.people))
    overlays.prepare(scene, wall)
    return render_png(scene, overlays, fonts, wall)


class _Fetcher:
    """The guarded client, one picture after the other."""

    def __init__(self, guard: Guard, ca_file: str) -> None:
        self._guard, self._ca_file = guard, ca_file

    def fetch(self, url: str) -> bytes:
        """The body at `url`."""
        return asyncio.run(self._get(url))

    async def _get(self, url: str) -> bytes:
        async with WebClient(self._guard, self._ca_file) as client:
            return await client.get(url, FETCH_WITHIN_S)


def main() -> int:
    """Draw what standard input orders."""
    setproctitle("openmpu: render")
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    try:
        png = render(from_plain(RenderOrder, json.loads(sys.stdin.buffer.read())))
    except OpenMpuError as error:
        sys.stderr.write(f"{error.subject}: {error.message}\n")
        return 2
    sys.stdout.buffer.write(png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
