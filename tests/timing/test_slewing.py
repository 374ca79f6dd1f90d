"""Corrections without jumps."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.slewing import SETTLE_FOR, SETTLING_PER_S, SNAP_FOR, STEADY_PER_S, Slewed, slew
from openmpu.timing.ticks import MILLISECOND, SECOND


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.integers(0, 10**9))
def test_never_faster_than_allowed_and_never_past_the_target(value: int, target: int, elapsed: int) -> None:
    """The step is bounded and towards the target."""
    moved = slew(value, target, elapsed, STEADY_PER_S)
    assert abs(moved - value) <= elapsed * STEADY_PER_S // SECOND
    assert min(value, target) <= moved <= max(value, target)


def test_the_first_second_takes_the_target_at_once() -> None:
    """Nothing has been seen or heard yet."""
    slewed = Slewed(0, 0)
    assert slewed.follow(300 * MILLISECOND, SNAP_FOR - 1) == 300 * MILLISECOND


def test_each_age_has_its_rate() -> None:
    """50 ms per s while settling, 5 ms per s ever after."""
    slewed = Slewed(0, 0)
    slewed.follow(0, SNAP_FOR)
    assert slewed.follow(SECOND, SNAP_FOR + SECOND) == SETTLING_PER_S
    slewed.follow(SECOND, SETTLE_FOR)
    before = slewed.value
    assert slewed.follow(SECOND, SETTLE_FOR + SECOND) == before + STEADY_PER_S
