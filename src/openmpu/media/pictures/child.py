"""The process in which one picture is decoded: bytes on standard input, size and pixels on standard output.

Bounded in memory and CPU time by the kernel; if it dies, one picture is missing. Started by `apart.py`.
"""

from __future__ import annotations

import contextlib
import resource
import struct
import sys

from openmpu.errors import Invalid
from openmpu.media.pictures.decoding import MAX_BYTES, decode_picture

MEMORY_BYTES = 512 * 1024 * 1024
"""Address space, of which less than 200 MB are used: 16 Mpx of RGBA are 64 MB, twice while they are multiplied."""
CPU_SECONDS = 5

HEADER = struct.Struct("!II")


def main() -> int:
    """0: width, height and pixels were written; 1: a sentence that says why not."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    out = sys.stdout.buffer
    try:
        picture = decode_picture(sys.stdin.buffer.read(MAX_BYTES + 1))
    except Invalid as refusal:
        out.write(refusal.message.encode())
        return 1
    out.write(HEADER.pack(picture.width, picture.height))
    out.write(picture.data)
    return 0


def _limit(kind: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # a stricter limit is there already, or the system has none
        resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    sys.exit(main())
