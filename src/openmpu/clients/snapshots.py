"""Decoded pictures as files for people: PNG, by FFmpeg, in the colours that the stream says it has."""

from __future__ import annotations

import av
from av.video.reformatter import Colorspace

from openmpu.model.colours import matrix_of


def to_png(frame: av.VideoFrame) -> bytes:
    """The picture as a PNG file."""
    shown = frame.reformat(format="rgb24", src_colorspace=colour_space(frame))
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = shown.width, shown.height, "rgb24"
    encoder.time_base = frame.time_base or encoder.time_base
    shown.pts = 0
    return b"".join(bytes(packet) for packet in (*encoder.encode(shown), *encoder.encode(None)))


def colour_space(frame: av.VideoFrame) -> Colorspace:
    """The YCbCr matrix of a picture: as it is flagged, else by its height as players guess it."""
    flagged = int(frame.colorspace)
    if flagged == 1:
        return Colorspace.ITU709
    if flagged in (4, 5, 6):
        return Colorspace.ITU601
    return Colorspace.ITU709 if matrix_of(frame.height).name == "bt709" else Colorspace.ITU601
