"""The publishing end as a state machine: feed it what came, send what it says, look at its events.

    publisher = Publisher(address, noise)          loop:  sock.send(publisher.data_to_send())
                                                          publisher.receive_data(sock.recv(n))
    after `Published`: publisher.publish(tag)             for event in publisher.events(): ...

handshake -> connect -> releaseStream, FCPublish, createStream -> publish -> tags -> FCUnpublish, deleteStream.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.chunks import AUDIO_STREAM, DATA_STREAM, VIDEO_STREAM
from openmpu.wire.rtmp.end import End
from openmpu.wire.rtmp.events import (
    Acknowledged,
    Connected,
    HandshakeDone,
    Published,
    PublisherEvent,
    Refused,
)
from openmpu.wire.rtmp.malformed import Malformed
from openmpu.wire.rtmp.messages import (
    Command,
    Message,
    MessageType,
    Tag,
    TagKind,
    command_of,
    control,
    number_of,
)
from openmpu.wire.rtmp.redaction import clean, secrets_of
from openmpu.wire.rtmp.session import Session

FLASH_VERSION = "FMLE/3.0 (compatible; openmpu)"
"""Servers tell publishers from players by the FMLE prefix."""
CHUNK_SIZE = 4096
"""Of our chunks. Every server takes it; larger ones save nothing that could be measured."""
MAX_SERVER_MESSAGE = 256 << 10
"""A server has only short answers to send to a publisher."""

_CONNECT, _RELEASE, _FC_PUBLISH, _CREATE, _PUBLISH, _FC_UNPUBLISH = 1, 2, 3, 4, 5, 6
"""Transaction numbers: each command is sent once."""
_SET_DATA_FRAME = amf0.encode("@setDataFrame")
_CHUNK_STREAMS = {TagKind.AUDIO: AUDIO_STREAM, TagKind.VIDEO: VIDEO_STREAM, TagKind.DATA: DATA_STREAM}
_STREAM_ENDS = frozenset({"NetStream.Unpublish.Success", "NetConnection.Connect.Closed"})


class PublisherState(Enum):
    """How far a publisher is; it only ever goes down this list."""

    HANDSHAKE = auto()
    CONNECT = auto()
    CREATE = auto()
    PUBLISH = auto()
    LIVE = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True, repr=False)
class PublishAddress:
    """Where to publish, in RTMP's words. `stream` is a secret; nothing of this prints."""

    tc_url: str
    app: str
    stream: str


class Publisher(End[PublisherState, PublisherEvent]):
    """One publish over one connection.

    Args:
        address: What to ask for.
        noise: Random bytes of the handshake (handshake.NOISE_SIZE).
        ack_window: The server is asked to acknowledge after so many bytes; small enough, it shows that somebody reads.
        codecs: FourCC of enhanced codecs that will be sent (enhanced RTMP, connect's fourCcList).
    """

    def __init__(
        self, address: PublishAddress, noise: bytes, *, ack_window: int = 1 << 18, codecs: tuple[str, ...] = ()
    ) -> None:
        self._address, self._ack_window, self._codecs = address, ack_window, codecs
        self._secrets = secrets_of(address.stream)
        session = Session(noise, client=True, max_message=MAX_SERVER_MESSAGE)
        super().__init__(session, (PublisherState.HANDSHAKE, PublisherState.OVER))
        self._stream_id = 0

    def publish(self, tag: Tag) -> None:
        """Queue a tag; nothing before `Published` and after the end."""
        if self.state is not PublisherState.LIVE:
            return
        payload = _SET_DATA_FRAME + tag.payload if tag.kind is TagKind.DATA else tag.payload
        self._session.send(_CHUNK_STREAMS[tag.kind], Message(tag.kind, self._stream_id, tag.timestamp, payload))

    def finish(self) -> None:
        """End the stream in good order; close the connection when `data_to_send` has gone."""
        if self.state is PublisherState.LIVE:
            self._command("FCUnpublish", _FC_UNPUBLISH, None, self._address.stream)
            self._command("deleteStream", 0, None, self._stream_id)
        self.state = PublisherState.OVER

    def _refuse(self, code: str, description: str) -> None:
        self._end(Refused(clean(code, self._secrets), clean(description, self._secrets)))

    def _shake_hands(self) -> None:
        if self.state is not PublisherState.HANDSHAKE:
            return
        self.state = PublisherState.CONNECT
        self._events.append(HandshakeDone())
        about: dict[str, amf0.Encodable] = {
            "app": self._address.app,
            "type": "nonprivate",
            "flashVer": FLASH_VERSION,
            "tcUrl": self._address.tc_url,
        }
        self._command("connect", _CONNECT, about | ({"fourCcList": self._codecs} if self._codecs else {}))

    def _take(self, message: Message) -> None:
        match message.kind:
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                self._take_command(command_of(message))
            case MessageType.ACKNOWLEDGEMENT:
                self._events.append(Acknowledged(number_of(message)))

    def _take_command(self, answer: Command) -> None:
        match answer.name:
            case "_result":
                self._take_result(answer)
            case "_error":
                self._take_error(answer)
            case "onStatus":
                self._take_status(answer)
            case "close":
                self._refuse("", "the server closed the stream")

    def _take_result(self, answer: Command) -> None:
        if self.state is PublisherState.CONNECT and answer.transaction == _CONNECT:
            self.state = PublisherState.CREATE
            self._events.append(Connected())
            self._ask_for_a_stream()
        elif self.state is PublisherState.CREATE and answer.transaction == _CREATE:
            self.state = PublisherState.PUBLISH
            self._stream_id = _stream_id(answer)
            self._command("publish", _PUBLISH, None, self._address.stream, "live", stream_id=self._stream_id)

    def _ask_for_a_stream(self) -> None:
        self._session.send_control(control(MessageType.WINDOW_ACK_SIZE, self._ack_window))
        self._session.send_control(control(MessageType.SET_CHUNK_SIZE, CHUNK_SIZE))
        self._command("releaseStream", _RELEASE, None, self._address.stream)
        self._command("FCPublish", _FC_PUBLISH, None, self._address.stream)
        self._command("createStream", _CREATE, None)

    def _take_error(self, answer: Command) -> None:
        # releaseStream and FCPublish are customs, not rules: many servers answer them with an error and go on.
        if answer.transaction in (_CONNECT, _CREATE, _PUBLISH):
            self._refuse(*_code_and_words(answer))

    def _take_status(self, answer: Command) -> None:
        code, words = _code_and_words(answer)
        if self.state is PublisherState.PUBLISH and code == "NetStream.Publish.Start":
            self.state = PublisherState.LIVE
            self._events.append(Published())
        elif answer.fields(1).get("level") == "error" or code in _STREAM_ENDS:
            self._refuse(code, words)


def _code_and_words(answer: Command) -> tuple[str, str]:
    about = answer.fields(1)
    code, words = about.get("code"), about.get("description")
    return code if isinstance(code, str) else "", words if isinstance(words, str) else answer.text(1)


def _stream_id(answer: Command) -> int:
    match answer.arguments:
        case [_, int() | float() as number, *_] if 0 <= number <= 0xFFFFFFFF:
            return int(number)
    raise Malformed("createStream was answered without a stream id")
