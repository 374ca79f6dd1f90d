"""What a publisher encodes with: H.264 and VP8 for real time, Opus. One thread each; key frames when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Final, Literal, Protocol

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from openmpu.errors import Invalid

VideoCodec = Literal["h264", "vp8"]
SAMPLE_RATE: Final = 48_000
OPUS_SAMPLES: Final = 960
"""20 ms, the frame length of WebRTC."""

_TICKS = Fraction(1, 90_000)
_BT601, _LIMITED = 6, 1
"""FFmpeg's numbers of SMPTE 170M (for matrix, primaries and transfer) and of limited range: what browsers send."""

_KEY_SECONDS = 10
"""Without being asked: rarely, like a browser; whoever needs one asks by PLI."""


class VideoEncoder(Protocol):
    """Takes pictures, gives encoded ones at once."""

    def encode(self, frame: av.VideoFrame, ticks: int, *, key: bool) -> tuple[bytes, bool]:
        """The encoded picture, empty if the encoder dropped it, and whether it is a key frame.

        Args:
            frame: Of the encoder's size, `yuv420p`.
            ticks: When it stands, in 1/90000 s; must rise from call to call.
            key: Make it a key frame.
        """
        ...


def video_encoder(
    codec: VideoCodec, width: int, height: int, fps: float, bitrate_kbps: int, *, drawn: bool = False
) -> VideoEncoder:
    """An encoder of constant bitrate without delay.

    Args:
        codec: H.264 (constrained baseline) or VP8.
        width: Pixels, even, like the height.
        height: See width.
        fps: Pictures per second, for the rate control.
        bitrate_kbps: Kilobits per second.
        drawn: The picture has large flat areas whose colours must come through exactly; it costs few bits anyway.

    Raises:
        Invalid: It cannot be had for that size or bitrate.
    """
    context = av.CodecContext.create("libx264" if codec == "h264" else "libvpx", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = Fraction(fps).limit_denominator(1001), _TICKS
    context.bit_rate, context.thread_count = bitrate_kbps * 1000, 1
    context.gop_size = max(1, round(_KEY_SECONDS * fps))
    context.colorspace = context.color_primaries = context.color_trc = _BT601
    context.color_range = _LIMITED
    context.options = _h264_options(bitrate_kbps) if codec == "h264" else _vp8_options(bitrate_kbps, drawn=drawn)
    try:
        context.open()
    except av.FFmpegError as error:
        raise Invalid("video", f"no {codec} encoder for {width}x{height} at {bitrate_kbps} kbit/s") from error
    return _Encoder(context)


def _h264_options(bitrate_kbps: int) -> dict[str, str]:
    """Constrained baseline without delay; the buffer of a quarter second keeps key frames small on the network."""
    return {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "maxrate": f"{bitrate_kbps}k",
        "bufsize": f"{bitrate_kbps // 4}k",
    }


def _vp8_options(bitrate_kbps: int, *, drawn: bool) -> dict[str, str]:
    """Coarse quantisers shift flat colours by up to 4 levels; measured: with at most 20 of 63 they settle exactly."""
    return {
        "deadline": "realtime",
        "cpu-used": "-12",
        "lag-in-frames": "0",
        "static-thresh": "100",
        "qmax": "20" if drawn else "56",
        "minrate": f"{bitrate_kbps}k",
        "maxrate": f"{bitrate_kbps}k",
        "bufsize": f"{bitrate_kbps // 2}k",
    }


class _Encoder:
    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context

    def encode(self, frame: av.VideoFrame, ticks: int, *, key: bool) -> tuple[bytes, bool]:
        frame.pict_type = PictureType.I if key else PictureType.NONE
        frame.time_base, frame.pts = _TICKS, ticks
        return _joined(self._context.encode(frame))


def _joined(packets: Iterable[av.Packet[Any]]) -> tuple[bytes, bool]:
    pieces = [(bytes(packet), packet.is_keyframe) for packet in packets]
    return b"".join(data for data, _ in pieces), any(key for _, key in pieces)


class OpusEncoder:
    """Opus, 20 ms a packet.

    Attributes:
        lead: Samples by which what comes out of a decoder lags behind what went in (RFC 7845 4.2, pre-skip); who
            feeds that much ahead is heard exactly in time.
    """

    def __init__(self, *, channels: int = 1, bitrate_kbps: int = 48) -> None:
        self._layout = "mono" if channels == 1 else "stereo"
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format = SAMPLE_RATE, self._layout, "s16"
        context.bit_rate = bitrate_kbps * 1000
        context.options = {"application": "audio", "compression_level": "5"}
        context.open()
        self._context = context
        self._samples = 0
        self.lead = int.from_bytes((context.extradata or b"")[10:12], "little")

    def encode(self, samples: npt.NDArray[np.int16]) -> bytes:
        """One packet of exactly 960 sample frames, interleaved if stereo."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), self._samples
        self._samples += OPUS_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
