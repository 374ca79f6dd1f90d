"""Watching on this machine: how soon a browser shows the mix, and how late. Real server, publisher and Chromium.

Opening: from opening the play page to the first picture that the browser shows, the page's own loading included. Delay:
from the moment a picture is made in the publisher to the moment when the browser shows it, two encodings and two
networks later. Both by the clocks of the one machine on which all of it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.e2e.steps import ALICE, enter, shows
from tests.rig.analysis import border_of, layout_panes
from tests.rig.chromium import chromium
from tests.rig.chromium_player import BrowserPlayer, open_player
from tests.rig.processes import APP, APP_KEY, Rig, rig

from openmpu.wire.tokens import make_preview

TASK = "show"


async def measure(rounds: int, pictures: int, settle_s: float) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as name:
        async with rig(Path(name)) as house, chromium() as browser:
            await enter(house, ALICE)
            await house.call("StartMPUTask", ChannelId="room", TaskId=TASK, TaskType=1, MediaEncode=20)
            await shows(house, TASK, users=1, layout=1)
            await (await _player(house, browser)).opened_ms()  # the browser's own first time
            opened = sorted([await _open(house, browser) for _ in range(rounds)])
            return {"opened_ms": _spread(opened), **await _watch(house, browser, pictures, settle_s)}


async def _player(house: Rig, browser: Any) -> BrowserPlayer:
    token = make_preview(APP, APP_KEY, TASK, int(time.time()) + 600)
    return await open_player(browser, house.url, APP, TASK, token)


async def _open(house: Rig, browser: Any) -> float:
    player = await _player(house, browser)
    took = await asyncio.wait_for(player.opened_ms(), 20)
    await player.page.context.close()
    return took


async def _watch(house: Rig, browser: Any, pictures: int, settle_s: float) -> dict[str, Any]:
    """Delays of so many pictures, and what the browser says of its own part in them."""
    player = await _player(house, browser)
    await player.opened_ms()
    await asyncio.sleep(settle_s)
    pane = ALICE.place(layout_panes(1, 1280, 720)[0])
    seen = await player.watch(pane, border_of(pane), pictures, within_s=pictures / 10)
    delays = sorted(delay for one in seen if (delay := one.delay_ms(ALICE.fps)) is not None)
    stats = await player.stats("video")
    frames = max(1, stats.get("framesDecoded", 0))
    return {
        "delay_ms": _spread(delays),
        "browser_ms": {
            "waiting in its buffer": round(
                1000 * stats["jitterBufferDelay"] / max(1, stats["jitterBufferEmittedCount"])
            ),
            "decoding": round(1000 * stats["totalDecodeTime"] / frames, 1),
        },
        "task": {
            name: (await house.task(TASK))["figures"].get(name) for name in ("playout_ms", "missed_ticks", "repeated")
        },
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values)),
        "p95": round(values[int(len(values) * 0.95)]),
        "least": round(values[0]),
        "most": round(values[-1]),
        "count": len(values),
    }


def show(found: dict[str, Any]) -> None:
    """As a table."""
    table = Table("what", "figure")
    for name in ("opened_ms", "delay_ms"):
        spread = found[name]
        told = f"median {spread['median']}, p95 {spread['p95']}, {spread['least']} to {spread['most']}"
        table.add_row(name, f"{told} (n={spread['count']})")
    for part in ("browser_ms", "task"):
        table.add_row(part, ", ".join(f"{name}: {value}" for name, value in found[part].items()))
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="openings")
    parser.add_argument("--pictures", type=int, default=250)
    parser.add_argument(
        "--settle", type=float, default=10, metavar="S", help="before delays count: buffers shrink slowly"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds, options.pictures, options.settle))
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
