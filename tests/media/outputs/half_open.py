"""In a network of its own: push, let the network vanish without a word, bring it back. Prints what was seen.

Run by test_half_open.py under `unshare --net`.
"""

import asyncio
import subprocess
import sys
import time

from openmpu.media.outputs.report import OutputState
from tests.media.outputs.media import both
from tests.media.outputs.rig import playing, receiving, running, until


def loopback(state: str) -> None:
    """Up or down: down, packets are lost, and nobody is told that a connection ended."""
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


async def main() -> None:
    both()  # encode before the clock runs
    await asyncio.to_thread(loopback, "up")
    async with receiving() as (receiver, tags), playing() as studio, running(receiver.url, studio) as run:
        await until(lambda: len(tags) > 100)
        await asyncio.to_thread(loopback, "down")
        gone = time.monotonic()
        await until(lambda: run.report.state is OutputState.INTERRUPTED, 20)
        found, error = time.monotonic() - gone, run.report.error_code
        await asyncio.to_thread(loopback, "up")
        back = time.monotonic()
        await until(lambda: run.report.connects == 2, 20)
        sys.stdout.write(f"seen: {found:.2f} {error} {time.monotonic() - back:.2f}\n")


if __name__ == "__main__":
    asyncio.run(main())
