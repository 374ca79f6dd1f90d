"""Soft limiting."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.media.sound.blocks import BLOCK
from openmpu.media.sound.limiter import CEILING, SLICE, Limiter
from tests.media.sound.instruments import above_dbfs, tone


def limited(sound: np.ndarray) -> np.ndarray:
    """All blocks through one limiter."""
    limiter = Limiter()
    return np.concatenate([limiter.limit(block) for block in sound.reshape(-1, BLOCK, 2)])


def test_what_fits_is_not_touched() -> None:
    """It only comes 5 ms later, bit for bit."""
    sound = tone(440, 0, 10 * BLOCK, 0.85)
    np.testing.assert_array_equal(limited(sound)[SLICE:], sound[:-SLICE])


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 20))
@settings(deadline=None, max_examples=60)
def test_nothing_ever_exceeds_the_ceiling(seed: int, level: float) -> None:
    """Noise with bursts of any loudness."""
    chance = np.random.default_rng(seed)
    noise = (
        chance.uniform(-1, 1, (20 * BLOCK, 2))
        * level
        * chance.choice([0.01, 0.3, 1.0], (20 * BLOCK // 480, 1)).repeat(480, 0)
    )
    assert np.abs(limited(noise.astype(np.float32))).max() <= CEILING + 1e-6


def test_eight_full_scale_tones_do_not_clip() -> None:
    """The sum is turned down evenly: no sample is cut off, and no click is made."""
    tones = [400, 500, 600, 700, 800, 900, 1000, 1100]
    sound = sum(tone(hertz, 0, 100 * BLOCK, 1.0) for hertz in tones)
    out = limited(np.asarray(sound, np.float32))
    assert np.abs(out).max() <= CEILING + 1e-6
    assert (np.abs(out) > 0.949).mean() < 0.02
    assert above_dbfs(out, 2500) < -45


def test_gain_comes_back_within_a_second() -> None:
    """After a shout the others are as loud as before."""
    sound = np.concatenate((tone(440, 0, 10 * BLOCK, 4.0), tone(440, 10 * BLOCK, 60 * BLOCK, 0.5)))
    out = limited(sound)
    np.testing.assert_allclose(np.abs(out[-10 * BLOCK :]).max(), 0.5, atol=0.005)
