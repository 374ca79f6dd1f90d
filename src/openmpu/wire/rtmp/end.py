"""What the publishing and the accepting end have in common: bytes in, events and bytes out, over once.

What a message means, and how far the talk is, is the business of each end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.chunks import COMMAND_STREAM
from openmpu.wire.rtmp.events import Closed, ProtocolFailed
from openmpu.wire.rtmp.malformed import Malformed
from openmpu.wire.rtmp.messages import Message, command
from openmpu.wire.rtmp.session import Session

EventT = TypeVar("EventT")
StateT = TypeVar("StateT")


class End(ABC, Generic[StateT, EventT]):
    """One end of a connection: feed it what came, send what it says, look at its events.

    Args:
        session: Chunks and handshake.
        states: The first and the last state.
    """

    def __init__(self, session: Session, states: tuple[StateT, StateT]) -> None:
        self._session = session
        self.state, self._over = states
        self._events: list[EventT | Closed | ProtocolFailed] = []

    def receive_data(self, data: bytes) -> None:
        """Take bytes of the peer. Next: `events`, then `data_to_send`."""
        if self.state is self._over:
            return
        try:
            messages = self._session.receive(data)
            if self._session.ready:
                self._shake_hands()
            for message in messages:
                self._take(message)
        except Malformed as error:
            self._end(ProtocolFailed(str(error)))

    def receive_eof(self) -> None:
        """The peer closed its side."""
        self._end(Closed())

    def data_to_send(self) -> bytes:
        """What must go out now, handed over once."""
        return self._session.data_to_send()

    def events(self) -> list[EventT | Closed | ProtocolFailed]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def _end(self, event: EventT | Closed | ProtocolFailed) -> None:
        if self.state is not self._over:
            self.state = self._over
            self._events.append(event)

    def _command(self, name: str, transaction: float, *arguments: amf0.Encodable, stream_id: int = 0) -> None:
        self._session.send(COMMAND_STREAM, command(name, transaction, *arguments, stream_id=stream_id))

    @abstractmethod
    def _shake_hands(self) -> None:
        """Go on when the handshake is over; called again and again from then on."""

    @abstractmethod
    def _take(self, message: Message) -> None:
        """One message of the peer.

        Raises:
            Malformed: It breaks a rule.
        """
