"""Pictures no larger than anybody wants to see: a publisher that scales down when it is asked to, and up again at once.

How many pixels are of use is said by the server's REMB (`wire/rtp/wishes.py`). A smaller picture is a whole fraction of
the full one and never has fewer pixels than are of use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import av

from openmpu.clients.encoders import VideoCodec, VideoEncoder, video_encoder

DIVISORS: Final = (4, 3, 2)
LEAST_HEIGHT: Final = 90
DOWN_AFTER: Final = 1_000_000_000
"""Nanoseconds: layouts that come and go at once shall not cost a key frame each way."""
_LEAST_KBPS: Final = 250


@dataclass(frozen=True, slots=True)
class Form:
    """What an encoder is made for."""

    codec: VideoCodec
    width: int
    height: int
    fps: float
    bitrate_kbps: int
    drawn: bool = False

    def fitted(self, pixels: int) -> Form:
        """The smallest fraction of it that has so many pixels, else itself."""
        for divisor in DIVISORS:
            width, height = (round(side / divisor / 2) * 2 for side in (self.width, self.height))
            if width * height >= pixels and height >= LEAST_HEIGHT:
                bitrate = max(min(self.bitrate_kbps, _LEAST_KBPS), self.bitrate_kbps // divisor**2)
                return replace(self, width=width, height=height, bitrate_kbps=bitrate)
        return self

    def encoder(self) -> VideoEncoder:
        """One that takes pictures of this size."""
        return video_encoder(self.codec, self.width, self.height, self.fps, self.bitrate_kbps, drawn=self.drawn)


class FittingEncoder:
    """An encoder of full pictures that makes them smaller as is wished."""

    def __init__(self, full: Form) -> None:
        self.form = full
        self._full = self._wished = full
        self._encoder = full.encoder()
        self._since: int | None = None

    def fit(self, pixels: int) -> None:
        """No more than so many pixels are of use. Any thread."""
        self._wished = self._full.fitted(pixels)

    def encode(self, frame: av.VideoFrame, ticks: int, now: int, *, key: bool) -> tuple[bytes, bool]:
        """As `VideoEncoder.encode`; `now` in nanoseconds."""
        if changed := self._change(now):
            self._encoder = self.form.encoder()
        if self.form != self._full:
            frame = frame.reformat(self.form.width, self.form.height, interpolation="AREA", threads=1)
        return self._encoder.encode(frame, ticks, key=key or changed)

    def _change(self, now: int) -> bool:
        wished = self._wished
        if wished == self.form:
            self._since = None
            return False
        if wished.width < self.form.width:
            self._since = now if self._since is None else self._since
            if now - self._since < DOWN_AFTER:
                return False
        self.form, self._since = wished, None
        return True
