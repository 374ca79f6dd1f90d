"""Scores of soaks: what is wrong with a stream or a process is found, and nothing else."""

from dataclasses import replace

import pytest

from tests.rig.score import SECOND, Arrival, Bars, Clock, Life, Lips, Sample, Score, clock, faults, life, line, lips

GOOD = Score(
    seconds=60.0,
    steady=Clock(1800, 1.0, 0, 0, 0, 1.0),
    lips=Lips(50, -5.0, 20.0, 30.0),
    lips_hurt=None,
    back_s=(("fault drop", 4.0), ("kill worker", 1.0)),
    lives={"server": Life(60.0, 0.5, 30.0, 0)},
)


def stream(frames=300, fps=30, skew=0.0, jitter_ms=(0, 7, 3)):
    """Arrivals of a stream whose clock is off by `skew`."""
    pts = [place * SECOND // fps // 1_000_000 * 1_000_000 for place in range(frames)]
    late = [jitter_ms[place % len(jitter_ms)] * 1_000_000 for place in range(frames)]
    return [Arrival(round(5 * SECOND + one * (1 + skew) + extra), one) for one, extra in zip(pts, late, strict=True)]


def test_a_steady_stream():
    """Milliseconds of FLV and jitter of arrival are no fault."""
    seen = clock(stream(), 30)
    assert (seen.frames, seen.present, seen.longest_gap, seen.doubles, seen.off_grid) == (300, 1.0, 0, 0, 0)
    assert abs(seen.drift_ms) < 0.1


def test_missing_pictures_are_counted():
    """Three in a row and one alone."""
    arrivals = [one for place, one in enumerate(stream()) if place not in {50, 51, 52, 200}]
    seen = clock(arrivals, 30)
    assert seen.present == pytest.approx(296 / 300)
    assert seen.longest_gap == 3


def test_pictures_that_come_twice_or_between_are_counted():
    """A double, one that goes back, one that stands on no tick."""
    arrivals = stream()
    arrivals[10] = replace(arrivals[10], pts=arrivals[9].pts)
    arrivals[20] = replace(arrivals[20], pts=arrivals[20].pts + 9_000_000)
    seen = clock(arrivals, 30)
    assert (seen.doubles, seen.off_grid) == (1, 1)


@pytest.mark.parametrize("ppm", [-500, 500])
def test_drift_is_measured(ppm):
    """A minute with a clock that is off by so much, whatever the jitter."""
    seen = clock(stream(frames=1800, skew=ppm / 1e6), 30)
    assert seen.drift_ms == pytest.approx(ppm / 1e6 * 50_000, rel=0.25)


def test_lips_by_size():
    """The median keeps its sign, percentiles do not."""
    assert lips([]) is None
    assert lips([-10.0] * 19 + [90.0]) == Lips(20, -10.0, 10.0, 90.0)


def test_memory_that_settles_does_not_grow():
    """What happens in the first half of a life does not count."""
    samples = [Sample(float(place), 100 + min(place, 20) * 5, 30) for place in range(60)]
    seen = life(samples)
    assert (seen.grown_mb, seen.mb_per_h, seen.more_fds) == (0, 0, 0)


def test_memory_that_leaks_is_found():
    """A megabyte a minute over an hour; a descriptor each ten minutes."""
    samples = [Sample(place * 10.0, 100 + place / 6, 30 + place // 60) for place in range(360)]
    seen = life(samples)
    assert seen.mb_per_h == pytest.approx(60, rel=0.01)
    assert seen.grown_mb == pytest.approx(20, rel=0.1)
    assert seen.more_fds >= 1


def test_a_good_soak_misses_no_bar():
    """And its line tells the figures."""
    assert faults(GOOD, Bars()) == []
    assert "present 100.0000%" in line(GOOD)
    assert "-5/20/30 ms" in line(GOOD)


def test_a_machine_that_stood_still_may_be_forgiven():
    """As far as the worker itself says so, and only where that is wanted."""
    seen = replace(GOOD.steady, frames=1760, present=1760 / 1800, longest_gap=40)
    halted = replace(GOOD, steady=seen, missed_ticks=40)
    assert len(faults(halted, Bars())) == 2
    assert faults(halted, Bars(forgive_missed=True)) == []
    assert faults(replace(halted, missed_ticks=30), Bars(forgive_missed=True))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steady": replace(GOOD.steady, present=0.999)}, "99.9"),
        ({"steady": replace(GOOD.steady, longest_gap=9)}, "gap of 9"),
        ({"steady": replace(GOOD.steady, doubles=1)}, "twice"),
        ({"steady": replace(GOOD.steady, off_grid=1)}, "no tick"),
        ({"steady": replace(GOOD.steady, drift_ms=-50.0)}, "drift"),
        ({"lips": Lips(50, 0.0, 90.0, 90.0)}, "90 ms apart"),
        ({"lips": None}, "never seen"),
        ({"back_s": (("fault drop", 30.0),)}, "30.0 s"),
        ({"back_s": (("kill worker", None),)}, "never well"),
        ({"lives": {"worker x": Life(60.0, 50.0, 0.0, 0)}}, "grew by 50.0"),
        ({"lives": {"worker x": Life(3600.0, 5.0, 5.0, 0)}}, "5.0 MB an hour"),
        ({"lives": {"worker x": Life(60.0, 0.0, 900.0, 0)}}, ""),
        ({"lives": {"worker x": Life(60.0, 0.0, 0.0, 9)}}, "9 more"),
        ({"refused": ("UpdateMPUTask: 500",)}, "refused"),
        ({"left_behind": ("123 worker",)}, "left behind"),
    ],
)
def test_every_bar_can_be_missed(change, said):
    """One each, with a sentence; slopes of short lives are none."""
    missed = faults(replace(GOOD, **change), Bars())
    assert len(missed) == bool(said)
    assert not said or said in missed[0]
