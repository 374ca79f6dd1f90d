"""Segmenters for tests: one that answers at once by brightness, and a child that does the same."""

from __future__ import annotations

from openmpu.media.segmentation.port import Mask, SmallPicture


class BrightnessWatcher:
    """Whoever is bright is a person; the mask is there at once."""

    def __init__(self) -> None:
        self.looks = 0
        self.answer: Mask | None = None

    def look(self, picture: SmallPicture) -> None:
        self.looks += 1
        self.answer = picture.max(axis=2)

    def mask(self) -> Mask | None:
        return self.answer


class BrightnessSegmenter:
    """Keeps its watchers, for tests to look at."""

    notes = ()
    usable = True

    def __init__(self) -> None:
        self.watchers: list[BrightnessWatcher] = []

    def watch(self) -> BrightnessWatcher:
        self.watchers.append(BrightnessWatcher())
        return self.watchers[-1]


CHILD = """
import struct, sys, time
sys.stdout.buffer.write(b"ready\\n"); sys.stdout.buffer.flush()
while len(header := sys.stdin.buffer.read(4)) == 4:
    width, height = struct.unpack("!HH", header)
    picture = sys.stdin.buffer.read(3 * width * height)
    if picture[0] == 13: sys.exit(1)
    if picture[0] == 14: time.sleep(3600)
    sys.stdout.buffer.write(picture[0::3]); sys.stdout.buffer.flush()
"""
"""The mask is the red channel; red 13 at the left-top kills it, 14 makes it hang."""
