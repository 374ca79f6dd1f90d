"""Test pictures and sounds of odd encoders: other sizes and rates from second to second, other bandwidths, silences.

They stand on the same grid of Unix time as the usual test input, so that what is received can be judged alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import av

from openmpu.clients import marks, sound
from openmpu.clients.encoders import OPUS_SAMPLES, SAMPLE_RATE, VideoCodec, video_encoder
from openmpu.clients.feeds import MAX_LATE, Piece
from openmpu.clients.picture import Look, Picture
from openmpu.model.roster import Kind

_SECOND = 1_000_000_000
_PER_SECOND = SAMPLE_RATE // OPUS_SAMPLES
_HANGOVER, _REFRESH = 10, 20
"""Packets: as libopus does with DTX on, silence is sent for 200 ms, then once in 400 ms (RFC 7587 3.1.3)."""
_SILENCE = 127


class OddPictures:
    """Test pictures whose size and rate change with each second.

    Args:
        look: Of the largest; its fps is the grid that frame numbers count on.
        codec: As `PictureFeed`.
        sizes: Of each second in turn.
        steps: Of each second in turn: every so many-th frame of the grid is sent. They divide `look.fps`.
    """

    kind = Kind.VIDEO
    clock_rate = 90_000
    quick = False

    def __init__(
        self, look: Look, codec: VideoCodec, sizes: Sequence[tuple[int, int]] = (), steps: Sequence[int] = (1,)
    ) -> None:
        self.codec: str = codec
        self._codec, self._fps, self._steps = codec, look.fps, steps
        self._sizes = sizes or [(look.width, look.height)]
        self._pictures = {size: Picture(replace(look, width=size[0], height=size[1])) for size in set(self._sizes)}
        self._size = (0, 0)
        self._number: int | None = None
        self._key_wanted = True

    def next_piece(self, now: int) -> Piece:
        """The next frame; what is long past is left out."""
        number = self._number = self._next(marks.frame_number(now, self._fps))
        moment, ticks = marks.frame_moment(number, self._fps), number * self.clock_rate // self._fps
        size = self._sizes[number // self._fps % len(self._sizes)]
        if size != self._size:
            self._size = size
            self._encoder = video_encoder(self._codec, *size, self._fps, 600, drawn=True)
        frame = av.VideoFrame.from_numpy_buffer(self._pictures[size].paint(number), "yuv420p")
        key, self._key_wanted = self._key_wanted, False
        data, is_key = self._encoder.encode(frame, ticks, key=key)
        return Piece(moment, ticks, data, is_key)

    def _next(self, current: int) -> int:
        overdue = self._number is None or current - self._number > MAX_LATE * self._fps // _SECOND
        last = current if overdue or self._number is None else self._number
        step = self._steps[(last + 1) // self._fps % len(self._steps)]
        return (last // step + 1) * step

    def want_key(self) -> None:
        """The next frame is a key frame."""
        self._key_wanted = True

    def fit(self, pixels: int) -> None:
        """Sizes are what this is about."""

    def close(self) -> None:
        """Nothing to give back."""


class OddSound:
    """Test sound encoded at another sample rate each second, or with discontinuous transmission.

    Args:
        voice: As `SoundFeed`.
        rates: Hertz, of each second in turn.
        dtx: Leave out what the encoder takes for silence.
    """

    kind = Kind.AUDIO
    codec = "opus"
    clock_rate = SAMPLE_RATE
    quick = True

    def __init__(self, voice: sound.Voice, rates: Sequence[int] = (SAMPLE_RATE,), *, dtx: bool = False) -> None:
        self._seconds = [_encoded(voice, rate, dtx=dtx) for rate in rates]
        self._number: int | None = None

    @property
    def unsent(self) -> int:
        """Packets of a round of seconds that are left out."""
        return sum(not data for second in self._seconds for data, _ in second)

    def next_piece(self, now: int) -> Piece:
        """The next 20 ms; empty data: nothing is sent for them."""
        current = now * _PER_SECOND // _SECOND
        overdue = self._number is None or current - self._number > MAX_LATE * _PER_SECOND // _SECOND
        number = self._number = current + 1 if overdue or self._number is None else self._number + 1
        second, place = divmod(number, _PER_SECOND)
        data, level = self._seconds[second % len(self._seconds)][place]
        first = number * OPUS_SAMPLES
        return Piece(first * _SECOND // SAMPLE_RATE, first, data, level=level)

    def want_key(self) -> None:
        """Every sound packet is one."""

    def fit(self, pixels: int) -> None:
        """Sound has none."""

    def close(self) -> None:
        """Nothing to give back."""


def _encoded(voice: sound.Voice, rate: int, *, dtx: bool) -> list[tuple[bytes, int]]:
    """The packets of one second, taken where the encoder has settled."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = rate, "mono", "s16", 48_000
    context.open()
    lead = int.from_bytes((context.extradata or b"")[10:12], "little")
    packets: list[tuple[bytes, int]] = []
    for number in range(3 * _PER_SECOND):
        samples = sound.samples(voice, number * OPUS_SAMPLES + lead, OPUS_SAMPLES)[:: SAMPLE_RATE // rate].copy()
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), number * len(samples)
        data = b"".join(bytes(packet) for packet in context.encode(frame))
        packets.append((data, sound.level_dbov(samples)))
    return _thinned(packets[-_PER_SECOND:]) if dtx else packets[-_PER_SECOND:]


def _thinned(packets: list[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    silent, thinned = 0, []
    for data, level in packets:
        silent = silent + 1 if level == _SILENCE else 0
        sent = silent <= _HANGOVER or silent % _REFRESH == 0
        thinned.append((data if sent else b"", level))
    return thinned
