"""Many publishers of still pictures in one process, over real WebRTC: every size, odd ones too, and phones held askew.

A picture is encoded once and sent five times a second as a key frame, so that sixteen cost next to nothing. A phone
says how its picture must be turned in a header extension (3GPP TS 26.114 7.4.5), which aiortc does not know: it is
taught here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import codecs
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters
from aiortc.rtp import HeaderExtensionsMap, pack_header_extensions, unpack_header_extensions

from openmpu.clients.feeds import Piece
from openmpu.clients.session import Session, Stream
from openmpu.clients.whip import WhipClient, WhipEndpoint, endpoint_url
from openmpu.model.colours import BT601, Colour, to_ycbcr
from openmpu.model.geometry import PixelRect
from openmpu.model.roster import Kind
from openmpu.wire.tokens import make_one_string
from tests.rig.processes import APP, APP_KEY, Rig

ORIENTATION = "urn:3gpp:video-orientation"
ORIENTATION_ID = 11
FPS = 5
SECOND = 1_000_000_000
WHITE = Colour(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who sits still: a picture of one colour with a white mark in its left-top quarter.

    Attributes:
        turn: Degrees clockwise by which the picture must be turned to stand upright; None: not told.
    """

    name: str
    colour: Colour
    width: int = 320
    height: int = 180
    codec: str = "vp8"
    turn: int | None = None

    def upright(self) -> tuple[int, int]:
        """Width and height of what is seen."""
        return (self.height, self.width) if (self.turn or 0) % 180 else (self.width, self.height)

    def mark(self, shown: PixelRect) -> PixelRect:
        """Where the mark is when the picture is shown there."""
        right, below = {0: (0, 0), 90: (1, 0), 180: (1, 1), 270: (0, 1)}[self.turn or 0]
        left = shown.left + shown.width * (1 + 4 * right) // 8
        top = shown.top + shown.height * (1 + 4 * below) // 8
        return PixelRect(left // 2 * 2, top // 2 * 2, shown.width // 8 * 2, shown.height // 8 * 2)


class StillFeed:
    """One picture again and again."""

    kind = Kind.VIDEO
    clock_rate = 90_000
    quick = True

    def __init__(self, sitter: Sitter) -> None:
        self.codec = sitter.codec
        self._pictures = _encoded(sitter)
        self._number = -1

    def next_piece(self, now: int) -> Piece:
        """The next one on the clock's grid."""
        self._number = max(self._number + 1, now * FPS // SECOND)
        data = self._pictures[self._number % len(self._pictures)]
        return Piece(self._number * SECOND // FPS, self._number * self.clock_rate // FPS, data)

    def want_key(self) -> None:
        """Every picture is one."""

    def fit(self, pixels: int) -> None:
        """It is small enough for everybody."""

    def close(self) -> None:
        """Nothing to give back."""


def _encoded(sitter: Sitter) -> list[bytes]:
    """Two key frames: H.264 tells one IDR picture from the next by a number."""
    context: Any = av.CodecContext.create({"h264": "libx264", "vp8": "libvpx"}[sitter.codec], "w")
    context.width, context.height, context.pix_fmt = sitter.width, sitter.height, "yuv420p"
    context.time_base, context.framerate, context.gop_size = Fraction(1, FPS), Fraction(FPS), 1
    context.bit_rate, context.thread_count = 8_000_000, 1
    context.colorspace, context.color_range = 6, 1  # BT.601, limited: what a browser sends
    fast = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    context.options = fast if sitter.codec == "h264" else {"deadline": "good", "lag-in-frames": "0", "qmin": "1"}
    found = []
    for number in range(2):
        frame = _drawn(sitter)
        frame.pts = number
        found += [bytes(packet) for packet in context.encode(frame)]
    return found


def _drawn(sitter: Sitter) -> av.VideoFrame:
    frame = av.VideoFrame(sitter.width, sitter.height, "yuv420p")
    for plane, ground, mark in zip(frame.planes, to_ycbcr(sitter.colour, BT601), to_ycbcr(WHITE, BT601), strict=True):
        rows = np.full((plane.height, plane.line_size), ground, np.uint8)
        rows[plane.height // 8 : plane.height * 3 // 8, plane.width // 8 : plane.width * 3 // 8] = mark
        plane.update(rows.tobytes())
    return frame


class _Orientation(HeaderExtensionsMap):
    """Header extensions of a sender, with the orientation in each packet."""

    def __init__(self, turn: int) -> None:
        super().__init__()
        self._value = bytes([turn // 90])
        self._id = 0

    def configure(self, parameters: Any) -> None:
        super().configure(parameters)
        told = [extension.id for extension in parameters.headerExtensions if extension.uri == ORIENTATION]
        self._id = told[0] if told else 0

    def set(self, values: Any) -> tuple[int, bytes]:
        profile, data = super().set(values)
        assert self._id, "the server did not take the orientation"
        return pack_header_extensions([*unpack_header_extensions(profile, data), (self._id, self._value)])


@contextlib.contextmanager
def _orientation_offered() -> Iterator[None]:
    offered = codecs.HEADER_EXTENSIONS["video"]
    offered.append(RTCRtpHeaderExtensionParameters(id=ORIENTATION_ID, uri=ORIENTATION))
    try:
        yield
    finally:
        offered.pop()


async def _enter(house: Rig, client: WhipClient, sitter: Sitter, stream: Stream) -> tuple[Session, str]:
    session = Session([stream])
    if sitter.turn is not None:
        vars(session.senders[0])["_RTCRtpSender__rtp_header_extensions_map"] = _Orientation(sitter.turn)
    token = make_one_string(APP, APP_KEY, "room", sitter.name, int(time.time()) + 600)
    await session.open(client, WhipEndpoint(endpoint_url(house.url, APP, "room", sitter.name, "camera"), token))
    return session, token


@contextlib.asynccontextmanager
async def crowd(house: Rig, sitters: Sequence[Sitter]) -> AsyncIterator[None]:
    """All of them publish, having joined in this order."""
    streams, client = [Stream(StillFeed(sitter)) for sitter in sitters], WhipClient()
    entered: list[tuple[Session, str]] = []
    try:
        with _orientation_offered():
            for sitter, stream in zip(sitters, streams, strict=True):
                entered.append(await _enter(house, client, sitter, stream))
        yield
    finally:
        await asyncio.gather(*(session.close(client, token) for session, token in entered))
        await client.close()
        for stream in streams:
            stream.close()
