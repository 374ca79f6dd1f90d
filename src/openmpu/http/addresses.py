"""How many connections one address holds open: a stranger with many must leave room for the others (security.md S13).

This machine's own addresses are not counted: a proxy there brings everybody's. Knows no sockets.
"""

from __future__ import annotations

import ipaddress
from collections import Counter

_SITE = 64
"""Bits of an IPv6 address that a customer of any provider may fill as they please (RFC 6177)."""


class Addresses:
    """Counts connections by address.

    Args:
        most: Of one address; 0: any number.
        own_count: Count loopback too.

    Attributes:
        refused: Connections that were too many, since the start.
    """

    def __init__(self, most: int, *, own_count: bool = False) -> None:
        self.refused = 0
        self._most, self._own_count = most, own_count
        self._open: Counter[str] = Counter()

    def enter(self, host: str) -> str | None:
        """Somebody connected: whom to name when they leave; empty: nobody who counts; None: they are too many."""
        key = self._key(host)
        if key and self._open[key] >= self._most:
            self.refused += 1
            return None
        if key:
            self._open[key] += 1
        return key

    def leave(self, key: str) -> None:
        """A connection that was let in is over; `key` as `enter` said."""
        if key:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def __len__(self) -> int:
        """Addresses that hold a connection."""
        return len(self._open)

    def _key(self, host: str) -> str:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:  # a Unix socket has none
            return ""
        address = getattr(address, "ipv4_mapped", None) or address
        if not self._most or (address.is_loopback and not self._own_count):
            return ""
        return str(address if address.version == 4 else ipaddress.ip_network((address, _SITE), strict=False))
