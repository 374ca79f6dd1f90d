"""Test sound, and hearing it again."""

import math

import numpy as np
import pytest

from openmpu.clients import reading
from openmpu.clients.encoders import OPUS_SAMPLES, SAMPLE_RATE
from openmpu.clients.sound import BEEP_DB, HUM_DB, Voice, level_dbov, samples
from openmpu.clients.test_source import SoundFeed
from openmpu.errors import Invalid
from tests.clients.decoding import decode_opus

START = 1_800_000_000 * SAMPLE_RATE
SECOND = 1_000_000_000


def heard(voice, seconds, offset=0):
    return samples(voice, START + offset, int(seconds * SAMPLE_RATE)).astype(np.float32) / 32768


def test_beeps_begin_at_whole_seconds():
    """To a millisecond, wherever one begins to listen."""
    beeps = reading.beep_times(heard(Voice(1000), 3.5, offset=-24_000), 1000)
    assert [round(beep / 1e6) for beep in beeps] == [500, 1500, 2500]


def test_levels_are_as_told():
    """Loud in the beep, faint in the hum."""
    one = heard(Voice(700), 1)
    assert reading.tone_level(one[1000:4000], 700) == pytest.approx(BEEP_DB, abs=1)
    assert reading.tone_level(one[10_000:40_000], 700) == pytest.approx(HUM_DB, abs=0.2)


def test_a_tone_is_not_heard_at_its_neighbours():
    """100 Hz further, in the hum, it is 40 dB less."""
    one = heard(Voice(700), 1)[10_000:40_000]
    assert reading.tone_level(one, 800) < reading.tone_level(one, 700) - 40


def test_each_user_is_found_in_a_mix():
    """Three users beep together; two are there, one is not."""
    mixed = heard(Voice(600), 2) + heard(Voice(1000), 2)
    assert [bool(reading.beep_times(mixed, tone)) for tone in (600, 1000, 1500)] == [True, True, False]


def test_silence_is_silence():
    """Tone 0, and its level in the header."""
    block = samples(Voice(0), START, 960)
    assert not block.any()
    assert level_dbov(block) == 127


def test_the_level_header_of_a_full_scale_sine():
    """RMS of a sine is 3 dB below its peak."""
    block = np.round(32767 * np.sin(2 * math.pi * np.arange(960) / 48)).astype(np.int16)
    assert level_dbov(block) == 3


def test_sent_sound_is_exactly_in_time():
    """Decoded Opus beeps at the moments that its packets stand for: the encoder's delay is made up for."""
    feed = SoundFeed(Voice(1000))
    now = 1_800_000_000 * SECOND + 300_000_000
    pieces = [feed.next_piece(now) for _ in range(150)]
    beeps = reading.beep_times(decode_opus([piece.data for piece in pieces]), 1000, pieces[0].moment)
    assert [abs(beep - round(beep, -9)) < 1_500_000 for beep in beeps] == [True] * 3


def test_sound_pieces_follow_one_another():
    """20 ms apart in moment and ticks, from the present on, level told."""
    feed = SoundFeed(Voice(1000))
    now = 1_800_000_000 * SECOND + 5
    first, second = feed.next_piece(now), feed.next_piece(now)
    assert 0 < first.moment - now <= 20_000_000
    assert second.moment - first.moment == 20_000_000
    assert second.ticks - first.ticks == OPUS_SAMPLES
    assert first.level is not None


def test_after_a_pause_sound_goes_on_in_the_present():
    """What was missed is left out, not sent in a burst."""
    feed = SoundFeed(Voice(1000))
    now = 1_800_000_000 * SECOND
    feed.next_piece(now)
    assert feed.next_piece(now + 10 * SECOND).moment > now + 10 * SECOND


@pytest.mark.parametrize("tone", [-1, 20, 20_000])
def test_impossible_tones_are_refused(tone):
    """Opus would cut them away."""
    with pytest.raises(Invalid):
        Voice(tone)
