"""SEI messages put into encoded pictures (callbacks.md 6.6). Pure: bytes in, bytes out, Annex B.

type 5:         06 05 <size> 6d70...7631 (the UUID) 7b... 80
type 100..254:  06 64 <size> 7b... 80
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import Final

from openmpu.media.packets import Packet
from openmpu.model.encoder import VideoCodec

UUID: Final = b"mpu-relay-sei-v1"
USER_DATA: Final = 5
"""Payload type "user data unregistered", which begins with a UUID."""

MOST_TEXTS: Final = 32
"""Texts waiting for the next picture; more would be a flood."""

_START: Final = b"\x00\x00\x00\x01"
_HEADER: Final[dict[str, bytes]] = {"h264": b"\x06", "h265": b"\x4e\x01"}
_NAL: Final = re.compile(rb"\x00\x00(?:\x00)?\x01(.)", re.DOTALL)
_EMULATED: Final = re.compile(rb"\x00\x00(?=[\x00-\x03])")


def sei_nal(codec: VideoCodec, payload_type: int, content: bytes) -> bytes:
    """One SEI message as a NAL unit with its start code; one message per NAL unit."""
    payload = UUID + content if payload_type == USER_DATA else content
    message = _counted(payload_type) + _counted(len(payload)) + payload + b"\x80"
    return _START + _HEADER[codec] + _escaped(message)


def with_nals(codec: VideoCodec, picture: bytes, nals: list[bytes]) -> bytes:
    """The picture with these NAL units before its first slice."""
    place = next((found.start() for found in _NAL.finditer(picture) if _is_slice(codec, found[1][0])), len(picture))
    return b"".join((picture[:place], *nals, picture[place:]))


class SeiTexts:
    """Texts that wait for the next picture, each to be sent once (callbacks.md 6.5)."""

    def __init__(self) -> None:
        self.payload_type: int | None = None
        self._texts: deque[str] = deque(maxlen=MOST_TEXTS)

    def add(self, text: str) -> None:
        """Send it with the next picture. Any thread."""
        self._texts.append(text)

    def put_into(self, packet: Packet, codec: VideoCodec) -> Packet:
        """The packet with all texts that wait."""
        if not self._texts:
            return packet
        kind = USER_DATA if self.payload_type is None else self.payload_type
        nals = [sei_nal(codec, kind, self._texts.popleft().encode()) for _ in range(len(self._texts))]
        return replace(packet, data=with_nals(codec, packet.data, nals))


def _is_slice(codec: VideoCodec, header: int) -> bool:
    return 1 <= header & 31 <= 5 if codec == "h264" else header >> 1 & 63 < 32


def _counted(value: int) -> bytes:
    """The ff... coding of H.264 7.3.2.3.1."""
    return b"\xff" * (value // 255) + bytes((value % 255,))


def _escaped(data: bytes) -> bytes:
    """Emulation prevention (H.264 7.4.1.1): no start code may appear inside."""
    return _EMULATED.sub(b"\x00\x00\x03", data)
