"""One track as a voice of the mix."""

import random

import numpy as np
import pytest

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import SOUND_AHEAD, Incoming, TrackInput
from openmpu.media.sound.blocks import BLOCK
from openmpu.media.sound.voice import Voice, faded
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Source, Track
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.sound.instruments import Feed, RawDecoder, blocks_of, click_dbfs, loudness, packet, tone
from tests.media.synthetic import Microphone

DELAY = 60 * MILLISECOND


def tone_packets(count: int, hertz: float = 440.0, skip: tuple[int, ...] = ()) -> list:
    """A tone in packets of 20 ms, some of them lost."""
    return [packet(n, tone(hertz, n * BLOCK, BLOCK)) for n in range(count) if n not in skip]


def test_sound_comes_out_as_it_went_in() -> None:
    """With clocks that agree every sample is the same, exactly the delay later."""
    voice = Voice(Feed(tone_packets(50)), RawDecoder())
    out = blocks_of(voice, 50)
    late = DELAY * 48_000 // SECOND
    np.testing.assert_array_equal(out[late : 40 * BLOCK], tone(440, 0, 50 * BLOCK)[: 40 * BLOCK - late])
    assert (voice.stretches, voice.jumps, voice.timeline.concealed) == (0, 0, 0)


@pytest.mark.parametrize("lost", [(20,), (20, 21), (20, 21, 30, 41)])
def test_lost_packets_are_concealed(lost: tuple[int, ...]) -> None:
    """The tone goes on; nowhere is it silent for 20 ms; nothing clicks."""
    voice = Voice(Feed(tone_packets(100, skip=lost)), RawDecoder())
    out = blocks_of(voice, 95)[10 * BLOCK : 90 * BLOCK]
    assert voice.timeline.concealed == len(lost) * BLOCK
    quiet = np.abs(out[:, 0]).reshape(-1, 480).max(axis=1)
    assert quiet.min() > 0.05
    assert click_dbfs(out, 440) < -30


@pytest.mark.parametrize("seconds", [0.3, 1.9, 3.5, 60.0])
def test_packets_that_come_when_all_is_over_harm_nobody(seconds: float) -> None:
    """A publisher who stood still sends what was due seconds ago: it is not heard, and the next in time is."""
    feed = Feed(tone_packets(20))
    voice = Voice(feed, RawDecoder())
    blocks_of(voice, 40)
    feed.packets = [packet(n, tone(440, n * BLOCK, BLOCK)) for n in range(21, 30)]
    now = 40 + round(seconds * 50)
    blocks_of(voice, 5, now * 20 * MILLISECOND)
    feed.packets = [packet(n, tone(440, n * BLOCK, BLOCK)) for n in range(now, now + 60)]
    out = blocks_of(voice, 50, (now + 5) * 20 * MILLISECOND)
    assert np.abs(out[20 * BLOCK :]).max() > 0.4


def test_reordered_packets_are_put_in_order() -> None:
    """5 % of the packets come after their successor: the first one teaches the delay, then every sample is right."""
    order = list(range(200))
    for n in random.Random(3).sample(range(10, 190, 2), 10):
        order[n], order[n + 1] = order[n + 1], order[n]
    entry = TrackInput(Track(TrackId("a"), Kind.AUDIO, Source.CAMERA, "opus", 0, 48_000, 2), SyncGroup())
    voice = Voice(entry, RawDecoder())
    out = []
    for place, n in enumerate(order):
        now = place * 20 * MILLISECOND
        entry.put(packet(n, tone(440, n * BLOCK, BLOCK)).frame, now)
        out.append(voice.block(now + SOUND_AHEAD))
    sound = np.concatenate([block for block in out if block is not None])
    assert voice.timeline.concealed <= BLOCK
    assert click_dbfs(sound[40 * BLOCK :], 440) < -60


def test_a_packet_after_its_time_is_let_go() -> None:
    """It comes 300 ms late: concealed, counted, and the rest goes on in time."""
    packets = tone_packets(100)
    late = packets.pop(30)
    packets.append(packet(30, tone(440, 30 * BLOCK, BLOCK), pts=late.pts + 300 * MILLISECOND))
    voice = Voice(Feed(packets), RawDecoder())
    out = blocks_of(voice, 95)
    assert voice.timeline.late == 1
    assert voice.timeline.concealed == BLOCK
    np.testing.assert_allclose(loudness(out[60 * BLOCK : 90 * BLOCK], 440), 0.5, atol=0.01)


def test_silence_between_words_is_no_loss() -> None:
    """DTX: nothing is sent for a second; then speech comes back in its time."""
    packets = tone_packets(40) + [packet(n, tone(440, n * BLOCK, BLOCK)) for n in range(90, 130)]
    voice = Voice(Feed(packets), RawDecoder())
    out = blocks_of(voice, 130)
    assert np.abs(out[50 * BLOCK : 90 * BLOCK]).max() < 1e-6
    np.testing.assert_allclose(loudness(out[100 * BLOCK : 125 * BLOCK], 440), 0.5, atol=0.01)


@pytest.mark.parametrize("ppm", [200, -200])
def test_drift_is_taken_up_without_a_click(ppm: int) -> None:
    """A publisher's clock is 200 ppm off for two minutes: in time to 2 ms, and nothing above -50 dBFS but the tone."""
    count = 6000
    pts = [round(n * 20 * MILLISECOND * (1 - ppm / 1e6)) for n in range(count)]
    feed = Feed([])
    voice = Voice(feed, RawDecoder())
    out = []
    for number in range(count - 10):
        feed.packets.append(packet(number, tone(440, number * BLOCK, BLOCK), pts[number]))
        block = voice.block(number * 20 * MILLISECOND)
        out.append(np.zeros((BLOCK, 2), np.float32) if block is None else block)
    sound = np.concatenate(out)
    assert click_dbfs(sound[10 * BLOCK :], 440) < -50
    assert voice.stretches > 100
    assert voice.jumps == 0
    wanted = np.array(feed.heard[50:])
    assert np.ptp(wanted) < 30 * MILLISECOND


def test_a_large_difference_is_a_jump_under_a_cross_fade() -> None:
    """The clock was anchored anew, 200 ms earlier: one jump, without a step in the sound."""
    packets = [
        packet(n, tone(440, n * BLOCK, BLOCK), n * 20 * MILLISECOND + (-200 * MILLISECOND if n > 40 else 0))
        for n in range(100)
    ]
    voice = Voice(Feed(packets), RawDecoder())
    out = blocks_of(voice, 80)
    assert voice.jumps == 1
    assert np.abs(np.diff(out[10 * BLOCK :, 0])).max() < 0.08


def test_sound_that_ends_fades_out() -> None:
    """The publisher vanishes in the middle of a tone: 60 ms later it is silent, and no sample steps."""
    voice = Voice(Feed(tone_packets(30)), RawDecoder())
    out = blocks_of(voice, 60)
    assert not out[40 * BLOCK :].any()
    assert np.abs(np.diff(out[10 * BLOCK :, 0])).max() < 0.05


def test_real_opus_is_decoded() -> None:
    """Packets of libopus through the decoder that the product has: the tone, at its level."""
    frames = Microphone(440, beep=False, seconds=2.0).frames()
    packets = [Incoming(n * 20 * MILLISECOND, n * 20 * MILLISECOND, frame) for n, frame in enumerate(frames)]
    voice = Voice(Feed(packets))
    out = blocks_of(voice, 90)
    np.testing.assert_allclose(loudness(out[20 * BLOCK : 80 * BLOCK], 440), 0.4, atol=0.02)


def test_broken_packets_are_counted_and_concealed() -> None:
    """Bytes that are no Opus: no exception, no noise."""
    junk = [Incoming(n * 20 * MILLISECOND, n * 20 * MILLISECOND, EncodedFrame(n * BLOCK, 0, b"")) for n in range(20)]
    voice = Voice(Feed(junk))
    assert not blocks_of(voice, 30).any()
    assert voice.decoder.errors == 20


def test_a_fade_is_even() -> None:
    """From nothing to all within a block."""
    out = faded(np.ones((BLOCK, 2), np.float32), 0.0, 1.0)
    assert (out[0, 0], out[-1, 0]) == (0.0, 1.0)
    assert np.abs(np.diff(out[:, 0])).max() < 0.002
