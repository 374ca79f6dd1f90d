"""A segmenter in a process of its own: whatever happens there, the picture goes on.

One thread talks with the child, one picture at a time, panes in turn; of each pane only the newest picture waits. A
child that dies or hangs is started again: at first after half a second, then less often.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from typing import IO

import cv2
import numpy as np

from openmpu.media.segmentation.child import HEADER, READY
from openmpu.media.segmentation.port import HEIGHT, WIDTH, Mask, SmallPicture
from openmpu.timing.backoff import Backoff

START_SECONDS = 60.0
"""Half a second on a quiet machine."""
ANSWER_SECONDS = 3.0
RESTART = Backoff()
GOOD_SECONDS = 10.0
"""A child that lived this long was a good one: the next failure counts as the first again."""
STEADY = 0.35
"""How much of the mask before stays: edges do not flicker, and follow a moving hand within three frames."""

_COMMAND = (sys.executable, "-I", "-m", "openmpu.media.segmentation.child")


class _Watcher:
    """One pane's newest picture and mask."""

    def __init__(self, news: threading.Condition) -> None:
        self._news = news
        self.turn = 0
        self._waiting: SmallPicture | None = None
        self._mask: Mask | None = None

    def look(self, picture: SmallPicture) -> None:
        with self._news:
            self._waiting = picture
            self._news.notify()

    def mask(self) -> Mask | None:
        return self._mask

    @property
    def waits(self) -> bool:
        return self._waiting is not None

    def take(self, turn: int) -> SmallPicture:
        """The picture that waits, under the condition."""
        picture, self._waiting, self.turn = self._waiting, None, turn
        assert picture is not None  # noqa: S101 - asked for only when `waits`
        return picture

    def put(self, mask: Mask) -> None:
        before = self._mask
        if before is not None:
            mask = np.asarray(cv2.addWeighted(mask, 1 - STEADY, before, STEADY, 0), np.uint8)
        self._mask = mask


class SegmenterProcess:
    """Finds people with the help of a child process. `start` once, `stop` in the end."""

    def __init__(self, command: Sequence[str] = _COMMAND, restart: Backoff = RESTART) -> None:
        """`command`: what is started, another one in tests only."""
        self._command = tuple(command)
        self._restart = restart
        self._news = threading.Condition()
        self._watchers: weakref.WeakSet[_Watcher] = weakref.WeakSet()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="segmentation", daemon=True)
        self._turn = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._problem = "SegmentType: segmentation is starting"
        self._worked, self._failed = False, False

    def start(self) -> None:
        """Starts the thread, which starts the child."""
        self._thread.start()

    def stop(self) -> None:
        """Ends both; nothing is left."""
        self._stopping.set()
        with self._news:
            self._news.notify_all()
        self._end_child()
        if self._thread.is_alive():
            self._thread.join()

    def watch(self) -> _Watcher:
        """Begins with another pane."""
        watcher = _Watcher(self._news)
        self._watchers.add(watcher)
        return watcher

    @property
    def usable(self) -> bool:
        """False from the first failure until it has worked once."""
        return self._worked or not self._failed

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence while it does not work."""
        return (self._problem,) if self._problem else ()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self._serve()
            except (OSError, TimeoutError, EOFError) as error:
                self._problem = f"SegmentType: segmentation failed ({type(error).__name__}), it is started again"
                self._failed = True
            self._end_child()
            failures = 1 if time.monotonic() - begun >= GOOD_SECONDS else failures + 1
            self._stopping.wait(self._restart.delay(failures, chance=0) / 1e9)

    def _serve(self) -> None:
        child = self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        if child.stdin is None or child.stdout is None:
            raise OSError("no pipes")
        if self._stopping.is_set():
            return
        with child.stdin, child.stdout:
            os.set_blocking(child.stdin.fileno(), False)
            _read(child.stdout, len(READY), START_SECONDS)
            self._problem, self._worked = "", True
            while self._serve_one(child.stdin, child.stdout):
                pass

    def _serve_one(self, pictures: IO[bytes], masks: IO[bytes]) -> bool:
        """Waits for a picture and has it answered; false when it is time to end. Keeps no watcher while it waits."""
        task = self._next()
        if task is None:
            return False
        watcher, picture = task
        _write(pictures, HEADER.pack(WIDTH, HEIGHT) + picture.tobytes(), ANSWER_SECONDS)
        answer = _read(masks, WIDTH * HEIGHT, ANSWER_SECONDS)
        watcher.put(np.frombuffer(answer, np.uint8).reshape(HEIGHT, WIDTH))
        return True

    def _next(self) -> tuple[_Watcher, SmallPicture] | None:
        """Waits for a picture; None when it is time to end."""
        with self._news:
            while not self._stopping.is_set():
                if task := self._longest_waiting():
                    return task
                self._news.wait()
        return None

    def _longest_waiting(self) -> tuple[_Watcher, SmallPicture] | None:
        """Of the panes that have a new picture the one that was served longest ago."""
        waiting = [watcher for watcher in self._watchers if watcher.waits]
        if not waiting:
            return None
        watcher = min(waiting, key=lambda watcher: watcher.turn)
        self._turn += 1
        return watcher, watcher.take(self._turn)

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.poll() is None:
            child.kill()
            child.wait()


def _write(pipe: IO[bytes], data: bytes, seconds: float) -> None:
    """All of `data`, each part within `seconds`.

    Raises:
        TimeoutError: The child does not read.
        OSError: It has ended.
    """
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_WRITE)
        while data:
            if not ready.select(seconds):
                raise TimeoutError("not read")
            data = data[os.write(pipe.fileno(), data) :]


def _read(pipe: IO[bytes], size: int, seconds: float) -> bytes:
    """Exactly `size` bytes, each part within `seconds`.

    Raises:
        TimeoutError: Nothing came in time.
        EOFError: The child has ended.
    """
    data = b""
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while len(data) < size:
            if not ready.select(seconds):
                raise TimeoutError("no answer")
            part = pipe.read(size - len(data))
            if not part:
                raise EOFError("ended")
            data += part
    return data
