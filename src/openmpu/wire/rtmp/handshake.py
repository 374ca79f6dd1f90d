"""The simple handshake (spec 5.2), both sides: C0 C1 C2 against S0 S1 S2."""

from __future__ import annotations

from openmpu.wire.rtmp.malformed import Malformed

VERSION = 3
SIZE = 1536
"""Of C1, C2, S1 and S2."""
NOISE_SIZE = SIZE - 8
"""Random bytes in C1 and S1, behind a time and four zeroes."""


class Handshake:
    """One side of it. It ends with the peer's second packet; what follows is chunks.

    Args:
        noise: NOISE_SIZE bytes that tell this end from others.
        client: Whether this side speaks first.
    """

    def __init__(self, noise: bytes, *, client: bool) -> None:
        if len(noise) != NOISE_SIZE:
            raise ValueError(f"noise must have {NOISE_SIZE} bytes")
        self._own = bytes([VERSION]) + bytes(8) + noise
        self._client = client
        self._buffer = bytearray()
        self._echoed = False
        self.done = False

    def start(self) -> bytes:
        """What goes out before anything comes in: C0 and C1 of a client, nothing of a server."""
        return self._own if self._client else b""

    def receive(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes of the peer: what to answer, and what came behind the handshake's end.

        The peer's echo is not compared: servers with the digest variant of the handshake echo otherwise.

        Raises:
            Malformed: The peer speaks another version.
        """
        self._buffer += data
        if self._buffer and self._buffer[0] != VERSION:
            raise Malformed("not an RTMP version 3 handshake")
        answer = self._answer()
        end = 1 + 2 * SIZE
        if not self._echoed or len(self._buffer) < end:
            return answer, b""
        self.done = True
        return answer, bytes(self._buffer[end:])

    def _answer(self) -> bytes:
        if self._echoed or len(self._buffer) < 1 + SIZE:
            return b""
        self._echoed = True
        echo = bytes(self._buffer[1 : 1 + SIZE])
        return echo if self._client else self._own + echo
