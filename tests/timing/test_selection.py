"""Which item counts at a moment."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.timing.selection import STALE_AFTER, Queue, stale

TIMES = st.lists(st.integers(0, 1000), max_size=40)


@given(TIMES, st.integers(0, 1000))
def test_the_newest_not_after_counts(times: list[int], pts: int) -> None:
    """Of whatever came in whatever order, the newest whose time has come is taken."""
    queue: Queue[int] = Queue(100)
    for place, time in enumerate(times):
        queue.put(time, place)
    found = queue.newest(pts)
    past = [time for time in times if time <= pts]
    assert (found.pts if found else None) == (max(past) if past else None)
    assert len(queue) == len(times) - len(past)


@given(TIMES)
def test_due_items_come_in_order_of_time(times: list[int]) -> None:
    """Late ones are put in their place."""
    queue: Queue[int] = Queue(100)
    for time in times:
        queue.put(time, time)
    assert [timed.pts for timed in queue.due(1000)] == sorted(times)


def test_equal_times_keep_the_order_of_coming() -> None:
    """The later of two at the same time is the newer."""
    queue: Queue[str] = Queue(5)
    queue.put(3, "first")
    queue.put(3, "second")
    newest = queue.newest(3)
    assert newest is not None
    assert newest.item == "second"


def test_a_full_list_loses_its_oldest_and_counts_it() -> None:
    """Bounded everywhere, and every drop counted."""
    queue: Queue[int] = Queue(3)
    for time in range(5):
        queue.put(time, time)
    assert queue.dropped == 2
    assert [timed.item for timed in queue.due(10)] == [2, 3, 4]


def test_three_seconds_without_a_frame_are_stale() -> None:
    """layouts.md 5.1: the last picture stays up to 3 s."""
    assert stale(None, 0)
    assert not stale(10, 10 + STALE_AFTER)
    assert stale(10, 11 + STALE_AFTER)
