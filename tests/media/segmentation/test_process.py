"""The segmenter's process: it may die or hang, and nothing of it is left in the end."""

import gc
import sys
import threading
import time
from itertools import pairwise

import numpy as np
import psutil
import pytest

from openmpu.media.segmentation import process
from openmpu.media.segmentation.finding import PeopleFinder
from openmpu.media.segmentation.port import HEIGHT, WIDTH
from openmpu.media.segmentation.process import SegmenterProcess
from openmpu.timing.backoff import Backoff
from tests.media.segmentation.doubles import CHILD
from tests.media.segmentation.people import drawn_person

pytestmark = pytest.mark.e2e

DEADLINE_S = 30
SOON = Backoff(first=50_000_000, top=50_000_000)


def until(condition):
    """Waits for a condition, not for a time."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def child_of(directory, code=CHILD):
    """The command that runs this child."""
    (directory / "child.py").write_text(code)
    return sys.executable, str(directory / "child.py")


@pytest.fixture
def segmenter(tmp_path):
    """A running one with a child that takes the red channel for the mask."""
    running = SegmenterProcess(child_of(tmp_path), restart=SOON)
    running.start()
    yield running
    running.stop()


def picture(red):
    made = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    made[..., 0] = red
    return made


def test_masks_come_back(segmenter):
    """Each pane gets its own."""
    first, second = segmenter.watch(), segmenter.watch()
    first.look(picture(200))
    second.look(picture(50))
    until(lambda: first.mask() is not None and second.mask() is not None)
    assert first.mask().tolist() == picture(200)[..., 0].tolist()
    assert second.mask().tolist() == picture(50)[..., 0].tolist()
    assert segmenter.notes == ()


def test_masks_are_steadied(segmenter):
    """A jump is followed within three pictures, not at once."""
    watcher, seen = segmenter.watch(), []
    for red in (0, 255, 255, 255):
        before = watcher.mask()
        watcher.look(picture(red))
        until(lambda before=before: watcher.mask() is not before)
        seen.append(int(watcher.mask()[0, 0]))
    assert seen[0] == 0
    assert 150 < seen[1] < 200
    assert seen[3] > 240


def test_only_the_newest_picture_waits(tmp_path):
    """Before the child is ready ten pictures come; one is looked at."""
    segmenter = SegmenterProcess(child_of(tmp_path))
    watcher = segmenter.watch()
    for red in range(20, 30):
        watcher.look(picture(red))
    segmenter.start()
    until(lambda: watcher.mask() is not None)
    assert watcher.mask()[0, 0] == 29
    segmenter.stop()


@pytest.mark.parametrize("trouble", [13, 14], ids=["dies", "hangs"])
def test_started_again(segmenter, trouble, monkeypatch):
    """After a death or a hang masks come again; the trouble was told."""
    monkeypatch.setattr(process, "ANSWER_SECONDS", 0.3)
    watcher = segmenter.watch()
    watcher.look(picture(trouble))
    until(lambda: segmenter.notes and "failed" in segmenter.notes[0])
    watcher.look(picture(99))
    until(lambda: watcher.mask() is not None)
    assert watcher.mask()[0, 0] == 99
    assert segmenter.notes == ()


def test_what_never_worked_is_not_usable_until_it_does(tmp_path):
    """A child that cannot start hides nobody; once one has worked, a death changes nothing."""
    segmenter = SegmenterProcess(child_of(tmp_path, "raise SystemExit(1)"), restart=SOON)
    assert segmenter.usable
    segmenter.start()
    until(lambda: not segmenter.usable)
    assert "failed" in segmenter.notes[0]
    child_of(tmp_path)
    until(lambda: segmenter.usable)
    segmenter.watch().look(picture(13))
    until(lambda: not segmenter.notes)
    assert segmenter.usable
    segmenter.stop()


def test_nothing_is_left(tmp_path):
    """Neither child nor thread, also while a child hangs."""
    segmenter = SegmenterProcess(child_of(tmp_path))
    segmenter.start()
    watcher = segmenter.watch()
    watcher.look(picture(14))
    until(lambda: psutil.Process().children())
    segmenter.stop()
    assert psutil.Process().children() == []
    assert all(thread.name != "segmentation" for thread in threading.enumerate())


def test_a_pane_that_is_gone_is_forgotten(segmenter):
    """Dropping the watcher is enough."""
    watchers = [segmenter.watch()]
    watchers[0].look(picture(5))
    until(lambda: watchers[0].mask() is not None)
    watchers.clear()
    gc.collect()
    until(lambda: not segmenter._watchers)


def test_the_real_one_finds_a_person():
    """The model in its process: the head is a person, the corner is none, the neighbour's pane has its own mask."""
    segmenter = SegmenterProcess()
    segmenter.start()
    left, right = segmenter.watch(), segmenter.watch()
    left.look(drawn_person(shift=-0.4))
    right.look(drawn_person(shift=0.4))
    until(lambda: left.mask() is not None and right.mask() is not None)
    segmenter.stop()
    row, columns = HEIGHT * 2 // 5, [round(WIDTH / 2 + side * 0.4 * HEIGHT) for side in (-1, 1)]
    assert [mask[row, column] > 250 for mask in (left.mask(), right.mask()) for column in columns] == [1, 0, 0, 1]
    assert left.mask()[10, 10] < 5


def test_moving_people_keep_their_edges():
    """Somebody who sways before a noisy camera: the steadied mask follows within three pictures and does not flicker."""
    segmenter = SegmenterProcess()
    segmenter.start()
    watcher, masks = segmenter.watch(), []
    for number in range(12):
        before = watcher.mask()
        watcher.look(drawn_person(shift=0.01 * number, noise=number))
        until(lambda before=before: watcher.mask() is not before)
        masks.append(watcher.mask().astype(int))
    segmenter.stop()
    sharp = PeopleFinder().likely(drawn_person(shift=0.11)).astype(int)
    assert (np.abs(masks[-1] - sharp) > 128).mean() < 0.01
    for before, after in pairwise(masks):
        assert (np.abs(after - before) > 128).mean() < 0.012, "no more than the movement"
