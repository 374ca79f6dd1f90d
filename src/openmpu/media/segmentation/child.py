"""The process that finds people: small pictures on standard input, masks on standard output.

Started by `process.py` and bounded by the kernel; ends with its standard input. Knows no panes and no time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import struct
import sys
from typing import BinaryIO

import cv2
import numpy as np

from openmpu.media.segmentation.finding import PeopleFinder

HEADER = struct.Struct("!HH")
READY = b"ready\n"
MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space, of which some 60 MB are used."""


def main() -> int:
    """Answers each picture (width, height, then RGB) with as many bytes of mask."""
    for kind, most in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a stricter limit is there already, or the system has none
            resource.setrlimit(kind, (most, most))
    pictures, masks = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print must not print into masks
    cv2.setNumThreads(1)  # a second thread costs more CPU than it saves time, and other tasks want the cores
    finder = PeopleFinder()
    masks.write(READY)
    masks.flush()
    while len(header := pictures.read(HEADER.size)) == HEADER.size:
        width, height = HEADER.unpack(header)
        if not _answer(finder, pictures.read(3 * width * height), (height, width, 3), masks):
            break
    return 0


def _answer(finder: PeopleFinder, data: bytes, shape: tuple[int, int, int], masks: BinaryIO) -> bool:
    if len(data) < shape[0] * shape[1] * shape[2]:
        return False
    masks.write(finder.likely(np.frombuffer(data, np.uint8).reshape(shape)).tobytes())
    masks.flush()
    return True


if __name__ == "__main__":
    sys.exit(main())
