"""What whoever supervises this process is told: that it is ready, that it lives, that it ends (sd_notify(3)).

A server that was killed is started again by anybody; one that stands still is found only by what it no longer says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import MutableMapping

_MICRO = 1e-6


class Supervisor:
    """Tells the supervisor named by the environment; nobody, when there is none.

    Args:
        environment: `NOTIFY_SOCKET` and `WATCHDOG_USEC` are taken out of it: children are not supervised.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        address = environment.pop("NOTIFY_SOCKET", "")
        every = environment.pop("WATCHDOG_USEC", "0")
        environment.pop("WATCHDOG_PID", None)
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._within_s = int(every) * _MICRO if every.isdecimal() else 0.0

    def ready(self) -> None:
        """Everything has begun."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """The end was asked for; it may take some seconds."""
        self._tell("STOPPING=1")

    async def beat(self) -> None:
        """Tell of life often enough, until cancelled: only as long as this loop goes round."""
        while self._within_s:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._within_s / 3)

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.sendto(text.encode(), self._address)
