"""ICE candidates and credentials as text (RFC 8839 5.1, 5.4): what a publisher tells, checked and sifted.

Only UDP candidates of the one component with an address are of use; the rest is valid and left out.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from openmpu.errors import Invalid

MAX_CANDIDATES = 64
"""Of one publication: more only cost checks (RFC 8445 6.1.2.5 limits pairs to 100)."""

_TYPES = ("host", "srflx", "relay")
_UFRAG = re.compile(r"[A-Za-z0-9+/_=-]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/_=-]{22,256}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where a peer may be reached by UDP."""

    foundation: str
    priority: int
    address: str
    port: int
    type: str = "host"

    def __str__(self) -> str:
        related = "" if self.type == "host" else " raddr 0.0.0.0 rport 9"
        return f"{self.foundation} 1 udp {self.priority} {self.address} {self.port} typ {self.type}{related}"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """User fragment and password of one ICE session; they change with a restart. Secret."""

    ufrag: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.ufrag!r})"


def read_credentials(ufrag: str | None, password: str | None) -> Credentials:
    """The credentials, checked.

    Some senders use `-`, `_` and `=` beside the letters of RFC 8839 5.4; that does no harm.

    Raises:
        Invalid: One is missing or malformed.
    """
    if not ufrag or not _UFRAG.fullmatch(ufrag):
        raise Invalid("sdp", "the SDP has no proper a=ice-ufrag")
    if not password or not _PASSWORD.fullmatch(password):
        raise Invalid("sdp", "the SDP has no proper a=ice-pwd")
    return Credentials(ufrag, password)


def read_candidates(values: Iterable[str]) -> tuple[Candidate, ...]:
    """The usable ones among `a=candidate` values, each once.

    TCP, the RTCP component and mDNS names (RFC 8828: the publisher's checks tell its address anyway) are left out.

    Raises:
        Invalid: One is malformed, or there are too many.
    """
    found = dict.fromkeys(candidate for value in values if value and (candidate := read_candidate(value)))
    if len(found) > MAX_CANDIDATES:
        raise Invalid("sdp", f"the SDP has more than {MAX_CANDIDATES} candidates")
    return tuple(found)


def read_candidate(value: str) -> Candidate | None:
    """One candidate; None for a valid one that is of no use here.

    Raises:
        Invalid: It is malformed.
    """
    match value.split():
        case [foundation, component, transport, priority, address, port, "typ", kind, *_]:
            return _candidate((component, priority, port), foundation, transport, address, kind)
    raise Invalid("sdp", "an a=candidate cannot be read")


def _candidate(
    numbers: tuple[str, str, str], foundation: str, transport: str, address: str, kind: str
) -> Candidate | None:
    if not all(text.isdecimal() and text.isascii() and len(text) <= 10 for text in numbers):
        raise Invalid("sdp", "an a=candidate has a malformed number")
    component, priority, port = (int(text) for text in numbers)
    if not port < 1 << 16 or not priority < 1 << 32:
        raise Invalid("sdp", "an a=candidate has a number out of range")
    if transport.lower() != "udp" or component != 1 or kind not in _TYPES or port == 0:
        return None
    host = _address(address)
    return Candidate(foundation[:32], priority, host, port, kind) if host else None


def _address(text: str) -> str | None:
    """The address in its plain form; None for a name, which nobody looks up, and for one that nobody can send to."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return None if address.is_multicast or address.is_unspecified else str(address)
