"""Who speaks."""

from itertools import pairwise

import numpy as np
import pytest

from openmpu.media.sound.activity import SPEAKING, Activity
from openmpu.media.sound.blocks import BLOCK, Samples
from openmpu.media.sound.levels import power_of
from tests.media.sound.speech import hush, noise, speech, tones


def vads(sound: Samples, activity: Activity, *, decoded: bool = True) -> list[int]:
    """`vad` after each block."""
    found = []
    for place in range(0, len(sound) - BLOCK + 1, BLOCK):
        block = sound[place : place + BLOCK]
        if decoded:
            activity.hear(block)
        else:
            activity.hear_of(power_of(block))
        found.append(activity.vad)
    return found


@pytest.mark.parametrize("decoded", [True, False])
def test_speech_is_noticed_within_300_ms_and_held_through_it(decoded: bool) -> None:
    """By the sound itself, and by told levels alone."""
    activity = Activity()
    found = vads(np.concatenate((hush(1), speech())), activity, decoded=decoded)
    assert max(found[:50]) == 0
    assert SPEAKING in found[50:65]
    spoken = found[65:-25]
    assert sum(vad == SPEAKING for vad in spoken) > 0.8 * len(spoken)
    assert activity.take_voiced_ms() > 0.4 * len(spoken) * 20
    assert activity.take_voiced_ms() == 0


def test_it_dies_away_within_3_seconds_and_stays_silent() -> None:
    """callbacks.md 6.2: from 150 to 0, never up."""
    activity = Activity()
    vads(speech(), activity)
    after = vads(hush(3.2), activity)
    assert after[0] >= SPEAKING - 20
    assert all(later <= before for before, later in pairwise(after))
    assert 0 < after[75] < SPEAKING
    assert after[150:] == [0] * len(after[150:])


@pytest.mark.parametrize(
    "sound",
    [
        hush(4),
        tones(440),
        tones(900, beep=True),
        tones(300, 500, 700, 1100, 1300, level=0.05),
        noise(0),
        noise(0, beat=0.3),
        noise(1),
        noise(2),
    ],
    ids=["silence", "tone", "beeps", "chord", "white", "white bursts", "pink", "brown"],
)
def test_what_is_no_voice(sound: Samples) -> None:
    """From silence into it and out again: never a moment of voice."""
    activity = Activity()
    assert max(vads(np.concatenate((hush(1), sound, hush(1))), activity)) == 0
    assert activity.take_voiced_ms() < 100


def test_speech_over_a_fan_is_still_speech() -> None:
    """25 dB below the voice."""
    voice = speech()
    fan = noise(1, seconds=len(voice) / 48_000 + 1, rms=0.005)[: len(voice)]
    found = vads(voice + fan, Activity())
    assert sum(vad == SPEAKING for vad in found) > 0.6 * len(found)


def test_none_and_odd_blocks_are_silence() -> None:
    """Whatever comes: no error."""
    activity = Activity()
    activity.hear(None)
    activity.hear(np.zeros((0, 2), np.float32))
    activity.hear(np.full((BLOCK, 2), np.nan, np.float32))
    assert activity.vad == 0
