"""The schedules of soaks: the same from the same seed, possible to play, everything in them."""

import itertools

import pytest

from tests.rig.proxy import Fault
from tests.rig.schedule import BLOWS, Rhythm, What, plan

GUESTS = ("bob", "cat", "dan")
RANGE = range(40)


def test_a_seed_tells_everything():
    """And another seed something else."""
    assert plan(3, 300, GUESTS) == plan(3, 300, GUESTS)
    assert plan(3, 300, GUESTS) != plan(4, 300, GUESTS)


@pytest.mark.parametrize("seed", RANGE)
def test_nobody_joins_twice_or_leaves_before_joining(seed):
    """And whoever is frozen is there."""
    here = set()
    for act in plan(seed, 600, GUESTS):
        match act.what:
            case What.JOIN:
                assert act.who not in here
                here.add(act.who)
            case What.LEAVE | What.VANISH:
                here.remove(act.who)
            case What.FREEZE:
                assert act.who in here


@pytest.mark.parametrize("seed", RANGE)
def test_blows_leave_time_to_recover(seed):
    """From the end of one to the begin of the next, and after the last one."""
    pace = Rhythm()
    blows = [act for act in plan(seed, 600, GUESTS) if (act.what, act.value) in BLOWS]
    gaps = [after.at_s - before.at_s for before, after in itertools.pairwise(blows)]
    assert min(gaps) >= pace.blow_s - 0.1
    assert all(600 - act.at_s >= pace.quiet_s for act in blows)
    assert max(act.lasts_s for act in blows) < pace.blow_s / 2


def test_every_kind_of_blow_comes_before_any_comes_twice():
    """Six minutes are enough for all of them."""
    blows = [(act.what, act.value) for act in plan(1, 400, GUESTS) if (act.what, act.value) in BLOWS]
    assert set(blows[: len(BLOWS)]) == set(BLOWS)
    assert {fault for what, fault in BLOWS if what is What.FAULT} == set(Fault) - {Fault.NONE}


@pytest.mark.parametrize("seconds", [10, 30, 45])
def test_short_soaks_have_what_they_have_time_for(seconds):
    """Nothing at the very beginning, nothing at the very end."""
    for seed in RANGE:
        assert all(4 <= act.at_s <= seconds - 4 for act in plan(seed, seconds, GUESTS, Rhythm(5, 5, 10, 4)))
