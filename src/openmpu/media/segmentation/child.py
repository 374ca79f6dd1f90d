"""The process that finds people: small pictures on standard input, masks on standard output.

Run as a file by an interpreter that has `mediapipe` 0.10 with its own models; that one may be another than ours, as
mediapipe wants an older NumPy. So this file imports nothing of openmpu. Ends with its standard input.
"""

from __future__ import annotations

import importlib
import os
import struct
import sys
from typing import Any, BinaryIO

HEADER = struct.Struct("!HH")
LANDSCAPE = 1


def main() -> int:
    """Answers each picture (width, height, then RGB) with as many bytes of mask."""
    pictures, masks = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print must not print into masks
    find = _finder()
    masks.write(b"ready\n")
    masks.flush()
    while len(header := pictures.read(HEADER.size)) == HEADER.size:
        width, height = HEADER.unpack(header)
        if not _answer(find, pictures.read(3 * width * height), (height, width, 3), masks):
            break
    return 0


def _answer(find: Any, data: bytes, shape: tuple[int, int, int], masks: BinaryIO) -> bool:
    import numpy as np  # noqa: PLC0415 - of the other environment

    if len(data) < shape[0] * shape[1] * shape[2]:
        return False
    likely = find(np.frombuffer(data, np.uint8).reshape(shape))
    masks.write((likely * 255 + 0.5).clip(0, 255).astype(np.uint8).tobytes())
    masks.flush()
    return True


def _finder() -> Any:
    module = importlib.import_module("mediapipe.python.solutions.selfie_segmentation")
    model = module.SelfieSegmentation(model_selection=LANDSCAPE)
    return lambda picture: model.process(picture).segmentation_mask


if __name__ == "__main__":
    sys.exit(main())
