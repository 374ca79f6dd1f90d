"""RTMP messages (spec 5.4, 6, 7.1): their types, the protocol control messages, commands, and tags."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.malformed import Malformed

TIME_MASK = 0xFFFFFFFF
"""Time stamps are milliseconds modulo 2^32."""


class MessageType(IntEnum):
    """Message type ids (spec 5.4, 6.2, 7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACK_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20


class UserControl(IntEnum):
    """Event types of user control messages (spec 7.1.7)."""

    STREAM_BEGIN = 0
    PING_REQUEST = 6
    PING_RESPONSE = 7


class TagKind(IntEnum):
    """What a tag carries: the same numbers as RTMP message types and FLV tag types."""

    AUDIO = 8
    VIDEO = 9
    DATA = 18


@dataclass(frozen=True, slots=True)
class Tag:
    """One FLV tag, which is one RTMP media message.

    Attributes:
        timestamp: Milliseconds modulo 2^32.
        payload: The tag's body; for data AMF0 that begins with `onMetaData` or the like, without `@setDataFrame`.
    """

    kind: TagKind
    timestamp: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message. `kind` may be a type that nobody knows."""

    kind: int
    stream_id: int
    timestamp: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Command:
    """A command: name, transaction, and the values behind (spec 7.1.1). Not printed: arguments hold stream names."""

    name: str
    transaction: float
    arguments: tuple[amf0.Value, ...] = field(default=(), repr=False)

    def fields(self, place: int) -> dict[str, amf0.Value]:
        """The object at `place` of the arguments; empty if there is none."""
        found = self.arguments[place] if place < len(self.arguments) else None
        return found if isinstance(found, dict) else {}

    def text(self, place: int) -> str:
        """The string at `place` of the arguments; empty if there is none."""
        found = self.arguments[place] if place < len(self.arguments) else None
        return found if isinstance(found, str) else ""


def command(name: str, transaction: float, *arguments: amf0.Encodable, stream_id: int = 0) -> Message:
    """A command message."""
    return Message(MessageType.COMMAND, stream_id, 0, amf0.encode(name, transaction, *arguments))


def control(kind: MessageType, value: int) -> Message:
    """A control message of one 32-bit number: set chunk size, acknowledgement, window acknowledgement size."""
    return Message(kind, 0, 0, struct.pack(">I", value))


def peer_bandwidth(window: int) -> Message:
    """Set peer bandwidth, limit type dynamic (spec 5.4.5)."""
    return Message(MessageType.SET_PEER_BANDWIDTH, 0, 0, struct.pack(">IB", window, 2))


def user_control(event: UserControl, value: int) -> Message:
    """A user control message with one 32-bit number."""
    return Message(MessageType.USER_CONTROL, 0, 0, struct.pack(">HI", event, value & 0xFFFFFFFF))


def number_of(message: Message) -> int:
    """The 32-bit number that a control message carries.

    Raises:
        Malformed: It is shorter.
    """
    if len(message.payload) < 4:
        raise Malformed("control message cut short")
    return int.from_bytes(message.payload[:4])


def user_event_of(message: Message) -> tuple[int, int]:
    """Event type and number of a user control message; 0 where the number is not there.

    Raises:
        Malformed: It has no event type.
    """
    if len(message.payload) < 2:
        raise Malformed("user control message cut short")
    return int.from_bytes(message.payload[:2]), int.from_bytes(message.payload[2:6])


def command_of(message: Message) -> Command:
    """The command in a message of type COMMAND or COMMAND_AMF3 (which is AMF0 behind one byte).

    Raises:
        Malformed: It is no command.
    """
    body = message.payload[1:] if message.kind == MessageType.COMMAND_AMF3 else message.payload
    match amf0.decode(body):
        case [str(name), float(transaction), *arguments]:
            return Command(name, transaction, tuple(arguments))
        case [str(name), *_]:  # FFmpeg as a server says onFCPublish and nothing else
            return Command(name, 0)
    raise Malformed("command without a name")
