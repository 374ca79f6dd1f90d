"""Sound made up for lost packets."""

import numpy as np
import pytest

from openmpu.media.sound.blocks import silence
from openmpu.media.sound.concealing import BLEND, FADE, blend, extension
from tests.media.sound.instruments import tone


@pytest.mark.parametrize("hertz", [60, 110, 440, 1000, 3000])
def test_a_tone_goes_on_in_phase(hertz: float) -> None:
    """The first 5 ms made up for a lost packet look like what was lost."""
    made_up = extension(tone(hertz, 0, 4800), 0, 960)
    lost = tone(hertz, 4800, 960)
    assert np.abs(made_up[:240] - lost[:240]).max() < 0.12


def test_it_is_silent_after_60_ms() -> None:
    """A long loss is silence, reached without a step."""
    made_up = extension(tone(440, 0, 4800), 0, FADE + 960)
    assert np.abs(made_up[FADE:]).max() == 0.0
    assert np.abs(made_up[FADE - 240 : FADE]).max() < 0.06


def test_pieces_join_to_the_whole() -> None:
    """Asked for in two steps it is the same as in one."""
    history = tone(300, 0, 4800)
    whole = extension(history, 0, 1920)
    halves = np.concatenate((extension(history, 0, 960), extension(history, 960, 960)))
    np.testing.assert_allclose(halves, whole, atol=1e-6)


def test_with_no_past_there_is_silence() -> None:
    """Nothing to go on from."""
    assert not extension(silence(100), 0, 960).any()


def test_true_sound_takes_over_evenly() -> None:
    """From what was made up to what came, over 5 ms."""
    out = blend(np.ones((BLEND, 2), np.float32), np.zeros((960, 2), np.float32))
    assert out[0, 0] == 1.0
    assert not out[BLEND:].any()
    assert np.abs(np.diff(out[:BLEND, 0])).max() < 0.01
