"""The beat of a gateway process: what can wait a moment waits for the next one, and one wake-up does for all of it.

A process that was asleep pays for its caches gone cold: the first packet after it costs as much as six more, and each
timer of its own as much again. Knows the loop, and nothing of what is done on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Any

BEAT_S = 0.010
"""The most that waiting for it takes, 5 ms on the average: a third of a picture at 30 a second."""
_EARLY_S = 0.001
"""A loop's clock counts whole milliseconds: what is nearer to a beat than this waits for the one after."""


def on_beat(delay_s: float, call: Callable[..., Any], *given: object) -> asyncio.TimerHandle:
    """Call with what is given on the first beat after that delay, together with everything else of this loop."""
    loop = asyncio.get_running_loop()
    beats = ceil((loop.time() + delay_s + _EARLY_S) / BEAT_S)
    return loop.call_at(beats * BEAT_S, call, *given)
