"""Waits between tries."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.backoff import SECOND, Backoff


def test_doubles_to_its_top():
    """Half a second, one, two, four, eight, ten, ten."""
    waits = [Backoff().delay(failures, 0.0) / SECOND for failures in range(1, 8)]
    assert waits == [0.5, 1, 2, 4, 8, 10, 10]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_jitter_only_shortens(failures, chance):
    """No wait is longer than the plain one, nor shorter than jitter allows."""
    plain, jittered = Backoff().delay(failures, 0.0), Backoff().delay(failures, chance)
    assert plain * 0.7 - 1 <= jittered <= plain
