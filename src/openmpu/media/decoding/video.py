"""One video decoder: encoded pictures in, whole pictures out, never a broken one.

libavcodec conceals damage and goes on; a viewer would see it smear until the next key frame. So a decoder that lost a
reference shows nothing more until a key frame came, and its owner asks for one. One thread per
decoder: frame threads add delay and cost, slice threads have dead-locked.
"""

from __future__ import annotations

from typing import Final

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange

from openmpu.errors import Unsupported
from openmpu.model.frames import EncodedFrame, ToldColour

DECODERS: Final = {"h264": "h264", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d", "h265": "hevc"}
"""Codec of a track -> FFmpeg's decoder."""

MAX_PIXELS: Final = 3840 * 2160
"""Larger pictures are not decoded: a stranger sends them."""


def can_decode(codec: str) -> bool:
    """Whether this build of FFmpeg has a decoder for a track's codec."""
    name = DECODERS.get(codec)
    return name is not None and name in av.codecs_available


class VideoDecoder:
    """One track's decoder.

    Attributes:
        broken: A reference is missing: nothing is shown before the next key frame, which somebody must ask for.
        errors: Pictures that could not be decoded or were withheld as damaged.
        withheld: Pictures passed over while broken.
    """

    def __init__(self, codec: str) -> None:
        if not can_decode(codec):
            raise Unsupported("codec", f"no decoder for {codec}")
        self.broken = True
        self.decoded = self.errors = self.withheld = 0
        self._codec = codec
        self._context = self._open()

    def lose(self) -> None:
        """Something before the next frame was thrown away on our side."""
        self.broken = True

    def decode(self, frame: EncodedFrame) -> av.VideoFrame | None:
        """The picture in `frame`, if there is a whole one."""
        if frame.key:
            self._recover()
        elif frame.lost:
            self.broken = True
        if self.broken:
            self.withheld += 1
            return None
        picture = self._picture(frame.data)
        if picture is None:
            self.errors += 1
            self.broken = True
            return None
        self.decoded += 1
        _tell_colour(picture, frame.colour)
        return picture

    def _recover(self) -> None:
        """A key frame needs nothing before it: begin anew where there was damage."""
        if self.broken and (self.decoded or self.errors):
            self._context = self._open()
        self.broken = False

    def _picture(self, data: bytes) -> av.VideoFrame | None:
        try:
            pictures = self._context.decode(av.Packet(data)) if data else []
        except (av.FFmpegError, ValueError, MemoryError):
            return None
        if not pictures or any(picture.is_corrupt for picture in pictures):
            return None
        return pictures[-1]

    def _open(self) -> VideoCodecContext:
        context = av.CodecContext.create(DECODERS[self._codec], "r")
        if not isinstance(context, VideoCodecContext):
            raise Unsupported("codec", f"{self._codec} is not video")
        context.thread_count = 1
        context.thread_type = "NONE"
        context.flags |= Flags.low_delay
        context.options = {"max_pixels": str(MAX_PIXELS)}
        return context


def _tell_colour(picture: av.VideoFrame, told: ToldColour | None) -> None:
    """The sender knows better than the stream: Chromium's VP8 of a canvas is BT.709 in full range and cannot say."""
    if told is not None:
        picture.colorspace = told.matrix
        picture.color_range = ColorRange.JPEG if told.full_range else ColorRange.MPEG
