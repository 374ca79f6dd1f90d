"""When to relay what could be mixed: once one publishes alone and has done so for a while; back at once. Pure."""

from __future__ import annotations

from typing import Final

from openmpu.timing.ticks import SECOND

STEADY: Final = 2 * SECOND
"""Somebody who comes and goes must not make the stream change over each time."""


class AutoRelay:
    """Looks at one task again and again.

    Attributes:
        relaying: Whether the task is to be relayed now.
    """

    def __init__(self) -> None:
        self.relaying = False
        self._since: int | None = None

    def look(self, now: int, *, alone: bool) -> bool:
        """Whether one publishes alone at task time `now`, as far as can be seen; whether that changed `relaying`."""
        before = self.relaying
        self._since = (self._since if self._since is not None else now) if alone else None
        self.relaying = self._since is not None and (self.relaying or now - self._since >= STEADY)
        return self.relaying is not before
