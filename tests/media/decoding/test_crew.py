"""Helpers for decoding: only when one thread cannot keep the tick."""

import threading

from openmpu.media.decoding.crew import Crew

TICK = 40_000_000


def busy(crew: Crew, share: float, ticks: int = 100) -> None:
    """So many ticks that take that share of their time."""
    for _ in range(ticks):
        crew.note(round(share * TICK), round(share * TICK), TICK)


def test_one_thread_does_it_while_it_can() -> None:
    """In order, in the caller's own thread."""
    crew = Crew(hands=2)
    busy(crew, 0.7)
    assert crew.each(lambda _: threading.current_thread(), range(4)) == [threading.current_thread()] * 4


def test_helpers_come_when_it_cannot_and_go_when_it_can() -> None:
    """And the work is done in order all the same."""
    crew = Crew(hands=2)
    busy(crew, 0.95)
    assert crew.helped
    assert crew.each(lambda number: number * 2, range(8)) == [number * 2 for number in range(8)]
    busy(crew, 0.2)
    assert not crew.helped


def test_others_who_have_the_cpu_are_no_reason_for_threads() -> None:
    """Little work that takes long."""
    crew = Crew(hands=2)
    for _ in range(200):
        crew.note(TICK // 10, TICK * 2, TICK)
    assert not crew.helped


def test_on_one_cpu_there_are_no_helpers() -> None:
    """They would only cost."""
    crew = Crew(hands=1)
    busy(crew, 2.0)
    assert not crew.helped
