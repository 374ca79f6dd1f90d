"""What cutting people out costs: per 640x360 picture beside the paint loop and in it, and per pane of 15 pictures/s.

`--python` names an interpreter with mediapipe (see `openmpu.media.segmentation`); without it only the paint loop's part
is measured.
"""

from __future__ import annotations

import argparse
import time

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

PICTURES = 300
FPS = 15
TRACK = TrackId("1")


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


def painting(*, cut_out: bool) -> float:
    """CPU milliseconds to paint one 640x360 picture in a pane of its size."""
    pane = PaneLayer(1, PixelRect(0, 0, 640, 360), WHOLE, 0, Fit.STRETCH, track_id=TRACK, segment=cut_out)
    compositor = Compositor(Scene(1280, 720, 1, panes=(pane,)), Overlays(), AtOnce())
    frame = stand_in("somebody", Fonts())
    compositor.paint(0, {TRACK: ShownFrame(frame, 0)})
    begun = time.process_time()
    for serial in range(1, PICTURES):
        compositor.paint(0, {TRACK: ShownFrame(frame, serial)})
    return (time.process_time() - begun) / PICTURES * 1000


def finding(python: str) -> float:
    """CPU milliseconds of the child for one picture."""
    segmenter = SegmenterProcess(python)
    segmenter.start()
    watcher = segmenter.watch()
    small = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    spent = 0.0
    for number in range(PICTURES + 1):
        before = watcher.mask()
        watcher.look(small)
        while watcher.mask() is before:
            time.sleep(0.0005)
        if number == 0:
            spent = _children()
    spent = _children() - spent
    segmenter.stop()
    return spent / PICTURES * 1000


def _children() -> float:
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(each.user + each.system for each in times)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="")
    options = parser.parse_args()
    plain, cut = painting(cut_out=False), painting(cut_out=True)
    print(f"painted whole          {plain:7.3f} ms per picture")
    print(f"painted, cut out       {cut:7.3f} ms per picture")
    if options.python:
        found = finding(options.python)
        print(f"found, beside the loop {found:7.3f} ms per picture")
        print(f"one pane of {FPS}/s adds   {(cut - plain + found) * FPS / 1000:7.4f} of a core")


if __name__ == "__main__":
    main()
