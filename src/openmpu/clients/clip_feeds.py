"""The tracks of a clip as feeds: its H.264 untouched, its picture transcoded, its sound as Opus; round after round."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import av
import numpy as np
import numpy.typing as npt
from av.bitstream import BitStreamFilterContext

from openmpu.clients.clip import SECOND, Clip, ClipVideo, Timeline, packet_moment
from openmpu.clients.encoders import OPUS_SAMPLES, SAMPLE_RATE, OpusEncoder, VideoCodec
from openmpu.clients.feeds import MAX_LATE, Piece
from openmpu.clients.fitting import FittingEncoder, Form
from openmpu.clients.sound import level_dbov
from openmpu.model.roster import Kind

_PATIENCE = SECOND
"""A key frame that the clip brings by itself within this time is waited for."""


class _ClipFeed:
    """Rounds of a clip: how moments follow from the clip's own time, and what happens after a pause."""

    def __init__(self, clip: Clip, timeline: Timeline, *, loop: bool) -> None:
        self._clip, self._timeline, self._loop = clip, timeline, loop

    def _rounds(self) -> Iterator[int]:
        """Clip time at which each round begins."""
        begin = 0
        yield begin
        while self._loop:
            begin += self._clip.period
            yield begin

    def _due(self, clip_time: int, now: int) -> int:
        """When a piece is due. After a pause of the process the clip goes on where it stopped."""
        moment = self._timeline.moment(clip_time, now)
        if now - moment > MAX_LATE:
            self._timeline.shift(now - moment)
            moment = self._timeline.moment(clip_time, now)
        return moment


class CopyFeed(_ClipFeed):
    """The clip's H.264 as it is, as Annex B with parameter sets before each key frame.

    Asked for a key frame that the clip would not bring soon, it leaves out what lies before its next one, in picture
    and sound alike: that is the only way to have one at once without touching the pictures.
    """

    kind = Kind.VIDEO
    codec = "h264"
    clock_rate = 90_000
    quick = False

    def __init__(self, clip: Clip, video: ClipVideo, timeline: Timeline, *, loop: bool) -> None:
        super().__init__(clip, timeline, loop=loop)
        self._keys = video.keys
        self._packets = self._read()
        self._key_wanted = False

    def next_piece(self, now: int) -> Piece | None:
        """The next picture; None when the clip is over and does not loop."""
        entry = next(self._packets, None)
        if entry and self._key_wanted:
            entry = self._at_key(*entry)
        if entry is None:
            return None
        clip_time, data, key = entry
        moment = self._due(clip_time, now)
        return Piece(moment, moment * 9 // 100_000, data, key)

    def want_key(self) -> None:
        """Go on at a key frame."""
        self._key_wanted = True

    def fit(self, pixels: int) -> None:
        """Pictures are sent as they are."""

    def close(self) -> None:
        """Close the file."""
        self._packets.close()

    def _at_key(self, clip_time: int, data: bytes, key: bool) -> tuple[int, bytes, bool] | None:
        if key:
            self._key_wanted = False
            return clip_time, data, key
        if self._until_key(clip_time) <= _PATIENCE:
            return clip_time, data, key
        self._key_wanted = False
        found = next((entry for entry in self._packets if entry[2]), None)
        if found:
            self._timeline.shift(clip_time - found[0])
        return found

    def _until_key(self, clip_time: int) -> int:
        inside = clip_time % self._clip.period
        following = (key for key in self._keys if key > inside)
        return next(following, self._clip.period + self._keys[0]) - inside

    def _read(self) -> Generator[tuple[int, bytes, bool], None, None]:
        for begin in self._rounds():
            with av.open(str(self._clip.path)) as container:
                stream = container.streams.video[0]
                bitstream = BitStreamFilterContext("h264_mp4toannexb", in_stream=stream)
                for place, packet in enumerate(packet for packet in container.demux(stream) if packet.size):
                    moment = packet_moment(packet, place)
                    for out in bitstream.filter(packet):
                        yield begin + moment - self._clip.origin, bytes(out), out.is_keyframe


class TranscodeFeed(_ClipFeed):
    """The clip's picture decoded, turned upright and encoded for real time."""

    kind = Kind.VIDEO
    clock_rate = 90_000
    quick = False

    def __init__(
        self, clip: Clip, video: ClipVideo, timeline: Timeline, codec: VideoCodec, bitrate_kbps: int, *, loop: bool
    ) -> None:
        super().__init__(clip, timeline, loop=loop)
        self.codec: str = codec
        self._video = video
        self._frames = self._read()
        self._encoder = FittingEncoder(Form(codec, video.width, video.height, video.fps, bitrate_kbps))
        self._key_wanted = True

    def next_piece(self, now: int) -> Piece | None:
        """The next picture; None when the clip is over and does not loop."""
        entry = next(self._frames, None)
        if entry is None:
            return None
        clip_time, frame = entry
        moment = self._due(clip_time, now)
        ticks = moment * 9 // 100_000
        key, self._key_wanted = self._key_wanted, False
        data, is_key = self._encoder.encode(_upright(frame, self._video), ticks, moment, key=key)
        return Piece(moment, ticks, data, is_key)

    def want_key(self) -> None:
        """The next picture is a key frame."""
        self._key_wanted = True

    def fit(self, pixels: int) -> None:
        """Pictures are made smaller from the next one on."""
        self._encoder.fit(pixels)

    def close(self) -> None:
        """Close the file."""
        self._frames.close()

    def _read(self) -> Generator[tuple[int, av.VideoFrame], None, None]:
        for begin in self._rounds():
            with av.open(str(self._clip.path)) as container:
                stream = container.streams.video[0]
                stream.codec_context.thread_count = 1
                for place, frame in enumerate(container.decode(stream)):
                    yield begin + self._frame_moment(frame, place) - self._clip.origin, frame

    def _frame_moment(self, frame: av.VideoFrame, place: int) -> int:
        if frame.pts is None or frame.time_base is None:
            return round(place * SECOND / self._video.fps)
        return round(frame.pts * frame.time_base * SECOND)


def _upright(frame: av.VideoFrame, video: ClipVideo) -> av.VideoFrame:
    """The frame as the encoder wants it: planar 4:2:0, turned, of the clip's size even where the file changes it."""
    sideways = video.turn in (90, 270)
    width, height = (video.height, video.width) if sideways else (video.width, video.height)
    fitting = frame.reformat(width=width, height=height, format="yuv420p")
    if not video.turn:
        return fitting
    planes = fitting.to_ndarray()
    turns = video.turn // 90
    luma = np.rot90(planes[:height], turns)
    chroma = [np.rot90(plane, turns) for plane in planes[height:].reshape(2, height // 2, width // 2)]
    flat = np.concatenate([plane.reshape(-1) for plane in (luma, *chroma)])
    return av.VideoFrame.from_ndarray(flat.reshape(video.height * 3 // 2, video.width), format="yuv420p")


class ClipSoundFeed(_ClipFeed):
    """The clip's sound as stereo Opus."""

    kind = Kind.AUDIO
    codec = "opus"
    clock_rate = SAMPLE_RATE
    quick = False
    _BLOCK = SECOND * OPUS_SAMPLES // SAMPLE_RATE

    def __init__(self, clip: Clip, timeline: Timeline, *, loop: bool) -> None:
        super().__init__(clip, timeline, loop=loop)
        self._encoder = OpusEncoder(channels=2, bitrate_kbps=96)
        self._blocks = self._read()
        self._next_moment = 0

    def next_piece(self, now: int) -> Piece | None:
        """The next 20 ms; what the timeline has left out meanwhile is left out here too, and is no pause."""
        for clip_time, block in self._blocks:
            if self._timeline.moment(clip_time, now) < self._next_moment - self._BLOCK // 2:
                continue
            moment = self._due(clip_time, now)
            self._next_moment = moment + self._BLOCK
            data = self._encoder.encode(block)
            return Piece(moment, moment * SAMPLE_RATE // SECOND, data, level=level_dbov(block))
        return None

    def want_key(self) -> None:
        """Every sound packet is one."""

    def fit(self, pixels: int) -> None:
        """Sound has none."""

    def close(self) -> None:
        """Close the file."""
        self._blocks.close()

    def _read(self) -> Generator[tuple[int, npt.NDArray[np.int16]], None, None]:
        lead = self._encoder.lead * SECOND // SAMPLE_RATE
        for begin in self._rounds():
            for moment, block in _decoded(str(self._clip.path)):
                yield begin + moment - self._clip.origin - lead, block


def _decoded(path: str) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """The file's sound in blocks of 20 ms at 48 kHz stereo, with their time in the file."""
    resampler = av.AudioResampler(format="s16", layout="stereo", rate=SAMPLE_RATE, frame_size=OPUS_SAMPLES)
    with av.open(path) as container:
        stream = container.streams.audio[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            for block in resampler.resample(frame):
                if block.samples == OPUS_SAMPLES:
                    samples = block.to_ndarray().astype(np.int16, copy=False).reshape(-1)
                    yield (block.pts or 0) * SECOND // SAMPLE_RATE, samples
