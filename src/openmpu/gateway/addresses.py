"""Which addresses a gateway binds and which it tells publishers; and its one range of UDP ports.

With no `ice_addresses` every address of the machine is offered, loopback last: a publisher on the same machine works
even where there is no network. With some, exactly those: one that is not the machine's own is taken for its public
address behind NAT, and reached through the local address that routes there.
"""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import ifaddr
import structlog

from openmpu.errors import Busy
from openmpu.gateway.intake import Intake
from openmpu.wire.whip.candidates import Candidate

RECEIVE_BUFFER = 1 << 20
"""Bytes per socket: a key frame of 4K at once, and a quarter of a second of 30 Mbit/s while the loop is busy."""
_HOST_PREFERENCE = 126  # RFC 8445 5.1.2.2
_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Binding:
    """One local address to bind, and under which addresses publishers reach it, best first."""

    bind: str
    told: tuple[str, ...]
    preference: int

    def candidates(self, port: int) -> list[Candidate]:
        """What to tell of a socket bound here. Behind NAT the port is forwarded unchanged."""
        priority = _HOST_PREFERENCE << 24 | self.preference << 8 | 255
        return [
            Candidate(f"{self.preference:x}{place:x}", priority - (place << 8), address, port)
            for place, address in enumerate(self.told)
        ]


def local_addresses() -> list[str]:
    """Every address of this machine that can be bound without a scope; loopback last."""
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                found.append(ip.ip)
            elif ip.ip[2] == 0:
                found.append(ip.ip[0])
    usable = (text for text in dict.fromkeys(found) if not ipaddress.ip_address(text).is_link_local)
    return sorted(usable, key=lambda text: ipaddress.ip_address(text).is_loopback)


def plan_bindings(offered: Iterable[str], local: list[str]) -> tuple[Binding, ...]:
    """What to bind and tell, in order of preference."""
    told: dict[str, list[str]] = {}
    for address in offered or local:
        bind = address if address in local else _way_to(address, local)
        if bind is None:
            _log.warning("no local address can stand for an ice_address", address=address)
            continue
        told.setdefault(bind, []).append(address)
    return tuple(Binding(bind, tuple(names), 65_535 - 256 * place) for place, (bind, names) in enumerate(told.items()))


def _way_to(address: str, local: list[str]) -> str | None:
    """The local address from which the kernel would send there; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except OSError:
        same = [text for text in local if (":" in text) == (":" in address)]
        return same[0] if same else None


class PortRange:
    """Hands out bound sockets, going round the range so that a port rests before its next use."""

    def __init__(self, low: int, high: int) -> None:
        self._low, self._size = low, high - low + 1
        self._next = random.randrange(self._size)  # noqa: S311 - spreads, hides nothing

    def bind(self, address: str) -> socket.socket:
        """A UDP socket on the next free port of the range.

        Raises:
            Busy: Every port is in use.
            OSError: The address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._bind_next(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind_next(self, sock: socket.socket, address: str) -> None:
        for _ in range(self._size):
            port = self._low + self._next
            self._next = (self._next + 1) % self._size
            try:
                sock.bind((address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
        raise Busy("gateway", "every UDP port of media.udp_ports is in use")


@dataclass(frozen=True, slots=True)
class Network:
    """What every transport of a gateway binds and tells."""

    bindings: tuple[Binding, ...]
    ports: PortRange
    intake: Intake = field(default_factory=Intake)


def warn_of_small_buffers(path: Path = _RMEM_MAX) -> None:
    """Say so where the kernel would cut our receive buffers: bursts of packets are then lost unseen."""
    try:
        largest = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    if largest < RECEIVE_BUFFER:
        _log.warning(
            "net.core.rmem_max is small; set it to at least the wanted bytes", is_=largest, wanted=RECEIVE_BUFFER
        )
