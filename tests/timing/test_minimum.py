"""The least value of late."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.minimum import SlidingMinimum

READINGS = st.lists(st.tuples(st.integers(0, 30), st.integers(-1000, 1000)), min_size=1, max_size=80)


@given(READINGS)
def test_it_is_the_least_of_the_span_in_steps_of_a_bucket(steps: list[tuple[int, int]]) -> None:
    """Compared with looking at all readings of the buckets that count."""
    minimum = SlidingMinimum(span=100, bucket=10)
    seen: list[tuple[int, int]] = []
    now = 0
    for step, value in steps:
        now += step
        seen.append((now // 10, value))
        kept = [value for slot, value in seen if slot > now // 10 - 10]
        assert minimum.put(now, value) == min(kept)


def test_memory_is_one_number_a_bucket() -> None:
    """Rising values, the worst case, keep no more than the buckets of the span."""
    minimum = SlidingMinimum(span=100, bucket=10)
    for now in range(10_000):
        minimum.put(now, now)
    assert len(minimum._least) <= 11
