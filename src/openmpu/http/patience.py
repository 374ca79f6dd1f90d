"""How long the HTTP server waits for a client (security.md S13).

uvicorn waits for ever for the rest of a request; a thousand connections that each send half a header would hold the
server's door shut. Doors may give up earlier with an answer of their own; here the connection is simply closed.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S = 15.0
"""From the connection, or from the first byte of a further request, to the end of the header."""
BODY_WITHIN_S = 30.0
"""From there to the end of the body. More than any door allows, so that the client gets their answer."""


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, for clients that make progress."""

    _waiting_for: type[h11.IDLE | h11.SEND_BODY] | None = None
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """asyncio: somebody connected."""
        super().connection_made(transport)
        self._wait_for(h11.IDLE)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes of a request."""
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self._wait_for(None)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """An answer is out; half of the next request may be here already."""
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]:
            self._look()

    def _look(self) -> None:
        state = self.conn.their_state
        self._wait_for(state if state in (h11.IDLE, h11.SEND_BODY) else None)

    def _wait_for(self, what: type[h11.IDLE | h11.SEND_BODY] | None) -> None:
        """Begin to wait for the end of a header (IDLE: none has come yet) or of a body; or for nothing."""
        if what is self._waiting_for:
            return
        if self._patience:
            self._patience.cancel()
        self._waiting_for, self._patience = what, None
        if what:
            within_s = HEAD_WITHIN_S if what is h11.IDLE else BODY_WITHIN_S
            self._patience = self.loop.call_later(within_s, self.transport.abort)
