"""SDP as lines (RFC 8866 5): one session part and its media parts, each with its attributes, still as text.

Knows the form only; what an attribute means stands in `offers.py` and `fragments.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from openmpu.errors import Invalid

MAX_LENGTH = 64 << 10
"""Bytes of an SDP: Chromium's offer with every codec has some 7 KiB."""
MAX_LINES = 2_000
MAX_MEDIA = 16


@dataclass(frozen=True, slots=True)
class Part:
    """The session part, or one media part.

    Attributes:
        media: What stands behind `m=`; empty for the session part.
        origin: What stands behind `o=` of the session part.
        attributes: Each `a=name:value` in order; the value is empty for a property attribute.
    """

    media: str = ""
    origin: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """The values of every attribute `name`, in order."""
        return [value for key, value in self.attributes if key == name]

    def first(self, name: str) -> str | None:
        """The value of the first attribute `name`; None without one."""
        return next((value for key, value in self.attributes if key == name), None)

    def has(self, *names: str) -> bool:
        """Whether one of the attributes stands there."""
        return any(key in names for key, _ in self.attributes)


@dataclass(slots=True)
class _Draft:
    media: str = ""
    origin: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)


def read_parts(text: str) -> tuple[Part, tuple[Part, ...]]:
    """The session part and the media parts of an SDP or SDP fragment.

    Raises:
        Invalid: subject `sdp`: too long, too many parts, or a line that is not `type=value`.
    """
    drafts = [_Draft()]
    for kind, value in _fields(text):
        if kind == "m":
            drafts.append(_Draft(value))
        elif kind == "a":
            name, _, rest = value.partition(":")
            drafts[-1].attributes.append((name, rest.strip()))
        elif kind == "o":
            drafts[-1].origin = value
    if len(drafts) > MAX_MEDIA + 1:
        raise Invalid("sdp", f"the SDP has more than {MAX_MEDIA} media sections")
    session, *media = (Part(draft.media, draft.origin, tuple(draft.attributes)) for draft in drafts)
    return session, tuple(media)


def _fields(text: str) -> Iterator[tuple[str, str]]:
    if len(text) > MAX_LENGTH:
        raise Invalid("sdp", f"the SDP is longer than {MAX_LENGTH} bytes")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise Invalid("sdp", f"the SDP has more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        if len(line) < 2 or line[1] != "=" or not line.isprintable():
            raise Invalid("sdp", f"line {number} of the SDP is not of the form type=value")
        yield line[0], line[2:].strip()
