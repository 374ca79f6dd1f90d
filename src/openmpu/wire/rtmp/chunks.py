"""Chunks (spec 5.3): messages cut into pieces on chunk streams, and put together again.

Knows of messages only the two that belong to this layer: set chunk size and abort.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from openmpu.wire.rtmp.malformed import Malformed
from openmpu.wire.rtmp.messages import TIME_MASK, Message, MessageType, number_of

DEFAULT_CHUNK_SIZE = 128
MAX_CHUNK_SIZE = 0x7FFFFFFF
MAX_CHUNK_STREAMS = 64

CONTROL_STREAM = 2
"""Chunk stream of control messages (spec 5.4); the other ids are free, these are what other publishers use."""
COMMAND_STREAM, AUDIO_STREAM, DATA_STREAM, VIDEO_STREAM = 3, 4, 5, 6

_EXTENDED = 0xFFFFFF
"""In the three bytes of the time: the time itself, 32 bit, stands behind the header (spec 5.3.1.3)."""
_HEADER_SIZES = (11, 7, 3, 0)


@dataclass(frozen=True, slots=True)
class _Header:
    """A chunk's headers as read. `time` is absolute with form 0, else the distance to the message before."""

    form: int = 0
    number: int = 0
    size: int = 0
    time: int = 0
    length: int = 0
    kind: int = 0
    stream_id: int = 0
    extended: bool = False


@dataclass(slots=True)
class _Stream:
    """One chunk stream: its latest header, its clock, and the message being put together."""

    header: _Header = _Header()
    timestamp: int = 0
    body: bytearray = field(default_factory=bytearray)


class ChunkReader:
    """Bytes in, whole messages out; follows the peer's chunk size and aborts by itself.

    Args:
        max_message: Longest message, and the most that all unfinished ones together may hold, in bytes.
    """

    def __init__(self, max_message: int) -> None:
        self._max_message = max_message
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._buffer = bytearray()
        self._at = 0
        self._streams: dict[int, _Stream] = {}

    def receive(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, but for those that this layer takes itself.

        Raises:
            Malformed: The bytes break a rule of the format or our bounds; the reader is of no use afterwards.
        """
        self._buffer += data
        messages: list[Message] = []
        while header := self._header():
            stream = self._stream(header)
            piece = min(self._chunk_size, header.length - len(stream.body))
            if self._left < header.size + piece:
                break
            self._take(stream, header, piece, messages)
        del self._buffer[: self._at]
        self._at = 0
        return messages

    @property
    def _left(self) -> int:
        return len(self._buffer) - self._at

    def _header(self) -> _Header | None:
        """The headers of the next chunk; None while they are not all there."""
        basic = self._basic_header()
        if basic is None or self._left < basic[2] + _HEADER_SIZES[basic[0]]:
            return None
        form, number, size = basic
        start, size = self._at + size, size + _HEADER_SIZES[form]
        raw = bytes(self._buffer[start : self._at + size])
        return self._with_extension(_message_header(form, number, size, raw, self._latest(number)))

    def _latest(self, number: int) -> _Header | None:
        stream = self._streams.get(number)
        return stream.header if stream else None

    def _basic_header(self) -> tuple[int, int, int] | None:
        """Form (0 to 3), chunk stream id, size (spec 5.3.1.1)."""
        if not self._left:
            return None
        first = self._buffer[self._at]
        form, number = first >> 6, first & 0x3F
        if number > 1:
            return form, number, 1
        size = 2 + number
        if self._left < size:
            return None
        return form, 64 + int.from_bytes(self._buffer[self._at + 1 : self._at + size], "little"), size

    def _with_extension(self, header: _Header) -> _Header | None:
        """The header with its extended time stamp read, if it has one."""
        if not header.extended:
            return header
        if self._left < header.size + 4:
            return None
        start = self._at + header.size
        time = int.from_bytes(self._buffer[start : start + 4])
        if header.form < 3:
            return _Header(header.form, header.number, header.size + 4, time, *_tail(header))
        # Some peers do not repeat the extension in continuing chunks: then these four bytes are the body's.
        repeated = 4 if time == header.time else 0
        return _Header(3, header.number, header.size + repeated, header.time, *_tail(header))

    def _stream(self, header: _Header) -> _Stream:
        stream = self._streams.get(header.number)
        if stream is None:
            if len(self._streams) >= MAX_CHUNK_STREAMS:
                raise Malformed("too many chunk streams")
            stream = self._streams[header.number] = _Stream()
        if stream.body and header.form < 3:
            raise Malformed("a message began inside another one")
        if header.length > self._max_message:
            raise Malformed("message longer than allowed")
        return stream

    def _take(self, stream: _Stream, header: _Header, piece: int, messages: list[Message]) -> None:
        if not stream.body:
            base = 0 if header.form == 0 else stream.timestamp
            stream.timestamp = (base + header.time) & TIME_MASK
        stream.header = header
        start = self._at + header.size
        stream.body += self._buffer[start : start + piece]
        self._at = start + piece
        if len(stream.body) >= header.length:
            self._finish(stream, messages)
        elif sum(len(each.body) for each in self._streams.values()) > self._max_message:
            raise Malformed("too much in unfinished messages")

    def _finish(self, stream: _Stream, messages: list[Message]) -> None:
        header = stream.header
        message = Message(header.kind, header.stream_id, stream.timestamp, bytes(stream.body))
        stream.body.clear()
        match message.kind:
            case MessageType.SET_CHUNK_SIZE:
                self._set_chunk_size(number_of(message))
            case MessageType.ABORT:
                self._abort(number_of(message))
            case _:
                messages.append(message)

    def _set_chunk_size(self, size: int) -> None:
        if not 1 <= size <= MAX_CHUNK_SIZE:
            raise Malformed("chunk size out of range")
        self._chunk_size = size

    def _abort(self, number: int) -> None:
        if number in self._streams:
            self._streams[number].body.clear()


def _tail(header: _Header) -> tuple[int, int, int, bool]:
    return header.length, header.kind, header.stream_id, header.extended


def _message_header(form: int, number: int, size: int, raw: bytes, latest: _Header | None) -> _Header:
    """The message header (spec 5.3.1.2) with what it leaves out taken from the latest one of its chunk stream."""
    if latest is None:
        if form > 1:  # form 1 on a fresh chunk stream is seen from real peers, and harmless
            raise Malformed("chunk stream begins without a full header")
        latest = _Header()
    if form == 3:
        return _Header(3, number, size, latest.time, *_tail(latest))
    time = int.from_bytes(raw[:3])
    length, kind = (int.from_bytes(raw[3:6]), raw[6]) if form < 2 else (latest.length, latest.kind)
    stream_id = int.from_bytes(raw[7:11], "little") if form == 0 else latest.stream_id
    return _Header(form, number, size, time, length, kind, stream_id, time == _EXTENDED)


@dataclass(slots=True)
class _Sent:
    timestamp: int
    stream_id: int


class ChunkWriter:
    """Messages in, chunks out. A message's time may run backwards between chunk streams, not on one."""

    def __init__(self) -> None:
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._sent: dict[int, _Sent] = {}

    def set_chunk_size(self, size: int) -> None:
        """Cut all later messages in pieces of that size; the peer must have been told before."""
        self._chunk_size = size

    def write(self, chunk_stream: int, message: Message) -> bytes:
        """The message as chunks: a full header first, short ones (form 1) while its stream's time runs on."""
        first, rest = self._headers(chunk_stream, message)
        body, size = message.payload, self._chunk_size
        if len(body) <= size:
            return first + body
        parts = [first, body[:size]]
        for start in range(size, len(body), size):
            parts += (rest, body[start : start + size])
        return b"".join(parts)

    def _headers(self, chunk_stream: int, message: Message) -> tuple[bytes, bytes]:
        """The headers of a message's first and of its further chunks."""
        sent = self._sent.get(chunk_stream)
        time = message.timestamp & TIME_MASK
        step = (time - sent.timestamp) & TIME_MASK if sent and sent.stream_id == message.stream_id else _EXTENDED
        self._sent[chunk_stream] = _Sent(time, message.stream_id)
        kind = len(message.payload).to_bytes(3) + bytes([message.kind])
        if step < _EXTENDED:
            return bytes([1 << 6 | chunk_stream]) + step.to_bytes(3) + kind, bytes([3 << 6 | chunk_stream])
        extension = struct.pack(">I", time) if time >= _EXTENDED else b""
        start = bytes([chunk_stream]) + min(time, _EXTENDED).to_bytes(3)
        full = start + kind + struct.pack("<I", message.stream_id) + extension
        return full, bytes([3 << 6 | chunk_stream]) + extension
