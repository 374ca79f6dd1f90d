"""Waiting for conditions instead of guessing times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    """Wait until `condition` is true.

    Raises:
        TimeoutError: It does not come true in time.
    """
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)
