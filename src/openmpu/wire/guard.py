"""Which addresses a customer's URL may lead to (security.md S1 to S5): public ones, and those that are allowed.

Pure: names are resolved elsewhere, once; every address found must pass here, and the connection goes to the address
that was checked, so that a name which changes its answer gains nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from openmpu.errors import Invalid

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Carrier-grade NAT (RFC 6598): not private by name, but somebody's inside."""

_TRANSLATED = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48"))
"""NAT64 (RFC 6052, 8215): an IPv4 address is wrapped in its last 32 bits."""

WELL_KNOWN_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
"""Below it only the two of HTTP: mail, SSH and the like are never asked by a picture's URL."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What this server may be made to reach."""

    allowed: tuple[_Network, ...] = ()

    @classmethod
    def allowing(cls, networks: Iterable[str]) -> Guard:
        """Public addresses and these private networks (`security.allow_networks`)."""
        return cls(tuple(ipaddress.ip_network(text) for text in networks))

    def may_reach(self, address: str) -> bool:
        """Whether a connection to `address` (v4 or v6, as a resolver gives it) may be made."""
        try:
            found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        return self._is_allowed(found) or _is_public(found)

    def may_reach_port(self, address: str, port: int) -> bool:
        """Whether a picture or callback may go to that port there; allowed networks take any."""
        if not self.may_reach(address):
            return False
        usual = port in WELL_KNOWN_PORTS or port >= FIRST_FREE_PORT
        return usual or self._is_allowed(_unwrapped(ipaddress.ip_address(address.partition("%")[0])))

    def _is_allowed(self, address: _Address) -> bool:
        return any(address in network for network in self.allowed)


def _unwrapped(address: _Address) -> _Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one; those are ways around a list."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.teredo:
        return address.teredo[1]
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _TRANSLATED):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _is_public(address: _Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address in _SHARED)


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An http(s) URL taken apart."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""


def read_web_url(text: str, longest: int = 2083) -> WebUrl:
    """The parts of an http or https URL.

    Raises:
        Invalid: subject `url`: another scheme, no host, user and password inside, blanks, control characters, too long.
    """
    if len(text) > longest or any(ch <= " " or ch == "\x7f" for ch in text):
        raise Invalid("url", "is too long or has blanks or control characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid("url", "is not a URL") from None
    if parts.scheme.lower() not in {"http", "https"} or not host or parts.username is not None or port == 0:
        raise Invalid("url", "must be http(s)://host[:port]/path without user and password")
    scheme = parts.scheme.lower()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WebUrl(scheme, host, port or (443 if scheme == "https" else 80), target)
