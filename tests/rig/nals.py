"""The NAL units of H.264: which slices came, and what SEI messages say. Written apart from the code under test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Access:
    """One picture: nanoseconds of the stream, and its NAL units."""

    pts: int
    nals: tuple[bytes, ...]

    @property
    def slices(self) -> tuple[bytes, ...]:
        """Coded slices."""
        return tuple(nal for nal in self.nals if 1 <= nal[0] & 31 <= 5)

    @property
    def key(self) -> bool:
        """Whether it is an IDR picture."""
        return any(nal[0] & 31 == 5 for nal in self.nals)

    @property
    def messages(self) -> list[tuple[int, Any]]:
        """(payload type, JSON) of each SEI message of openmpu's kind before the first slice."""
        first = next((place for place, nal in enumerate(self.nals) if 1 <= nal[0] & 31 <= 5), len(self.nals))
        found = (_message(nal) for nal in self.nals[:first] if nal[0] & 31 == 6)
        return [one for one in found if one is not None]


def pictures_of(path: Path) -> list[Access]:
    """All pictures of a file with H.264, in the order in which they stand there; a torn end is no error."""
    with av.open(str(path)) as container:
        return list(_pictures(container)) if container.streams.video else []


def _pictures(container: Any) -> Iterator[Access]:
    annex_b = (container.streams.video[0].codec_context.extradata or b"\x00")[0] != 1
    try:
        for packet in container.demux(video=0):
            if packet.size:
                data = bytes(packet)
                nals = split(data) if annex_b else tuple(_measured(data))
                yield Access(round(packet.pts * packet.time_base * SECOND), nals)
    except av.FFmpegError:
        return


def sequence_headers(path: Path) -> Iterator[bytes]:
    """The SPS of each AVC sequence header of an FLV file (Adobe FLV 10.1, E.4.3; ISO 14496-15, 5.2.4.1)."""
    data, place = path.read_bytes(), 13
    while place + 11 <= len(data):
        size = int.from_bytes(data[place + 1 : place + 4])
        body = data[place + 11 : place + 11 + size]
        if data[place] == 9 and body[0] & 15 == 7 and body[1] == 0:
            yield body[13 : 13 + int.from_bytes(body[11:13])]
        place += 11 + size + 4


def split(data: bytes) -> tuple[bytes, ...]:
    """The units of an Annex B picture."""
    return tuple(part.rstrip(b"\x00") for part in re.split(rb"\x00\x00\x01", data)[1:] if part.strip(b"\x00"))


def _measured(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4])
        yield data[place + 4 : place + 4 + size]
        place += 4 + size


def _message(nal: bytes) -> tuple[int, Any] | None:
    """Type, size, payload from its first brace on (callbacks.md 6.6)."""
    body = nal[1:].replace(b"\x00\x00\x03", b"\x00\x00")
    kind, place = _counted(body, 0)
    size, place = _counted(body, place)
    payload = body[place : place + size]
    begin = payload.find(b"{")
    if begin < 0 or (kind == 5 and not payload.startswith(b"mpu-relay-sei-v1{")):
        return None
    return kind, json.loads(payload[begin:])


def _counted(body: bytes, place: int) -> tuple[int, int]:
    value = 0
    while body[place] == 255:
        value, place = value + 255, place + 1
    return value + body[place], place + 1
