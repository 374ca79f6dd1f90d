"""How the samples of decoded pictures stand for colours.

What decoders do not say is taken for BT.601 limited: WebRTC senders make their I420 pictures from RGB with it (libyuv's
ARGBToI420 in Chromium and libwebrtc) whatever the size, and the VP8 format knows nothing else (RFC 6386 9.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.colours import BT601, BT709, Matrix

_BT709 = 1  # AVCOL_SPC_BT709
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """How the samples of a picture stand for colours."""

    matrix: Matrix = BT601
    full_range: bool = False

    @classmethod
    def of_flags(cls, colourspace: int, colour_range: int, pixel_format: str) -> ColourSpace:
        """From FFmpeg's AVColorSpace and AVColorRange; formats `yuvj...` are full range by their name."""
        full = colour_range == _FULL_RANGE or pixel_format.startswith("yuvj")
        return cls(BT709 if colourspace == _BT709 else BT601, full)
