"""A publisher whose clock is 200 ppm fast, as quickly as it can be calculated: from RTP to sound.

A minute in the suite; by hand (`OPENMPU_LONG=1`) the ten that the manual speaks of.
"""

import os
import random

import numpy as np

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE
from openmpu.media.sound.voice import Voice
from openmpu.media.sound_side import LEAD
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Source, Track
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.sound.instruments import RawDecoder, click_dbfs, tone

FAST = 1 + 200e-6
MINUTES = 10 if os.environ.get("OPENMPU_LONG") else 1
HERTZ = 440
UNIX = 1_800_000_000 * SECOND
LENGTH = 20 * MILLISECOND
SETTLED_S = 10
MARK = 250
"""This packet is silent: where it comes out tells how late the sound is, which the tone tells up to whole turns only."""


class Publisher:
    """A camera of five pictures a second and a microphone, on one clock that is fast; a network that jitters."""

    def __init__(self) -> None:
        group = SyncGroup()
        self.sound = TrackInput(Track(TrackId("a"), Kind.AUDIO, Source.CAMERA, "opus", 0, SAMPLE_RATE, 2), group)
        self.picture = TrackInput(Track(TrackId("v"), Kind.VIDEO, Source.CAMERA, "h264", 0), group)
        self._random = random.Random(7)
        self._packets = self._pictures = 0

    def send_until(self, now: int) -> None:
        """What has been captured by now arrives."""
        while (captured := self._at(self._packets + 1, LENGTH)) + self._delay() <= now:
            samples = (tone(HERTZ, self._packets * BLOCK, BLOCK) * (self._packets != MARK)).tobytes()
            self._put(self.sound, self._packets * BLOCK, captured, samples, self._packets * LENGTH)
            self._packets += 1
        while (captured := self._at(self._pictures, SECOND // 5)) + self._delay() <= now:
            self._put(self.picture, self._pictures * 18_000, captured, b"", self._pictures * SECOND // 5)
            self._pictures += 1

    def shows_by(self, now: int) -> tuple[int, int] | None:
        """When within the last block a picture was due, to a millisecond, and when it was captured."""
        moments = range(now - LENGTH + MILLISECOND, now + 1, MILLISECOND)
        due = ((at, self.picture.due(at - self.picture.group.delay)) for at in moments)
        return next(((at, round(pictures[-1].media / FAST)) for at, pictures in due if pictures), None)

    def _at(self, count: int, length: int) -> int:
        return round(count * length / FAST)

    def _delay(self) -> int:
        return 30 * MILLISECOND + self._random.randrange(15 * MILLISECOND)

    def _put(self, track: TrackInput, rtp_time: int, captured: int, data: bytes, own: int) -> None:
        ntp = UNIX + own if own > SECOND else None
        arrival = captured + self._delay()
        track.put(EncodedFrame(rtp_time % (1 << 32), arrival, data, key=True, ntp=ntp), arrival)


def test_a_fast_clock() -> None:
    """Sound stays within 40 ms of the picture, and nothing above -50 dBFS but the tone.

    Where in the tone the sound is tells when it was captured: by its phase, followed from block to block.
    """
    ann = Publisher()
    voice = Voice(ann.sound, RawDecoder())
    blocks, shown = [], [(0, 0)]
    for number in range(MINUTES * 60 * 50):
        pts = number * LENGTH
        ann.send_until(pts - LEAD)
        block = voice.block(pts)
        blocks.append(np.zeros((BLOCK, 2), np.float32) if block is None else block)
        shown.append(ann.shows_by(pts - LEAD) or shown[-1])
    whole = np.concatenate(blocks)
    sound = whole[SETTLED_S * SAMPLE_RATE :]
    assert voice.jumps == 0
    assert voice.timeline.concealed == 0
    assert click_dbfs(sound, HERTZ) < -50
    late = sound_delays(sound, mark_delay(whole)) - picture_delays(shown)[SETTLED_S * 50 :]
    assert float(np.abs(late).max()) < 0.040
    assert float(np.ptp(late)) < 0.005


def mark_delay(whole: np.ndarray) -> float:
    """How late the silent packet came out, in seconds."""
    near = np.abs(whole[4 * SAMPLE_RATE : 7 * SAMPLE_RATE, 0])
    energy = np.convolve(near, np.ones(BLOCK), "valid")
    return 4 + int(energy.argmin()) / SAMPLE_RATE - MARK * LENGTH / SECOND / FAST


def sound_delays(sound: np.ndarray, first: float) -> np.ndarray:
    """How long ago each block was captured, in seconds; whole turns of the tone (2.3 ms) are put right by `first`."""
    turns = np.exp(-2j * np.pi * HERTZ * np.arange(len(sound)) / SAMPLE_RATE) * sound[:, 0]
    phase = np.unwrap(np.angle(turns.reshape(-1, BLOCK).sum(axis=1) * 1j))
    heard = (np.arange(len(phase)) * BLOCK + SETTLED_S * SAMPLE_RATE) / SAMPLE_RATE
    delays = heard - (heard + phase / (2 * np.pi * HERTZ)) / FAST
    return np.asarray(delays + round((first - delays[0]) * HERTZ) / HERTZ)


def picture_delays(shown: list[tuple[int, int]]) -> np.ndarray:
    """How long before its first showing the picture on screen was captured, in seconds, for each block."""
    return np.array([(at - captured) / SECOND for at, captured in shown[1:]])
