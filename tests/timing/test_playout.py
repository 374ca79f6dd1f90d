"""How long frames are held."""

from openmpu.media.inputs.track_input import SOUND_AHEAD
from openmpu.timing.playout import LEAST, MARGIN, MOST, START, PlayoutDelay
from openmpu.timing.sender_clock import MAX_SPREAD
from openmpu.timing.ticks import MILLISECOND, SECOND


def feed(delay: PlayoutDelay, lateness: list[int], start: int = 0) -> int:
    """Frames each 20 ms; the time after the last."""
    for number, late in enumerate(lateness):
        delay.hear(late, start + number * 20 * MILLISECOND)
    return start + len(lateness) * 20 * MILLISECOND


def test_it_covers_what_comes_late() -> None:
    """Up to 120 ms of jitter: held long enough, within a fifth of a second."""
    delay = PlayoutDelay()
    feed(delay, [0, 40 * MILLISECOND, 120 * MILLISECOND, 10 * MILLISECOND] * 5)
    assert delay.value == 120 * MILLISECOND + MARGIN


def test_one_straggler_in_a_hundred_changes_nothing() -> None:
    """The worst two percent are concealed rather than waited for."""
    delay = PlayoutDelay()
    feed(delay, ([10 * MILLISECOND] * 99 + [400 * MILLISECOND]) * 3)
    assert delay.value <= START


def test_it_never_leaves_its_bounds() -> None:
    """Neither a silent network nor a mad one moves it further."""
    for lateness, bound in (([0] * 5000, LEAST), ([3 * SECOND] * 100, MOST)):
        delay = PlayoutDelay()
        feed(delay, lateness)
        assert delay.value == bound


def test_it_covers_the_sound_of_a_sender_whose_tracks_differ_as_much_as_is_believed() -> None:
    """Picture and sound are tied together up to that difference: the later of the two must still be presented."""
    delay = PlayoutDelay()
    feed(delay, [MAX_SPREAD + SOUND_AHEAD] * 100)
    assert delay.value == MAX_SPREAD + SOUND_AHEAD + MARGIN


def test_it_comes_down_so_slowly_that_no_ear_hears() -> None:
    """5 ms per second."""
    delay = PlayoutDelay(200 * MILLISECOND)
    end = feed(delay, [0] * 50)
    high = delay.value
    feed(delay, [0] * 100, end)
    assert high - delay.value <= 10 * MILLISECOND
    assert high - delay.value >= 9 * MILLISECOND
