"""How often a worker may end before its task is given up (S24)."""

import pytest

from openmpu.engines.crashes import QUICK, SLOW, Crashes


def ends(life_s: float, most: int = 1000) -> tuple[Crashes, int]:
    """Workers that live so long each, started as the record says, until there are too many."""
    crashes, now = Crashes(), 0.0
    for number in range(1, most + 1):
        now += life_s
        crashes.note(now)
        if crashes.too_many:
            return crashes, number
        now += crashes.delay_s
    return crashes, 0


def test_s24_one_that_dies_at_once_is_given_up_within_a_minute() -> None:
    """After six, each later than the one before."""
    crashes, number = ends(0.1)
    assert (number, crashes.too_many) == (6, QUICK)


@pytest.mark.parametrize("life_s", [12.0, 15.0, 30.0, 45.0, 59.0])
def test_s24_one_that_takes_its_time_to_crash_is_given_up_too(life_s: float) -> None:
    """Twenty lives of less than a minute are enough, however slow each death is."""
    crashes, number = ends(life_s)
    assert number == 20
    assert crashes.too_many is SLOW


@pytest.mark.parametrize("life_s", [75.0, 600.0, 86_400.0])
def test_who_lives_for_more_than_a_minute_comes_back_every_time(life_s: float) -> None:
    """A crash now and then is no loop; the next worker starts without delay."""
    crashes, number = ends(life_s)
    assert number == 0
    assert crashes.delay_s == 0.0


def test_delays_double_up_to_ten_seconds() -> None:
    """And nothing is waited for after a quiet minute."""
    crashes, delays = Crashes(), []
    for now in (0.0, 1.0, 2.0, 3.0, 4.0):
        crashes.note(now)
        delays.append(crashes.delay_s)
    crashes.note(100.0)
    assert delays == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert crashes.delay_s == 0.0
