"""Trickle ICE fragments (RFC 8840 9, `application/trickle-ice-sdpfrag`): candidates, their end, or a restart."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.errors import Invalid
from openmpu.wire.whip.answers import Here, transport_lines
from openmpu.wire.whip.candidates import Candidate, Credentials, read_candidates, read_credentials
from openmpu.wire.whip.lines import Part, read_parts


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a publisher tells while its session runs; all of it is about the one transport of the bundle."""

    credentials: Credentials | None = None
    candidates: tuple[Candidate, ...] = ()
    complete: bool = False


def read_fragment(text: str) -> Fragment:
    """The fragment in `text`.

    Raises:
        Invalid: subject `sdp`: malformed, or with nothing in it.
    """
    session, media = read_parts(text)
    parts = (session, *media)
    if not any(part.has("candidate", "end-of-candidates", "ice-ufrag", "ice-pwd") for part in parts):
        raise Invalid("sdp", "the fragment has no candidate, no end of candidates and no credentials")
    return Fragment(
        _credentials(parts),
        read_candidates(value for part in parts for value in part.all("candidate")),
        complete=any(part.has("end-of-candidates") for part in parts),
    )


def write_fragment(here: Here, kind: str, mid: str) -> str:
    """The fragment that answers a restart: our new credentials and candidates (RFC 9725 4.3.3)."""
    lines = transport_lines(here)
    return "\r\n".join([*lines[:2], f"m={kind} 9 UDP/TLS/RTP/SAVPF 0", f"a=mid:{mid}", *lines[2:], ""])


def _credentials(parts: tuple[Part, ...]) -> Credentials | None:
    part = next((part for part in parts if part.has("ice-ufrag", "ice-pwd")), None)
    return None if part is None else read_credentials(part.first("ice-ufrag"), part.first("ice-pwd"))
