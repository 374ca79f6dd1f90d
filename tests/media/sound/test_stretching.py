"""Runs of samples made longer or shorter."""

import numpy as np
import pytest

from openmpu.media.sound.blocks import BLOCK
from openmpu.media.sound.stretching import MARGIN, stretched
from tests.media.sound.instruments import tone


def padded(hertz: float, length: int) -> np.ndarray:
    """A run of a tone, with what lies before and after."""
    return tone(hertz, -MARGIN, length + 2 * MARGIN)


@pytest.mark.parametrize("length", [912, 955, 959, 961, 965, 1008])
@pytest.mark.parametrize("hertz", [100, 1000, 8000, 14000])
def test_every_sample_lies_where_it_should(hertz: float, length: int) -> None:
    """Against the tone itself at those places: better than -55 dB up to 14 kHz."""
    out = stretched(padded(hertz, length), BLOCK)
    places = np.arange(BLOCK) * length / BLOCK
    wanted = 0.5 * np.sin(2 * np.pi * hertz * places / 48_000)
    error = out[:, 0] - wanted
    assert 10 * np.log10((error**2).mean() / (wanted**2).mean()) < (-55 if hertz < 14_000 else -40)


def test_the_same_length_is_the_same_sound() -> None:
    """Nothing is lost by a stretch of nothing."""
    np.testing.assert_allclose(stretched(padded(440, BLOCK), BLOCK), tone(440, 0, BLOCK), atol=1e-6)
