"""How loud, and who is among the loudest."""

import pytest

from openmpu.media.sound.levels import FLOOR_DB, LONG, SHORT, Level, decibels, power_of, volume
from openmpu.media.sound.loudest import HOLD, Loudest
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.sound.instruments import tone


@pytest.mark.parametrize(("dbfs", "vol"), [(-100, 0), (-60, 0), (-30, 128), (-12, 204), (0, 255), (3, 255)])
def test_volume_follows_the_formula(dbfs: float, vol: int) -> None:
    """callbacks.md 6.2: round(255 * clamp((dBFS + 60) / 60, 0, 1))."""
    assert volume(dbfs) == vol


def test_a_sine_of_full_scale_is_3_db_below_a_square() -> None:
    """The level is that of the mean square."""
    assert decibels(power_of(tone(1000, 0, 4800, 1.0))) == pytest.approx(-3.01, abs=0.02)
    assert decibels(0.0) == FLOOR_DB


def test_the_level_is_that_of_the_last_100_ms() -> None:
    """Five blocks; what was before no longer counts."""
    level = Level()
    for power in [1.0] * 10 + [0.25] * SHORT:
        level.put(power)
    assert level.dbfs(SHORT) == pytest.approx(-6.02, abs=0.01)
    assert level.dbfs(LONG) > level.dbfs(SHORT)


def test_the_loudest_are_heard() -> None:
    """Eight voices, three places."""
    levels = {f"u{number}": -30.0 + number for number in range(8)}
    assert Loudest[str]().choose(levels, 3, 0) == {"u5", "u6", "u7"}


def test_a_louder_newcomer_takes_the_quietest_place() -> None:
    """Those in place have no right to it while they speak."""
    loudest = Loudest[str]()
    loudest.choose({"a": -20.0, "b": -30.0}, 2, 0)
    assert loudest.choose({"a": -20.0, "b": -30.0, "c": -25.0}, 2, SECOND) == {"a", "c"}


def test_equals_do_not_swap_at_every_block() -> None:
    """Half a decibel to and fro changes nothing."""
    loudest = Loudest[str]()
    first = loudest.choose({"a": -20.0, "b": -20.5}, 1, 0)
    for number in range(1, 20):
        swing = 0.4 if number % 2 else -0.4
        assert loudest.choose({"a": -20.0 - swing, "b": -20.0 + swing}, 1, number * 20 * MILLISECOND) == first


def test_a_voice_keeps_its_place_for_a_second_of_silence() -> None:
    """layouts.md 7: then it goes to somebody who speaks."""
    loudest = Loudest[str]()
    loudest.choose({"a": -10.0, "b": -30.0}, 1, 0)
    pauses = {"a": -90.0, "b": -30.0}
    assert loudest.choose(pauses, 1, HOLD - 1) == {"a"}
    assert loudest.choose(pauses, 1, HOLD) == {"b"}


def test_no_limit_hears_all_and_none_hears_nobody() -> None:
    """Live-2 and Mixed_Audio; AudioMixCount 0."""
    levels = {"a": -10.0, "b": -100.0}
    assert Loudest[str]().choose(levels, None, 0) == {"a", "b"}
    assert Loudest[str]().choose(levels, 0, 0) == frozenset()
