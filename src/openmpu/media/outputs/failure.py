"""How an attempt to push can fail: at which step, with which code, in which words."""

from __future__ import annotations

import ssl
from enum import IntEnum, StrEnum

from openmpu.errors import DestinationFailed
from openmpu.wire.rtmp.events import ProtocolFailed, PublisherEvent, Refused


class Step(StrEnum):
    """Where a connection stands, in order."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HANDSHAKE = "handshake"
    CONNECT = "connect"
    PUBLISH = "publish"
    MEDIA = "media"


class ErrorCode(IntEnum):
    """ErrorCode of target events (callbacks.md 2.4)."""

    NONE = 0
    HOST_NOT_FOUND = 1001
    CANNOT_CONNECT = 1002
    HANDSHAKE_FAILED = 1003
    REFUSED = 1004
    CONNECTION_LOST = 1005
    TOO_SLOW = 1006
    URL_UNUSABLE = 1007

    @property
    def by_url(self) -> bool:
        """Whether the URL itself is at fault: the task would end with Status 6, else with 5."""
        return self in (ErrorCode.HOST_NOT_FOUND, ErrorCode.REFUSED, ErrorCode.URL_UNUSABLE)


class AttemptFailed(DestinationFailed):
    """One attempt is over.

    Attributes:
        step: What did not succeed.
        code: Which kind of failure.
        message: For the customer; says no more about closed, filtered and private addresses than that they cannot be
            reached (security.md S3).
        detail: For the operator's log only.
        name_in_use: The server still holds the stream name, most likely for our own previous connection.
    """

    def __init__(
        self, step: Step, code: ErrorCode, message: str, *, detail: str = "", name_in_use: bool = False
    ) -> None:
        super().__init__("target", message)
        self.step, self.code, self.detail, self.name_in_use = step, code, detail, name_in_use


_TIMED_OUT = {
    Step.TLS: (ErrorCode.HANDSHAKE_FAILED, "the server did not finish the TLS handshake in time"),
    Step.HANDSHAKE: (ErrorCode.HANDSHAKE_FAILED, "the server did not finish the RTMP handshake in time"),
    Step.CONNECT: (ErrorCode.CANNOT_CONNECT, "the server did not answer to connect in time"),
    Step.PUBLISH: (ErrorCode.CANNOT_CONNECT, "the server did not answer to publish in time"),
}
_CLOSED = {
    Step.HANDSHAKE: (ErrorCode.HANDSHAKE_FAILED, "the server closed the connection during the RTMP handshake"),
    Step.CONNECT: (ErrorCode.REFUSED, "the server closed the connection on connect"),
    Step.PUBLISH: (ErrorCode.REFUSED, "the server closed the connection on publish"),
    Step.MEDIA: (ErrorCode.CONNECTION_LOST, "the connection was lost"),
}


def timed_out(step: Step) -> AttemptFailed:
    """The server said nothing for as long as a step may take."""
    code, message = _TIMED_OUT[step]
    return AttemptFailed(step, code, message)


def tls_failed(error: Exception) -> AttemptFailed:
    """TLS could not be agreed on; certificates are told in full, as nothing in them is ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the server's certificate was not accepted: {error.verify_message}"
    elif isinstance(error, ConnectionError):
        message = "the server closed the connection during the TLS handshake"
    else:
        message = "no TLS connection could be agreed on"
    return AttemptFailed(Step.TLS, ErrorCode.HANDSHAKE_FAILED, message, detail=str(error))


def broken(step: Step, event: PublisherEvent, lost: Exception | None) -> AttemptFailed:
    """The connection ended at `step` with `event`; `lost` is what the system said, if anything."""
    match event:
        case Refused(answer, description):
            return _refused(step, answer, description)
        case ProtocolFailed(reason):
            kind = ErrorCode.CONNECTION_LOST if step is Step.MEDIA else ErrorCode.HANDSHAKE_FAILED
            return AttemptFailed(step, kind, f"the server does not speak RTMP as it should: {reason}")
    code, message = _CLOSED[step]
    if code is ErrorCode.REFUSED and lost and not isinstance(lost, ConnectionError):
        code, message = ErrorCode.CANNOT_CONNECT, "the connection was lost"  # the network, not the server's answer
    return AttemptFailed(step, code, message, detail=str(lost or ""))


def _refused(step: Step, answer: str, description: str) -> AttemptFailed:
    words = " ".join(part for part in (answer, f"({description})" if description else "") if part)
    if step is Step.MEDIA:
        return AttemptFailed(step, ErrorCode.CONNECTION_LOST, f"the server ended the stream: {words}")
    message = f"{step} refused by the server: {words}"
    return AttemptFailed(step, ErrorCode.REFUSED, message, name_in_use=answer.endswith(".BadName"))
