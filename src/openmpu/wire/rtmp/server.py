"""The accepting end, for our own receiver and test rigs: one publisher per connection; it never sends media.

Feed it and send what it says as with `publisher.py`; what the publisher sends comes out as `TagReceived`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TypeAlias

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.end import End
from openmpu.wire.rtmp.events import (
    Acknowledged,
    HandshakeDone,
    PublishEnded,
    PublishStarted,
    Rejected,
    ServerEvent,
    TagReceived,
)
from openmpu.wire.rtmp.messages import (
    Command,
    Message,
    MessageType,
    Tag,
    TagKind,
    UserControl,
    command_of,
    control,
    number_of,
    peer_bandwidth,
    user_control,
)
from openmpu.wire.rtmp.session import Session

ACK_WINDOW = 2_500_000
"""Bytes after which the publisher is asked to acknowledge."""
CHUNK_SIZE = 4096
MAX_MESSAGE = 8 << 20
"""Longest tag taken: an intra picture of 4K at full quality is below."""
STREAM_ID = 1

_SET_DATA_FRAME = amf0.encode("@setDataFrame")
_TAGS = frozenset({MessageType.AUDIO, MessageType.VIDEO, MessageType.DATA})

Accept: TypeAlias = Callable[[str, str], str | None]
"""Gets application and stream name (with its query); says why not, or None for yes."""


class ServerState(Enum):
    """How far a connection is."""

    HANDSHAKE = auto()
    OPEN = auto()
    CONNECTED = auto()
    PUBLISHING = auto()
    OVER = auto()


class ServerConnection(End[ServerState, ServerEvent]):
    """One peer.

    Args:
        accept: Decides on each publish.
        noise: Random bytes of the handshake (handshake.NOISE_SIZE).
        max_message: Longest message taken, in bytes.
    """

    def __init__(self, accept: Accept, noise: bytes, *, max_message: int = MAX_MESSAGE) -> None:
        self._accept = accept
        super().__init__(
            Session(noise, client=False, max_message=max_message), (ServerState.HANDSHAKE, ServerState.OVER)
        )
        self._app = ""

    def _shake_hands(self) -> None:
        if self.state is ServerState.HANDSHAKE:
            self.state = ServerState.OPEN
            self._events.append(HandshakeDone())

    def _take(self, message: Message) -> None:
        if self.state is ServerState.OVER:
            return
        match message.kind:
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                self._take_command(command_of(message))
            case MessageType.ACKNOWLEDGEMENT:
                self._events.append(Acknowledged(number_of(message)))
            case kind if kind in _TAGS and self.state is ServerState.PUBLISHING:
                self._events.append(TagReceived(_tag(message)))

    def _take_command(self, asked: Command) -> None:
        match asked.name:
            case "connect":
                self._connect(asked)
            case "createStream":
                self._command("_result", asked.transaction, None, STREAM_ID)
            case "publish" if self.state is ServerState.CONNECTED:
                self._publish(asked)
            case "play" | "publish":
                self._reject("NetStream.Failed", "only one publish per connection is served here")
            case "FCUnpublish" | "deleteStream" | "closeStream" if self.state is ServerState.PUBLISHING:
                self.state = ServerState.CONNECTED
                self._events.append(PublishEnded())

    def _connect(self, asked: Command) -> None:
        app = asked.fields(0).get("app")
        self._app = app.strip("/") if isinstance(app, str) else ""
        self.state = ServerState.CONNECTED
        self._session.send_control(control(MessageType.WINDOW_ACK_SIZE, ACK_WINDOW))
        self._session.send_control(peer_bandwidth(ACK_WINDOW))
        self._session.send_control(control(MessageType.SET_CHUNK_SIZE, CHUNK_SIZE))
        about = _status("status", "NetConnection.Connect.Success", "welcome")
        self._command("_result", asked.transaction, {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}, about)

    def _publish(self, asked: Command) -> None:
        refusal = self._accept(self._app, asked.text(1))
        if refusal is not None:
            self._reject("NetStream.Publish.BadName", refusal)
            return
        self.state = ServerState.PUBLISHING
        self._session.send_control(user_control(UserControl.STREAM_BEGIN, STREAM_ID))
        started = _status("status", "NetStream.Publish.Start", "go on")
        self._command("onStatus", 0, None, started, stream_id=STREAM_ID)
        self._events.append(PublishStarted(self._app, asked.text(1)))

    def _reject(self, code: str, words: str) -> None:
        self._command("onStatus", 0, None, _status("error", code, words), stream_id=STREAM_ID)
        self._end(Rejected(words))


def _status(level: str, code: str, words: str) -> dict[str, amf0.Encodable]:
    return {"level": level, "code": code, "description": words}


def _tag(message: Message) -> Tag:
    payload = message.payload
    if message.kind == MessageType.DATA:
        payload = payload.removeprefix(_SET_DATA_FRAME)
    return Tag(TagKind(message.kind), message.timestamp, payload)
