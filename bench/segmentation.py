"""What cutting people out costs: each 640x360 picture in the paint loop and beside it, and a whole pane of 15 a second.

Painting whole, painting cut out (with masks that cost nothing) and finding people in the real process take turns, round
by round; CPU milliseconds a picture, median [least..most] of the rounds. `--other` names the command of another child
that speaks as ours does (`openmpu.media.segmentation.child`), to be measured in turn with it. `--json` for data.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil

from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.segmentation.port import HEIGHT, WIDTH, Mask, SmallPicture
from openmpu.media.segmentation.process import SegmenterProcess
from openmpu.media.standins import stand_in
from openmpu.media.video import ShownFrame
from openmpu.model.geometry import WHOLE, PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import PaneLayer, Scene

PICTURES = 60
FPS = 15
TRACK = TrackId("1")

Round = Callable[[], float]


class AtOnce:
    """A segmenter that costs nothing: the paint loop's part alone."""

    notes = ()
    usable = True

    def watch(self) -> AtOnce:
        """Everybody shares one answer."""
        return self

    def look(self, picture: SmallPicture) -> None:
        """Another mask for each picture."""
        self._mask: Mask = picture[..., 0]

    def mask(self) -> Mask:
        """The newest."""
        return self._mask


def painting(*, cut_out: bool) -> Round:
    """Paints 640x360 pictures in a pane of their size."""
    pane = PaneLayer(1, PixelRect(0, 0, 640, 360), WHOLE, 0, Fit.STRETCH, track_id=TRACK, segment=cut_out)
    compositor = Compositor(Scene(1280, 720, 1, panes=(pane,)), Overlays(), AtOnce())
    frame = stand_in("somebody", Fonts())

    def go() -> float:
        begun = time.process_time()
        for serial in range(PICTURES):
            compositor.paint(0, {TRACK: ShownFrame(frame, serial)})
        return (time.process_time() - begun) / PICTURES * 1000

    return go


class Finding:
    """A segmenter's process that is asked for one mask after the other."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        before = set(psutil.Process().children())
        self._segmenter = SegmenterProcess(command) if command else SegmenterProcess()
        self._segmenter.start()
        self._watcher = self._segmenter.watch()
        self._small = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        self._ask()
        (self._child,) = set(psutil.Process().children()) - before

    def _ask(self) -> None:
        before = self._watcher.mask()
        self._watcher.look(self._small)
        while self._watcher.mask() is before:
            time.sleep(0.0005)

    def _spent(self) -> float:
        times = self._child.cpu_times()
        return float(times.user + times.system)

    def __call__(self) -> float:
        """The child's CPU milliseconds for a picture."""
        begun = self._spent()
        for _ in range(PICTURES):
            self._ask()
        return (self._spent() - begun) / PICTURES * 1000

    def memory(self) -> float:
        """Megabytes that the child has to itself."""
        return float(self._child.memory_full_info().uss) / 1e6

    def stop(self) -> None:
        """Ends the child."""
        self._segmenter.stop()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--other", type=shlex.split, default=[])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    finders = {"found beside": Finding()} | ({"found by the other": Finding(options.other)} if options.other else {})
    works: dict[str, Round] = {"painted whole": painting(cut_out=False), "painted cut out": painting(cut_out=True)}
    works |= finders
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.rounds):
        for name, work in works.items():
            found[name].append(work())
    for name, values in found.items():
        print(f"{name:20}{statistics.median(values):7.3f} ms a picture [{min(values):.3f}..{max(values):.3f}]")
    for name, finder in finders.items():
        print(f"{name:20}{finder.memory():7.0f} MB of its own")
        finder.stop()
    middle = {name: statistics.median(values) for name, values in found.items()}
    added = middle["painted cut out"] - middle["painted whole"] + middle["found beside"]
    print(f"a pane of {FPS} pictures a second adds {added * FPS / 1000:.3f} of a core to its task")
    if options.json:
        options.json.write_text(json.dumps(found | {"a pane adds": [added * FPS / 1000]}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
