"""The test input: test pictures and test sound on the wall clock's own grid.

Frame n stands at n / fps seconds of Unix time and sound packet n at n / 50, whoever sends them and whenever they began:
all publishers flash together, and a frame's number tells when it was made.
"""

from __future__ import annotations

import av

from openmpu.clients import marks, sound
from openmpu.clients.encoders import OPUS_SAMPLES, SAMPLE_RATE, OpusEncoder, VideoCodec
from openmpu.clients.feeds import MAX_LATE, Piece
from openmpu.clients.fitting import FittingEncoder, Form
from openmpu.clients.picture import Look, Picture
from openmpu.model.roster import Kind

_SECOND = 1_000_000_000


class PictureFeed:
    """Test pictures as a feed."""

    kind = Kind.VIDEO
    clock_rate = 90_000
    quick = False

    def __init__(self, look: Look, codec: VideoCodec, bitrate_kbps: int) -> None:
        self.codec: str = codec
        self._fps = look.fps
        self._picture = Picture(look)
        self._encoder = FittingEncoder(Form(codec, look.width, look.height, look.fps, bitrate_kbps, drawn=True))
        self._number: int | None = None
        self._key_wanted = True

    def next_piece(self, now: int) -> Piece:
        """The next frame, or the first one after `now` when there is none yet or too much was missed."""
        number = _after(self._number, marks.frame_number(now, self._fps), MAX_LATE * self._fps // _SECOND)
        self._number = number
        frame = av.VideoFrame.from_numpy_buffer(self._picture.paint(number), "yuv420p")
        key, self._key_wanted = self._key_wanted, False
        ticks = number * self.clock_rate // self._fps
        moment = marks.frame_moment(number, self._fps)
        data, is_key = self._encoder.encode(frame, ticks, moment, key=key)
        return Piece(moment, ticks, data, is_key)

    def want_key(self) -> None:
        """The next frame that is encoded is a key frame."""
        self._key_wanted = True

    @property
    def size(self) -> tuple[int, int]:
        """Of the frames that are sent now."""
        return self._encoder.form.width, self._encoder.form.height

    def fit(self, pixels: int) -> None:
        """Frames are made smaller from the next one on."""
        self._encoder.fit(pixels)

    def close(self) -> None:
        """Nothing to give back."""


class SoundFeed:
    """Test sound as a feed.

    One second is like the other, so a second is encoded once and sent again and again: taken from where the encoder
    has settled, its end leads to its begin as smoothly as any packet to the next.
    """

    kind = Kind.AUDIO
    codec = "opus"
    clock_rate = SAMPLE_RATE
    quick = True
    _PER_SECOND = SAMPLE_RATE // OPUS_SAMPLES
    _SETTLING_SECONDS = 2

    def __init__(self, voice: sound.Voice) -> None:
        encoder = OpusEncoder()
        starts = range(0, (self._SETTLING_SECONDS + 1) * SAMPLE_RATE, OPUS_SAMPLES)
        blocks = [sound.samples(voice, start + encoder.lead, OPUS_SAMPLES) for start in starts]
        packets = [(encoder.encode(block), sound.level_dbov(block)) for block in blocks]
        self._second = packets[-self._PER_SECOND :]
        self._number: int | None = None

    def next_piece(self, now: int) -> Piece:
        """The next 20 ms, or the first after `now`."""
        number = _after(self._number, now * self._PER_SECOND // _SECOND, MAX_LATE * self._PER_SECOND // _SECOND)
        self._number = number
        data, level = self._second[number % self._PER_SECOND]
        first = number * OPUS_SAMPLES
        return Piece(first * _SECOND // SAMPLE_RATE, first, data, level=level)

    def want_key(self) -> None:
        """Every sound packet is one."""

    def fit(self, pixels: int) -> None:
        """Sound has none."""

    def close(self) -> None:
        """Nothing to give back."""


def _after(last: int | None, current: int, most_missed: int) -> int:
    """The number after `last`; the one after `current` to begin with, or when more than `most_missed` are overdue."""
    if last is None or current - last > most_missed:
        return current + 1
    return last + 1
