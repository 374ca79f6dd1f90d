"""Free ports, asked of the system.

A port found here can be taken by somebody else before it is used; where a program can bind port 0 itself and tell, let
it do that. For programs that cannot (nginx, FFmpeg), ports are drawn from below the range that the system itself draws
outgoing connections from, so that a collision needs another test at the same instant.
"""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

_FIRST = 15_000
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nothing is bound to just now.

    Raises:
        OSError: None was found.
    """
    last = int(_RANGE_FILE.read_text().split()[0]) - 1 if _RANGE_FILE.exists() else 32_767
    chance = random.Random(os.urandom(8))
    for _ in range(200):
        port = chance.randint(_FIRST, last)
        if _is_free(port, kind):
            return port
    raise OSError("no free port found")


def free_ports(count: int) -> list[int]:
    """Several different ones."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def free_udp_range(size: int = 50) -> str:
    """`first-last` of UDP ports of which the first and last are free, for `[media] udp_ports`."""
    while True:
        first = free_port(socket.SOCK_DGRAM)
        if first + size < 32_000 and _is_free(first + size - 1, socket.SOCK_DGRAM):
            return f"{first}-{first + size - 1}"


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
