"""The layer of a pane's video: decoded frames scaled, turned and converted straight into the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import av

from openmpu.media.canvas import Canvas, Planes, planes_of
from openmpu.media.colour_space import ColourSpace
from openmpu.media.matrixing import Conversion
from openmpu.media.scaling import PictureScaler, place_rotated
from openmpu.media.stack import Paint
from openmpu.model.colours import Matrix
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import Fit

_I420 = frozenset({"yuv420p", "yuvj420p"})


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """The newest decoded frame of a track at some tick.

    Attributes:
        serial: Differs from the serial of the track's frame before it; an equal one means: nothing new.
        rotation: Degrees clockwise by which it must be turned to stand upright (0, 90, 180, 270).
    """

    frame: av.VideoFrame
    serial: int
    rotation: int = 0


class FrameForm(NamedTuple):
    """What frames must share to be shown by one `VideoLayer`; flags in FFmpeg's numbers."""

    width: int
    height: int
    pixel_format: str
    colourspace: int
    colour_range: int
    rotation: int

    @classmethod
    def of(cls, frame: av.VideoFrame, rotation: int) -> FrameForm:
        """The form of a frame."""
        return cls(
            frame.width, frame.height, frame.format.name, int(frame.colorspace), int(frame.color_range), rotation
        )


def as_i420(frame: av.VideoFrame) -> av.VideoFrame | None:
    """The frame in planar 4:2:0 of 8 bits, itself where it is so; decoders of WebRTC tracks rarely give anything else.

    None where it cannot be shown: smaller than one sample of chroma, or of a format that FFmpeg cannot convert.
    """
    if frame.width < 2 or frame.height < 2:
        return None
    if frame.format.name in _I420:
        return frame
    try:
        return _converted(frame)
    except (ValueError, OSError):  # what FFmpeg's errors are kinds of
        return None


def _converted(frame: av.VideoFrame) -> av.VideoFrame:
    return frame.reformat(
        format="yuv420p",
        src_colorspace=frame.colorspace,
        dst_colorspace=frame.colorspace,
        src_color_range=frame.color_range,
        dst_color_range=frame.color_range,
    )


class VideoLayer:
    """Frames of one form, fitted into a pane."""

    opaque = True
    whole = True
    live = True

    def __init__(self, form: FrameForm, fit: Fit, pane: PixelRect, matrix: Matrix) -> None:
        placed = place_rotated(fit, form.width & ~1, form.height & ~1, pane, form.rotation)
        self.rect = placed.target
        self._scaler = PictureScaler(placed.source, placed.target, form.rotation)
        source = ColourSpace.of_flags(form.colourspace, form.colour_range, form.pixel_format)
        target = ColourSpace(matrix)
        same = source == target
        self._conversion = None if same else Conversion(source, target, self.rect.width, self.rect.height)
        self._planes: Planes | None = None
        self._fresh = False

    def show(self, frame: av.VideoFrame) -> None:
        """Takes a frame of the layer's form; its samples are kept until the next one comes."""
        self._planes = planes_of(frame)
        self._fresh = True

    def bind(self, canvas: Canvas, clip: PixelRect) -> Paint:
        """What scales the newest frame; `clip` is all of `rect`."""
        target = canvas.cut(clip)

        def paint() -> None:
            self._scale_into(target)

        return paint

    def _scale_into(self, target: Planes) -> None:
        if self._planes is not None:
            self._scaler.scale(self._planes, target)
            if self._conversion is not None:
                self._conversion.convert(target)
