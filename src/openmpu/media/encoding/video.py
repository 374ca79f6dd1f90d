"""The canvas into packets: x264 (or x265) straight from the canvas frame, one packet for each.

No B-frames and no look-ahead: what goes in comes out at once. The rate is held by a one-second buffer and filled up
where the picture needs less (nal-hrd=cbr): operations.md 3.6 promises the bitrate within 10 % over 10 s, and a target
that counts bytes must not take a still picture for a dead stream. Parameter sets stand in band before each key frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from openmpu.errors import InternalError
from openmpu.media.packets import Packet
from openmpu.model.colours import BT709, Matrix, matrix_of
from openmpu.model.encoder import VideoProfile
from openmpu.model.roster import Kind

DEFAULT_PRESET: Final = "veryfast"
DEFAULT_H265_PRESET: Final = "ultrafast"
"""x265's `veryfast` takes 1.4 cores for 720p25, which its one thread does not have; this takes 0.75."""
LEAN: Final = "partitions=i8x8,i4x4:subme=1"
"""What x264's `veryfast` looks for besides and rarely finds: without it the same picture (SSIM within 0.001 at the same
rate, `bench/presets.py`) takes about two thirds of the CPU. Who names a preset gets the preset."""
ENCODERS: Final = {"h264": "libx264", "h265": "libx265"}
TWO_THREADS_FROM: Final = 1920 * 1080 * 50
"""Pixels per second from which one thread may not keep the tick. Two cut the time by 30 % and cost 7 to 19 % more, so
that smaller pictures get them only where the machine turns out to be too slow (`hurry`)."""
MOST_THREADS: Final = 2

_LIMITED_RANGE: Final = 1


def can_encode(codec: str) -> bool:
    """Whether this build of FFmpeg has an encoder for the output codec."""
    return ENCODERS.get(codec, "") in av.codecs_available


class VideoEncoder:
    """One encoder; a changed profile needs a new one.

    Args:
        profile: What is asked for.
        matrix: The colours that the frames have, limited range; None: those of a canvas of that height.
    """

    def __init__(self, profile: VideoProfile, matrix: Matrix | None = None) -> None:
        self.profile = profile
        self.threads = threads_for(profile)
        self._matrix = matrix or matrix_of(profile.height)
        self._context = _open(profile, self.threads, self._matrix)
        self._times: dict[int, int] = {}
        self._count = self._since_key = 0
        self._hurried = False

    def hurry(self) -> None:
        """One thread does not keep the tick: use more from the next key frame on."""
        self._hurried = self.threads < MOST_THREADS

    def encode(self, frame: av.VideoFrame, pts: int, *, key: bool = False) -> list[Packet]:
        """The packet of `frame` (copied by the encoder: the canvas may be painted on at once).

        Args:
            frame: 4:2:0 of the profile's size.
            pts: Task time of the tick.
            key: Make it a key frame whatever the rhythm says.
        """
        if self._hurried and (key or self._since_key + 1 >= self.profile.gop):
            self._widen()
        frame.pts = self._count
        frame.time_base = self._context.time_base
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._times[self._count] = pts
        self._count += 1
        return [self._packet(packet) for packet in self._context.encode(frame)]

    def _packet(self, packet: av.Packet) -> Packet:  # type: ignore[type-arg]  # of no stream
        pts = self._times.pop(packet.pts if packet.pts is not None else self._count - 1)
        self._since_key = 0 if packet.is_keyframe else self._since_key + 1
        return Packet(Kind.VIDEO, pts, bytes(packet), packet.is_keyframe)

    def _widen(self) -> None:
        """A new encoder begins with a key frame; the one before holds nothing back."""
        self.threads, self._hurried = MOST_THREADS, False
        self._context = _open(self.profile, self.threads, self._matrix)


def _open(profile: VideoProfile, threads: int, matrix: Matrix) -> VideoCodecContext:
    context = av.CodecContext.create(ENCODERS[profile.codec], "w")
    if not isinstance(context, VideoCodecContext):
        raise InternalError("encoder", f"{profile.codec} is not a video encoder")
    context.width, context.height, context.pix_fmt = profile.width, profile.height, "yuv420p"
    context.framerate = Fraction(profile.fps)
    context.time_base = Fraction(1, profile.fps)
    context.bit_rate = profile.bitrate_kbps * 1000
    context.gop_size = profile.gop
    context.max_b_frames = 0
    context.thread_count = threads
    flag = 1 if matrix is BT709 else 6
    context.color_range = _LIMITED_RANGE
    context.colorspace = context.color_primaries = context.color_trc = flag
    context.options = dict(options_of(profile))
    context.open()
    return context


def threads_for(profile: VideoProfile) -> int:
    """How many threads an encoder of that profile begins with."""
    return MOST_THREADS if profile.width * profile.height * profile.fps >= TWO_THREADS_FROM else 1


def options_of(profile: VideoProfile) -> Mapping[str, str]:
    """What the encoder of that profile is told."""
    rate = f"vbv-maxrate={profile.bitrate_kbps}:vbv-bufsize={profile.bitrate_kbps}"
    usual = DEFAULT_H265_PRESET if profile.codec == "h265" else DEFAULT_PRESET
    common = {"preset": profile.preset or usual, "tune": "zerolatency", "forced-idr": "1"}
    if profile.codec == "h265":
        return common | {
            "x265-params": f"{rate}:strict-cbr=1:bframes=0:scenecut=0:open-gop=0:repeat-headers=1"
            f":keyint={profile.gop}:min-keyint=1:pools=none:frame-threads=1:log-level=error"
        }
    lean = "" if profile.preset else f":{LEAN}"
    return common | {"profile": profile.profile, "x264-params": f"{rate}:nal-hrd=cbr:scenecut=0:rc-lookahead=0{lean}"}
