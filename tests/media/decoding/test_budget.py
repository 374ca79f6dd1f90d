"""How long a track that is hard to decode is put up with (S14)."""

from itertools import pairwise

import pytest

from openmpu.media.decoding.budget import CREDIT, FIRST_ASIDE, MOST_ASIDE, DecodingBudget
from openmpu.timing.ticks import MILLISECOND, SECOND

FRAME = SECOND // 30


def decoded(budget: DecodingBudget, cost: int, begin: int, seconds: float) -> list[int]:
    """Thirty frames a second that cost so much, as far as they are allowed; when they were decoded."""
    taken = []
    for pts in range(begin, begin + round(seconds * SECOND), FRAME):
        if budget.allows(pts):
            budget.spend(cost, pts)
            taken.append(pts)
    return taken


@pytest.mark.parametrize("cost", [1 * MILLISECOND, 12 * MILLISECOND, 29 * MILLISECOND])
def test_what_cameras_send_is_never_set_aside(cost: int) -> None:
    """Up to 0.87 of a core, minutes of it."""
    budget = DecodingBudget()
    assert len(decoded(budget, cost, 0, 120)) >= 120 * 30
    assert budget.times == 0


def test_a_moment_may_take_more() -> None:
    """Two seconds of 4K that had waited, taken at one tick."""
    budget = DecodingBudget()
    for _ in range(60):
        budget.spend(15 * MILLISECOND, 0)
    assert budget.allows(0)
    assert CREDIT > 60 * 15 * MILLISECOND


def test_s14_who_takes_longer_than_real_time_is_set_aside_for_longer_and_longer() -> None:
    """Two cores' worth: given up after a second, then tried again ever less often; a minute apart at most."""
    budget = DecodingBudget()
    taken = decoded(budget, 2 * FRAME, 0, 600)
    pauses = [after - before for before, after in pairwise(taken) if after - before > FRAME + 1]
    assert SECOND // 2 < next(before for before, after in pairwise(taken) if after - before > FRAME + 1) < 2 * SECOND
    assert [round(pause / FIRST_ASIDE) for pause in pauses[:4]] == [1, 2, 4, 8]
    assert max(pauses) <= MOST_ASIDE + 2 * FRAME
    assert sum(pauses) > 0.85 * (taken[-1] - taken[0])
    assert budget.times >= 10


def test_who_was_good_for_long_begins_anew() -> None:
    """An hour later one bad moment costs five seconds, not a minute."""
    budget = DecodingBudget()
    decoded(budget, 4 * FRAME, 0, 300)
    later = 3600 * SECOND
    decoded(budget, MILLISECOND, later, 10)
    budget.spend(2 * SECOND, later + 10 * SECOND)
    assert not budget.allows(later + 10 * SECOND + FIRST_ASIDE - 1)
    assert budget.allows(later + 10 * SECOND + FIRST_ASIDE)
