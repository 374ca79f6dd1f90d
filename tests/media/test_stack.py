"""Which layers are painted again: no more than must be."""

import pytest

from openmpu.media.canvas import Canvas
from openmpu.media.stack import Stack
from openmpu.model.geometry import PixelRect

CANVAS = Canvas(100, 100)


class Sheet:
    """A layer that notes when it is painted."""

    def __init__(self, name, rect, log, *, opaque=True, whole=True, live=True):
        self.name, self.rect, self.opaque, self.whole, self.live = name, PixelRect(*rect), opaque, whole, live
        self._log = log

    def bind(self, canvas, clip):
        return lambda: self._log.append((self.name, clip))


@pytest.fixture
def log():
    return []


def names(log):
    return [name for name, _ in log]


def painted(stack, log, *changed):
    log.clear()
    for job in stack.jobs_for_changes(changed):
        job.run()
    return names(log)


def ground(log):
    return Sheet("ground", (0, 0, 100, 100), log, whole=False, live=False)


def test_hidden_layers_are_not_painted(log):
    """Under an opaque pane nothing is painted, and a pane that is wholly hidden never is."""
    hidden, top = Sheet("hidden", (20, 20, 20, 20), log), Sheet("top", (10, 10, 50, 50), log)
    stack = Stack(CANVAS, [ground(log), hidden, top])
    assert painted(stack, log, top) == ["top"]
    assert painted(stack, log, hidden) == []


def test_what_lies_above_is_painted_too(log):
    """Bottom to top, clipped to what changed where it can be."""
    below = Sheet("below", (0, 0, 40, 40), log)
    mark = Sheet("mark", (30, 30, 40, 40), log, opaque=False, whole=False, live=False)
    stack = Stack(CANVAS, [ground(log), below, mark])
    assert painted(stack, log, below) == ["below", "mark"]
    assert log[1] == ("mark", PixelRect(30, 30, 10, 10))


def test_what_shows_through_is_painted_too(log):
    """A translucent clock over a pane: the pane is painted whole, then the clock."""
    below = Sheet("below", (0, 0, 40, 40), log)
    clock = Sheet("clock", (30, 30, 40, 40), log, opaque=False, whole=False)
    stack = Stack(CANVAS, [ground(log), below, clock])
    assert list(dict.fromkeys(painted(stack, log, clock))) == ["ground", "below", "clock"]
    assert names(log).count("below") == 1


def test_panes_that_do_not_touch_are_jobs_of_their_own(log):
    """So that sixteen panes have sixteen jobs, not one for each set of changed panes."""
    panes = [Sheet(str(number), (number * 20, 0, 18, 50), log) for number in range(5)]
    stack = Stack(CANVAS, [ground(log), *panes])
    assert len(stack.jobs_for_changes(panes)) == 5
    assert sorted(painted(stack, log, *panes)) == ["0", "1", "2", "3", "4"]


def test_overlapping_panes_are_painted_once(log):
    """Both changed: each is painted once, in order."""
    below, above = Sheet("below", (0, 0, 40, 40), log), Sheet("above", (20, 20, 40, 40), log)
    stack = Stack(CANVAS, [ground(log), below, above])
    assert painted(stack, log, above, below) == ["below", "above"]


def test_jobs_are_planned_once(log):
    """The same set of changes gives the same job."""
    below, above = Sheet("below", (0, 0, 40, 40), log), Sheet("above", (20, 20, 40, 40), log)
    stack = Stack(CANVAS, [ground(log), below, above])
    assert stack.jobs_for_changes([below])[0] is stack.jobs_for_changes([below])[0]
