"""AMF0, the notation of RTMP's commands (Adobe "Action Message Format -- AMF 0").

Bounded: depth and number of values; lengths are checked against what is really there. Objects come out as dicts, dates
as milliseconds, undefined and unsupported as None. References and AMF3 are refused: no server needs them to publish.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from openmpu.wire.rtmp.malformed import Malformed

Value: TypeAlias = "float | bool | str | list[Value] | dict[str, Value] | None"
Encodable: TypeAlias = "float | bool | str | Sequence[Encodable] | Mapping[str, Encodable] | None"

MAX_DEPTH = 16
MAX_VALUES = 4096

_NOTHING = frozenset({0x05, 0x06, 0x0D})
"""Markers of null, undefined and unsupported."""
_END = b"\x00\x00\x09"


class EcmaArray(dict[str, Encodable]):
    """A dict that is written as an ECMA array (2.10), the form in which players expect onMetaData."""


def encode(*values: Encodable) -> bytes:
    """The values one behind the other."""
    return b"".join(map(_encode, values))


def decode(data: bytes) -> list[Value]:
    """All values in `data`.

    Raises:
        Malformed: It is cut, nested or numerous beyond the bounds, or has an unknown marker.
    """
    reader = _Reader(data)
    values = []
    while reader.left:
        values.append(reader.value(0))
    return values


def _encode(value: Encodable) -> bytes:
    match value:
        case None:
            return b"\x05"
        case bool():
            return b"\x01\x01" if value else b"\x01\x00"
        case int() | float():
            return b"\x00" + struct.pack(">d", value)
        case str():
            return _encode_string(value)
        case Mapping():
            return _encode_mapping(value)
        case _:
            return b"\x0a" + struct.pack(">I", len(value)) + b"".join(map(_encode, value))


def _encode_string(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 0xFFFF:
        return b"\x0c" + struct.pack(">I", len(raw)) + raw
    return b"\x02" + struct.pack(">H", len(raw)) + raw


def _encode_mapping(value: Mapping[str, Encodable]) -> bytes:
    start = b"\x08" + struct.pack(">I", len(value)) if isinstance(value, EcmaArray) else b"\x03"
    return start + b"".join(_encode_string(name)[1:] + _encode(item) for name, item in value.items()) + _END


class _Reader:
    """A cursor over one message; its methods raise Malformed past the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._values = data, 0, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def value(self, depth: int) -> Value:
        self._values += 1
        if depth > MAX_DEPTH or self._values > MAX_VALUES:
            raise Malformed("AMF0 nested too deep or too long")
        marker = self._take(1)[0]
        return None if marker in _NOTHING else self._body(marker, depth)

    def _body(self, marker: int, depth: int) -> Value:
        match marker:
            case 0x00:  # number
                return self._number()
            case 0x01:  # boolean
                return self._take(1) != b"\x00"
            case 0x02:  # string
                return self._text(">H")
            case 0x0C | 0x0F:  # long string, XML
                return self._text(">I")
            case 0x0B:  # date
                return self._date()
            case _:
                return self._group(marker, depth)

    def _group(self, marker: int, depth: int) -> Value:
        match marker:
            case 0x03:  # object
                return self._members(depth)
            case 0x08:  # ECMA array
                self._take(4)  # a hint of the size; the end marker counts
                return self._members(depth)
            case 0x10:  # typed object
                self._text(">H")  # the class name
                return self._members(depth)
            case 0x0A:  # strict array
                return [self.value(depth + 1) for _ in range(self._count())]
            case _:
                raise Malformed(f"AMF0 marker {marker:#04x}")

    def _members(self, depth: int) -> dict[str, Value]:
        members: dict[str, Value] = {}
        while self._data[self._at : self._at + 3] != _END:
            name = self._text(">H")
            members[name] = self.value(depth + 1)
        self._at += 3
        return members

    def _count(self) -> int:
        count = self._length(">I")
        if count > self.left:  # every value takes at least its marker
            raise Malformed("AMF0 array longer than its message")
        return count

    def _number(self) -> float:
        return float(struct.unpack(">d", self._take(8))[0])

    def _date(self) -> float:
        milliseconds = self._number()
        self._take(2)  # time zone, reserved: always 0
        return milliseconds

    def _text(self, length: str) -> str:
        return self._take(self._length(length)).decode("utf-8", "replace")

    def _length(self, form: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise Malformed("AMF0 cut short")
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken
