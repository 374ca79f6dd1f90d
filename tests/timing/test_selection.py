"""Which item counts at a moment."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.selection import REORDERED, STALE_AFTER, Queue, stale

PLACES = st.lists(st.integers(0, 1000), max_size=40)


@given(PLACES, st.integers(0, 1000))
def test_the_newest_not_after_counts(places: list[int], pts: int) -> None:
    """Of whatever came in whatever order, the newest whose time has come is taken."""
    queue: Queue[int] = Queue(100)
    for place in places:
        queue.put(place, place, place)
    found = queue.newest(pts)
    past = [place for place in places if place <= pts]
    assert (found.item if found else None) == (max(past) if past else None)
    assert len(queue) == len(places) - len(past)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 100)), max_size=40))
def test_nothing_overtakes_on_its_way_to_a_decoder(arrivals: list[tuple[int, int]]) -> None:
    """Whatever times a clock that still moves gives: out in order of place, due times rising, none after its own."""
    queue: Queue[int] = Queue(100)
    for pts, place in arrivals:
        queue.put(pts, place, pts)
    out = list(queue.due(2000))
    assert [timed.place for timed in out] == sorted(place for _, place in arrivals)
    assert all(earlier.pts <= later.pts for earlier, later in pairwise(out))
    assert all(timed.pts <= timed.item for timed in out)


def test_a_new_time_base_does_not_jump_the_queue() -> None:
    """The sender's clock fell back by an hour: its frames still come after those before."""
    queue: Queue[str] = Queue(5)
    queue.put(10, 3600 * REORDERED, "before")
    queue.put(20, 0, "after")
    assert [timed.item for timed in queue.due(100)] == ["before", "after"]


def test_equal_places_keep_the_order_of_coming() -> None:
    """The later of two at the same place is the newer."""
    queue: Queue[str] = Queue(5)
    queue.put(3, 3, "first")
    queue.put(3, 3, "second")
    newest = queue.newest(3)
    assert newest is not None
    assert newest.item == "second"


def test_a_full_list_loses_its_oldest_and_counts_it() -> None:
    """Bounded everywhere, and every drop counted."""
    queue: Queue[int] = Queue(3)
    for time in range(5):
        queue.put(time, time, time)
    assert queue.dropped == 2
    assert [timed.item for timed in queue.due(10)] == [2, 3, 4]


def test_three_seconds_without_a_frame_are_stale() -> None:
    """layouts.md 5.1: the last picture stays up to 3 s."""
    assert stale(None, 0)
    assert not stale(10, 10 + STALE_AFTER)
    assert stale(10, 11 + STALE_AFTER)
