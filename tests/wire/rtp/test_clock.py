"""RTP time to NTP time by sender reports and absolute capture time."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtp.clock import SenderClock, from_ntp, to_ntp

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 1_760_000_000 * SECOND
AHEAD = 37 * SECOND + 123
"""The sender's clock against ours."""


def rtp_at(elapsed: int) -> int:
    """RTP time after that many nanoseconds; wraps soon."""
    return (0xFFFF0000 + elapsed * 90_000 // SECOND) & 0xFFFFFFFF


def reported(*at: int) -> SenderClock:
    """A clock with true reports that many seconds after the beginning."""
    clock = SenderClock(90_000)
    for seconds in at:
        elapsed = seconds * SECOND
        assert clock.report(to_ntp(T0 + AHEAD + elapsed), rtp_at(elapsed), T0 + elapsed)
    return clock


@given(st.integers(0, 2**62))
def test_ntp_and_back(unix: int) -> None:
    """Fixed point of 32 bits keeps a nanosecond, inside the era."""
    if unix < 2_085_978_496 * SECOND:  # 2036: the era ends
        assert abs(from_ntp(to_ntp(unix)) - unix) <= 1


def test_before_the_first_report_nothing_is_known() -> None:
    """Nobody waits for reports."""
    assert SenderClock(90_000).ntp_of(1, T0) is None


def test_reported_pair_is_carried_on_over_the_wrap() -> None:
    """Ten seconds after the report, over the wrap of the RTP time."""
    clock = reported(0)
    ntp = clock.ntp_of(rtp_at(10 * SECOND), T0 + 10 * SECOND)
    assert ntp is not None
    assert abs(ntp - (T0 + AHEAD + 10 * SECOND)) < 20_000


def test_report_without_a_clock_is_passed_over() -> None:
    """NTP time 0 says: no clock (RFC 3550 6.4.1)."""
    clock = SenderClock(90_000)
    assert not clock.report(0, 5, T0)
    assert clock.rejected == 0


def test_lie_is_rejected_and_counted() -> None:
    """A report 2 s off changes nothing."""
    clock = reported(0, 1)
    assert not clock.report(to_ntp(T0 + AHEAD + 4 * SECOND), rtp_at(2 * SECOND), T0 + 2 * SECOND)
    assert clock.rejected == 1
    ntp = clock.ntp_of(rtp_at(3 * SECOND), T0 + 3 * SECOND)
    assert ntp is not None
    assert abs(ntp - (T0 + AHEAD + 3 * SECOND)) < 20_000


def test_three_reports_that_agree_are_believed() -> None:
    """A sender that set its clock; alternating lies convince nobody."""
    clock = reported(0)
    for second, lie in ((1, 5), (2, -5), (3, 5), (4, -5)):
        assert not clock.report(to_ntp(T0 + (second + lie) * SECOND), rtp_at(second * SECOND), T0 + second * SECOND)
    results = [
        clock.report(to_ntp(T0 + AHEAD + (second + 60) * SECOND), rtp_at(second * SECOND), T0 + second * SECOND)
        for second in (5, 6, 7)
    ]
    assert results == [False, False, True]
    ntp = clock.ntp_of(rtp_at(8 * SECOND), T0 + 8 * SECOND)
    assert ntp is not None
    assert abs(ntp - (T0 + AHEAD + 68 * SECOND)) < 20_000


def test_reports_whose_rtp_time_runs_away() -> None:
    """GStreamer 1.22's webrtcbin adds its running time to the RTP time of each report: the first is kept."""
    picture, sound = SenderClock(90_000), SenderClock(48_000)
    for second in (1, 2, 7, 14, 19):
        now = T0 + second * SECOND
        for clock, other, rate in ((picture, sound, 90_000), (sound, picture, 48_000)):
            clock.report(to_ntp(now + AHEAD), 2 * second * rate, now + second * SECOND, other.offset)
    assert (picture.rejected, sound.rejected) == (3, 3)
    shown = picture.ntp_of(30 * 90_000, T0 + 30 * SECOND)
    heard = sound.ntp_of(30 * 48_000, T0 + 30 * SECOND)
    assert shown is not None
    assert heard is not None
    assert abs(shown - heard) < 1000


def test_first_report_is_measured_by_another_stream() -> None:
    """The offset of a stream that is known already."""
    clock = SenderClock(90_000)
    assert not clock.report(to_ntp(T0 + AHEAD + 3 * SECOND), 0, T0, AHEAD)
    assert clock.report(to_ntp(T0 + AHEAD + SECOND // 2), 0, T0, AHEAD)


def test_later_rtp_time_is_never_earlier() -> None:
    """A report that puts the clock back a little does not put frames back."""
    clock = reported(0)
    before = clock.ntp_of(rtp_at(2 * SECOND), T0 + 2 * SECOND)
    clock.report(to_ntp(T0 + AHEAD + 2 * SECOND - 50 * MS), rtp_at(2 * SECOND), T0 + 2 * SECOND)
    after = clock.ntp_of(rtp_at(2 * SECOND + 10 * MS), T0 + 2 * SECOND)
    assert before is not None
    assert after is not None
    assert after >= before


def test_capture_time_goes_before_reports() -> None:
    """Told by the frames themselves, with the capturer's offset to the sender; carried on to frames without."""
    clock = reported(0)
    clock.capture(rtp_at(SECOND), to_ntp(T0 + AHEAD + SECOND - 300 * MS), 1 << 30)
    expected = T0 + AHEAD + SECOND - 300 * MS + SECOND // 4
    for later in (0, SECOND // 30):
        ntp = clock.ntp_of(rtp_at(SECOND + later), T0 + SECOND + later)
        assert ntp is not None
        assert abs(ntp - expected - later) < 30_000


def test_old_capture_time_is_forgotten() -> None:
    """After ten seconds without one, reports count again."""
    clock = reported(0)
    clock.capture(rtp_at(0), to_ntp(T0 + AHEAD - 300 * MS), 0)
    ntp = clock.ntp_of(rtp_at(20 * SECOND), T0 + 20 * SECOND)
    assert ntp is not None
    assert abs(ntp - (T0 + AHEAD + 20 * SECOND)) < 20_000


def test_frame_far_from_its_arrival_has_no_time() -> None:
    """The RTP clock jumped by an hour since the last report."""
    assert reported(0).ntp_of((rtp_at(SECOND) + 90_000 * 3600) & 0xFFFFFFFF, T0 + SECOND) is None
