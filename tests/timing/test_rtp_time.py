"""RTP time stamps unrolled."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.rtp_time import RtpTime
from openmpu.timing.ticks import SECOND


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-(2**30), 2**30), max_size=50))
def test_steps_survive_the_wrap(start: int, steps: list[int]) -> None:
    """Whatever the first stamp is, each step comes out as it went in."""
    clock = RtpTime(90_000)
    first = clock.unroll(start)
    count = 0
    for step in steps:
        count += step
        stamp = (start + count) % 2**32
        unrolled = clock.unroll(stamp)
        assert (unrolled - first) * 90_000 // SECOND in (count, count - 1, count + 1)


def test_thirty_hours_of_video_wrap_twice() -> None:
    """90 kHz wraps each 13.25 hours; time goes on."""
    clock = RtpTime(90_000)
    first = clock.unroll(4_000_000_000)
    for minute in range(1, 30 * 60 + 1):
        last = clock.unroll((4_000_000_000 + minute * 60 * 90_000) % 2**32)
    assert last - first == 30 * 3600 * SECOND


def test_an_older_packet_lies_before() -> None:
    """Reordering is no wrap."""
    clock = RtpTime(48_000)
    clock.unroll(1000)
    later = clock.unroll(2920)
    assert clock.unroll(1960) == later - 20_000_000
