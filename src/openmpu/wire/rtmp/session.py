"""What both ends of an RTMP connection do alike: handshake, chunks, acknowledgements (spec 5.4.3 to 5.4.5), pings."""

from __future__ import annotations

from openmpu.wire.rtmp.chunks import CONTROL_STREAM, ChunkReader, ChunkWriter
from openmpu.wire.rtmp.handshake import Handshake
from openmpu.wire.rtmp.messages import (
    TIME_MASK,
    Message,
    MessageType,
    UserControl,
    control,
    number_of,
    user_control,
    user_event_of,
)


class Session:
    """Bytes in and messages out, messages in and bytes out.

    Args:
        noise: Random bytes of the handshake (handshake.NOISE_SIZE).
        client: Whether this end speaks first.
        max_message: Longest message taken from the peer, in bytes.
    """

    def __init__(self, noise: bytes, *, client: bool, max_message: int) -> None:
        self._handshake = Handshake(noise, client=client)
        self._reader = ChunkReader(max_message)
        self._writer = ChunkWriter()
        self._out: list[bytes] = []
        self._peer_window = 0
        self._received = self._acknowledged = 0
        self._put(self._handshake.start())

    @property
    def ready(self) -> bool:
        """Whether the handshake is over."""
        return self._handshake.done

    def receive(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, but for those that are answered here.

        Raises:
            Malformed: The peer breaks a rule; the session is over.
        """
        self._received += len(data)
        if not self._handshake.done:
            answer, data = self._handshake.receive(data)
            self._put(answer)
        messages = self._reader.receive(data) if data else []
        left = [message for message in messages if not self._took(message)]
        self._acknowledge()
        return left

    def send(self, chunk_stream: int, message: Message) -> None:
        """Queue a message."""
        self._put(self._writer.write(chunk_stream, message))

    def send_control(self, message: Message) -> None:
        """Queue a control message; a new chunk size holds for all that follow."""
        self.send(CONTROL_STREAM, message)
        if message.kind == MessageType.SET_CHUNK_SIZE:
            self._writer.set_chunk_size(number_of(message))

    def data_to_send(self) -> bytes:
        """Everything queued, handed over once."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _put(self, data: bytes) -> None:
        if data:
            self._out.append(data)

    def _took(self, message: Message) -> bool:
        match message.kind:
            case MessageType.WINDOW_ACK_SIZE:
                self._peer_window = number_of(message)
            case MessageType.USER_CONTROL:
                self._answer_ping(*user_event_of(message))
            case MessageType.SET_PEER_BANDWIDTH:
                pass  # it asks for a window acknowledgement size, which we tell unasked
            case _:
                return False
        return True

    def _answer_ping(self, event: int, value: int) -> None:
        if event == UserControl.PING_REQUEST:
            self.send_control(user_control(UserControl.PING_RESPONSE, value))

    def _acknowledge(self) -> None:
        if self._peer_window and self._received - self._acknowledged >= self._peer_window:
            self._acknowledged = self._received
            self.send_control(control(MessageType.ACKNOWLEDGEMENT, self._received & TIME_MASK))
