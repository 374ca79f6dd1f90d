"""Two hundred tasks started within one second: how long each answer takes, through the public API of a real server.

Each start comes on a connection of its own, signed beforehand, one every five milliseconds (or all at once). The tasks
are different ones in different channels. Cases: room for all of them; the contract's quota of 20, where the others are
refused; and room for all in a channel with a publisher, where every task that is let in gets a worker
(`limits.max_load` says how many may). Goal: every one is answered within a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table
from tests.rig.processes import APP, KEY_ID, SECRET, Rig, rig

from openmpu.clients.signing import Keys, Once, sign_v3

STARTS, GOAL_S = 200, 1.0
VERSION = "2018-01-11"
FAST = 'rates = { StartMPUTask = "1000/second" }'
CASES = {
    "room for all": f"tasks_per_account = {STARTS}\n{FAST}",
    "quota of 20": FAST,
    "the contract's rate": "",
    "a publisher is there": f"tasks_per_account = {STARTS}\nmax_load = 0.5\n{FAST}",
}
"""Lines for the settings' table `limits`."""


def requests(house: Rig, channel: str) -> list[bytes]:
    """The starts as they go over the wire."""
    place = urlsplit(house.url)
    made = []
    for number in range(STARTS):
        where = channel or f"c{number}"
        target = f"rtmp://127.0.0.1:9/live/{number}"
        sent = {"AppId": APP, "ChannelId": where, "TaskId": f"b{number}", "StreamURL": target, "MixMode": "1"}
        sent |= {"LayoutIds.1": "1", "MediaEncode": "1", "Format": "JSON"}
        once, keys = Once(time.time(), uuid.uuid4().hex), Keys(KEY_ID, SECRET)
        signed = sign_v3("POST", "/", sent, keys, once, place.netloc, ("StartMPUTask", VERSION))
        headers = {"host": place.netloc, **signed.headers, "content-length": str(len(signed.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        path = f"/?{signed.query}" if signed.query else "/"
        made.append(f"POST {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n".encode() + signed.body)
    return made


async def ask(house: Rig, request: bytes) -> tuple[float, str]:
    """Seconds from the first byte of the connection to the last of the answer, and the answer's code."""
    place, began = urlsplit(house.url), time.monotonic()
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    took = time.monotonic() - began
    writer.close()
    return took, json.loads(body).get("Code") or head.split(b" ", 2)[1].decode()


async def burst(house: Rig, channel: str, within_s: float) -> dict[str, Any]:
    """All starts, spread over so many seconds."""
    server = psutil.Process(house.server.pid) if house.server else psutil.Process()
    used, asked, began = server.cpu_times(), [], asyncio.get_running_loop().time()
    for number, request in enumerate(requests(house, channel)):
        asked.append(asyncio.create_task(ask(house, request)))
        await asyncio.sleep(max(0.0, began + within_s * (number + 1) / STARTS - asyncio.get_running_loop().time()))
    answers = await asyncio.gather(*asked)
    times, after = sorted(took for took, _ in answers), server.cpu_times()
    return {
        "server_cpu_s": round(after.user + after.system - used.user - used.system, 2),
        "answers": dict(Counter(code for _, code in answers)),
        "median_ms": round(statistics.median(times) * 1000, 1),
        "p95_ms": round(times[int(len(times) * 0.95)] * 1000, 1),
        "most_ms": round(times[-1] * 1000, 1),
        "within_goal": sum(took <= GOAL_S for took in times),
    }


async def measure(names: list[str], within_s: float) -> dict[str, Any]:
    """Each case with a server of its own."""
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as directory:
            async with rig(Path(directory), limits=CASES[name]) as house:
                channel = "room" if "publisher" in name else ""
                if channel:
                    guest = await house.publisher("ann", size="320x180", fps=15)
                    while "state=publishing" not in guest.text:
                        await asyncio.sleep(0.05)
                found[name] = await burst(house, channel, within_s)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=[*CASES], help="only this one; may be given again")
    parser.add_argument("--within", type=float, default=1.0, help="seconds for all starts; 0: all at once")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found = asyncio.run(measure(options.case or [*CASES], options.within))
    table = Table("case", "answers", "median ms", "p95 ms", "most ms", f"within {GOAL_S:g} s", "server's CPU s")
    for name, figures in found.items():
        told = ", ".join(f"{count} {code}" for code, count in figures["answers"].items())
        times = (str(figures[key]) for key in ("median_ms", "p95_ms", "most_ms", "within_goal", "server_cpu_s"))
        table.add_row(name, told, *times)
    Console(width=140).print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
