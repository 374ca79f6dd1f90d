"""Ticks: every instant computed from its number."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.ticks import SECOND, Ticks

RATES = st.builds(Ticks, st.integers(1, 48_000), st.integers(1, 1024), st.integers(0, 10**15))


@given(RATES, st.integers(0, 10**9))
def test_an_instant_is_the_exact_product_rounded_down(ticks: Ticks, number: int) -> None:
    """No rounding is ever carried on from one instant to the next."""
    exact = ticks.base + Fraction(number * SECOND * ticks.per, ticks.rate)
    assert ticks.pts(number) == exact.__floor__()


@given(RATES, st.integers(0, 10**9))
def test_due_is_the_inverse_of_pts(ticks: Ticks, number: int) -> None:
    """At its own time an instant is due, a nanosecond earlier it is not, where instants are a nanosecond apart."""
    if ticks.interval() >= 1:
        assert ticks.due(ticks.pts(number)) == number
        assert ticks.due(ticks.pts(number) - 1) == number - 1


@pytest.mark.parametrize("fps", [1, 7, 15, 24, 25, 29, 30, 60])
def test_a_day_has_exactly_its_frames(fps: int) -> None:
    """After 24 h the tick is where the wall clock is."""
    assert Ticks(fps).pts(fps * 86_400) == 86_400 * SECOND


def test_distances_differ_by_a_nanosecond_at_most() -> None:
    """30 frames a second do not divide a second: distances are 33333333 or 33333334 ns."""
    ticks = Ticks(30)
    assert {ticks.pts(number + 1) - ticks.pts(number) for number in range(3000)} == {33_333_333, 33_333_334}


def test_nothing_is_due_before_the_base() -> None:
    """Before the first instant the number is negative."""
    assert Ticks(25, base=SECOND).due(SECOND - 1) == -1
