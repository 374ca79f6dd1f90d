"""Decoding in another process, started for one picture and gone with it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from openmpu.errors import Invalid
from openmpu.media.pictures.child import HEADER
from openmpu.media.pictures.decoding import KEPT_PIXELS
from openmpu.media.pictures.picture import Picture

DECODE_SECONDS = 10.0
"""By the wall clock; the child has half of it of CPU time."""

_COMMAND = (sys.executable, "-I", "-m", "openmpu.media.pictures.child")


def decode_apart(data: bytes) -> Picture:
    """Decodes a picture in a process of its own; blocks for a tenth of a second or longer.

    Raises:
        Invalid: It was refused, took too long, or killed its decoder.
    """
    try:
        child = subprocess.run(_COMMAND, input=data, capture_output=True, timeout=DECODE_SECONDS, check=False)  # noqa: S603
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Invalid("picture", f"could not be decoded in time: {type(error).__name__}") from None
    if child.returncode == 1:
        raise Invalid("picture", child.stdout[:200].decode(errors="replace") or "was refused")
    if child.returncode:
        raise Invalid("picture", "killed its decoder")
    return _picture(child.stdout)


def _picture(reply: bytes) -> Picture:
    width, height = HEADER.unpack_from(reply)
    if not 0 < width * height <= 2 * KEPT_PIXELS or len(reply) != HEADER.size + 4 * width * height:
        raise Invalid("picture", "its decoder answered nonsense")
    return Picture(np.frombuffer(reply, np.uint8, offset=HEADER.size).reshape(height, width, 4))
