"""The segmenter's process: it may die or hang, and nothing of it is left in the end."""

import gc
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from openmpu.media.segmentation import process
from openmpu.media.segmentation.port import HEIGHT, WIDTH
from openmpu.media.segmentation.process import SegmenterProcess, can_segment
from tests.media.segmentation.doubles import CHILD
from tests.media.segmentation.environment import segmentation_python

pytestmark = pytest.mark.e2e

DEADLINE_S = 30


def until(condition):
    """Waits for a condition, not for a time."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def segmenter(tmp_path):
    """A running one with a child that takes the red channel for the mask."""
    (tmp_path / "child.py").write_text(CHILD)
    running = SegmenterProcess(child=tmp_path / "child.py", restart_seconds=0.05)
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
    (tmp_path / "child.py").write_text(CHILD)
    segmenter = SegmenterProcess(child=tmp_path / "child.py")
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
    """A child that cannot start (no library, say) hides nobody; once one has worked, a death changes nothing."""
    place = tmp_path / "child.py"
    place.write_text("raise SystemExit(1)")
    segmenter = SegmenterProcess(child=place, restart_seconds=0.05)
    assert segmenter.usable
    segmenter.start()
    until(lambda: not segmenter.usable)
    assert "failed" in segmenter.notes[0]
    place.write_text(CHILD)
    until(lambda: segmenter.usable)
    segmenter.watch().look(picture(13))
    until(lambda: not segmenter.notes)
    assert segmenter.usable
    segmenter.stop()


def test_nothing_is_left(tmp_path):
    """Neither child nor thread, also while a child hangs."""
    (tmp_path / "child.py").write_text(CHILD)
    segmenter = SegmenterProcess(child=tmp_path / "child.py")
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


def test_an_interpreter_without_the_library_cannot():
    """Ours has no mediapipe; one that does not exist has nothing."""
    assert not can_segment("/nowhere/python")
    assert can_segment(sys.executable) == ("mediapipe" in sys.modules)


@pytest.mark.timeout(400)
def test_the_real_model_finds_a_person():
    """A drawn head and shoulders before a wall: the head is a person, the corner is none."""
    import cv2

    python = segmentation_python()
    assert can_segment(python)
    scene = np.full((HEIGHT, WIDTH, 3), (90, 120, 60), np.uint8)
    cv2.ellipse(scene, (128, 150), (50, 60), 0, 180, 360, (60, 60, 160), -1)
    cv2.circle(scene, (128, 62), 26, (220, 180, 160), -1)
    segmenter = SegmenterProcess(python)
    segmenter.start()
    watcher = segmenter.watch()
    watcher.look(scene)
    until(lambda: watcher.mask() is not None)
    segmenter.stop()
    assert watcher.mask()[62, 128] > 200
    assert watcher.mask()[10, 10] < 50
