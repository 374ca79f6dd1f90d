"""What happened on an RTMP connection, as values for the shell around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from openmpu.wire.rtmp.messages import Tag


@dataclass(frozen=True, slots=True)
class HandshakeDone:
    """Both sides have shaken hands; `connect` is on its way."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The server took `connect`; the stream is being created."""


@dataclass(frozen=True, slots=True)
class Published:
    """The server took `publish`: tags may go out."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The peer has received so many of our bytes, modulo 2^32."""

    total: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer said no, or ended the stream; nothing more goes over this connection.

    Attributes:
        code: The peer's own, such as `NetStream.Publish.BadName`; empty if it only closed.
        description: The peer's own words, cleaned of our secrets and cut.
    """

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class ProtocolFailed:
    """The peer sent what RTMP does not allow; nothing more goes over this connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer closed its side without a word."""


PublisherEvent: TypeAlias = HandshakeDone | Connected | Published | Acknowledged | Refused | ProtocolFailed | Closed


@dataclass(frozen=True, slots=True)
class PublishStarted:
    """A publisher was let in."""

    app: str
    stream: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TagReceived:
    """One tag of the publisher, as it came."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """The publisher ended its stream in good order; the connection may stay."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """We turned the peer away; close the connection when what is to be sent has gone."""

    reason: str


ServerEvent: TypeAlias = (
    HandshakeDone | PublishStarted | TagReceived | PublishEnded | Rejected | Acknowledged | ProtocolFailed | Closed
)
