"""The link between a worker and a gateway: framing and messages (DESIGN 2).

A stream of frames, each `length u32, kind u8` (big-endian; length counts what follows the kind) and a body:

    kind 0  a message, JSON: one of the dataclasses below as {"type": "...", ...}
    kind 1  media: number u32, flags u8, level u8, lost u8, looks u8, rtp_time u32, arrival i64, ntp i64, data

From the worker: `Watch`, `Unwatch`, `Subscribe`, `Unsubscribe`, `WantKeyFrame`, `Shown`. From the gateway:
`RosterChanged`, `TrackEnded`, media. `number` is chosen by the worker when it subscribes and names the track on this
link only.

What a task makes goes the other way: the worker says `Present` and sends media under its number while the gateway's
`Played` says that somebody plays it; the gateway says `WantKeyFrame` when a player needs one. RTP time of such media is
Unix time in ticks of its clock, so that the next worker of the same task goes on on the same line.
Sans-IO: `LinkReader.feed` takes any bytes; what is malformed raises `LinkBroken`, after which the link must be closed.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openmpu.errors import Invalid, OpenMpuError
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.frames import EncodedFrame, ToldColour
from openmpu.model.ids import ChannelKey, TaskKey, TrackId
from openmpu.model.roster import Kind, Roster

MAX_BODY = 8 << 20
"""Bytes: more than any encoded picture; a longer frame means the stream is broken."""

_HEAD = struct.Struct(">IB")
_MEDIA = struct.Struct(">IBBBBIqq")
_HEAD_AND_MEDIA = struct.Struct(">IBIBBBBIqq")
_MESSAGE_KIND, _MEDIA_KIND = 0, 1
_MAX_NUMBER = (1 << 32) - 1
_KEY, _HAS_LEVEL, _HAS_NTP = 1, 2, 4


class LinkBroken(OpenMpuError):  # noqa: N818 - reads as a kind
    """The other side sent what cannot be read; the link must be closed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Worker: tell me the roster of `channel` now and on every change."""

    channel: ChannelKey


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Worker: no more of that roster."""

    channel: ChannelKey


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Worker: send me the frames of `track_id` under `number`; video starts at a key frame, which is asked for."""

    number: int
    channel: ChannelKey
    track_id: TrackId


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Worker: no more frames under `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class WantKeyFrame:
    """The track under `number` cannot be decoded before its next key frame; whoever sends it should see to one."""

    number: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Worker: the track under `number` is shown this large (pixels); nobody needs to send more. 0x0: not shown."""

    number: int
    width: int
    height: int
    fps: int = 0


@dataclass(frozen=True, slots=True)
class RosterChanged:
    """Gateway: who is in `channel` now."""

    channel: ChannelKey
    roster: Roster


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """Gateway: nothing more will come under `number` (the track was unpublished or never was)."""

    number: int


@dataclass(frozen=True, slots=True)
class Present:
    """Worker: what the task makes can be played; under `number` come its frames of that kind, when they are wanted.

    Attributes:
        lease: The worker's; the same track of a worker with a lower one gives way.
        codec: As in a `Track`.
    """

    number: int
    task: TaskKey
    lease: int
    kind: Kind
    codec: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Worker: nothing more will come under `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class Played:
    """Gateway: so many players want the frames of the presented track under `number` now; 0: send none."""

    number: int
    players: int


@dataclass(frozen=True, slots=True)
class Media:
    """One encoded frame of the track under `number`: subscribed to, or presented."""

    number: int
    frame: EncodedFrame


Message = (
    Watch
    | Unwatch
    | Subscribe
    | Unsubscribe
    | WantKeyFrame
    | Shown
    | RosterChanged
    | TrackEnded
    | Present
    | Withdraw
    | Played
)
_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in Message.__args__}


def encode_message(message: Message) -> bytes:
    """One frame with a message."""
    body = json.dumps({"type": type(message).__name__, **to_plain(message)}, separators=(",", ":")).encode()
    return _HEAD.pack(len(body), _MESSAGE_KIND) + body


def encode_media(number: int, frame: EncodedFrame) -> bytes:
    """One frame with media."""
    head = _HEAD_AND_MEDIA.pack(
        _MEDIA.size + len(frame.data),
        _MEDIA_KIND,
        number,
        _KEY * frame.key | _HAS_LEVEL * (frame.level is not None) | _HAS_NTP * (frame.ntp is not None),
        frame.level or 0,
        min(frame.lost, 255),
        _looks(frame),
        frame.rtp_time,
        frame.arrival,
        frame.ntp or 0,
    )
    return head + frame.data


def _looks(frame: EncodedFrame) -> int:
    """Bits 0 and 1: quarter turns; bit 2: full range; bits 3 to 7: matrix, 0 where the sender says nothing."""
    told = frame.colour
    return frame.rotation // 90 | (told.full_range << 2 | (told.matrix & 31) << 3 if told else 0)


class LinkReader:
    """Takes the bytes of a link as they come and gives the messages and media in them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message | Media]:
        """What `data` completes, in order.

        Raises:
            LinkBroken: A frame is too long or cannot be read.
        """
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _HEAD.size:
                length, kind = _HEAD.unpack_from(self._buffer, start)
                if length > MAX_BODY:
                    raise LinkBroken("link", f"a frame of {length} bytes")
                body, end = start + _HEAD.size, start + _HEAD.size + length
                if len(self._buffer) < end:
                    break
                start = end
                yield _decode(kind, self._buffer, body, end)
        finally:
            del self._buffer[:start]


def _decode(kind: int, buffer: bytearray, start: int, end: int) -> Message | Media:
    if kind == _MEDIA_KIND and end - start >= _MEDIA.size:
        return _decode_media(buffer, start, end)
    if kind == _MESSAGE_KIND:
        return _decode_message(bytes(buffer[start:end]))
    raise LinkBroken("link", f"frame of kind {kind} and {end - start} bytes")


def _decode_media(buffer: bytearray, start: int, end: int) -> Media:
    number, flags, level, lost, looks, rtp_time, arrival, ntp = _MEDIA.unpack_from(buffer, start)
    frame = EncodedFrame(
        rtp_time,
        arrival,
        bytes(memoryview(buffer)[start + _MEDIA.size : end]),
        key=bool(flags & _KEY),
        ntp=ntp if flags & _HAS_NTP else None,
        level=level if flags & _HAS_LEVEL else None,
        lost=lost,
        rotation=looks % 4 * 90,
        colour=ToldColour(looks >> 3, bool(looks & 4)) if looks >> 3 else None,
    )
    return Media(number, frame)


def _decode_message(body: bytes) -> Message:
    try:
        plain = json.loads(body)
        message: Message = from_plain(_TYPES[plain["type"]], plain)
    except (ValueError, KeyError, TypeError, RecursionError, Invalid) as error:
        raise LinkBroken("link", "a message that cannot be read") from error
    if not 0 <= getattr(message, "number", 0) <= _MAX_NUMBER:
        raise LinkBroken("link", "a subscription number out of range")
    return message
