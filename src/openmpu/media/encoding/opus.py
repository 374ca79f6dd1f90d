"""Mixed blocks into Opus, beside AAC: for players, and only while somebody plays.

A packet for each block of 20 ms, stereo. FFmpeg's libopus: a WebRTC player takes nothing else as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from openmpu.errors import InternalError
from openmpu.media.packets import Packet
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE, Samples
from openmpu.model.roster import Kind

BITRATE: Final = 96_000
"""Transparent for speech and music in two channels."""
COMPLEXITY: Final = "5"
"""Of 10: beyond it costs more than is heard at this rate."""


class OpusEncoder:
    """One encoder; a gap between blocks is silence in no more than the time stamps."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        if not isinstance(context, AudioCodecContext):
            raise InternalError("encoder", "libopus is not an audio encoder")
        context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "flt"
        context.bit_rate = BITRATE
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.thread_count = 1
        context.options = {"application": "audio", "frame_duration": "20", "compression_level": COMPLEXITY}
        context.open()
        self._context = context
        self._count = 0

    def encode(self, block: Samples, pts: int) -> Iterator[Packet]:
        """The packet of a block that begins at `pts`: one in, one out."""
        samples = np.ascontiguousarray(block, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, "flt", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), self._count
        self._count += BLOCK
        for packet in self._context.encode(frame):
            yield Packet(Kind.AUDIO, pts, bytes(packet))


class OpusTap:
    """Hangs on a mix of sound and encodes what passes while it is wanted. Sound thread.

    Args:
        wanted: Whether somebody plays.
        put: Takes the packets.
    """

    def __init__(self, wanted: Callable[[], bool], put: Callable[[Packet], None]) -> None:
        self._wanted, self._put = wanted, put
        self._encoder: OpusEncoder | None = None

    def take(self, block: Samples, pts: int) -> None:
        """One block of the mix passed."""
        if not self._wanted():
            self._encoder = None
            return
        self._encoder = self._encoder or OpusEncoder()
        for packet in self._encoder.encode(block, pts):
            self._put(packet)
