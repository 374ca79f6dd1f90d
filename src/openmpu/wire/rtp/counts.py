"""What happened to one track, counted; outlives its buffers and SSRCs."""

from __future__ import annotations


class Counts:
    """Running counters of one track.

    Attributes:
        frames: Handed out.
        key_frames: Of those.
        duplicates: Packets that were here already.
        late: Packets that came after they had been given up.
        lost: Pictures given up or withheld, or packets of sound that the decoder must conceal.
        recovered: Packets of sound restored from redundancy (RED).
        broken: Pictures whose packets all came but did not make one.
        overflows: Times that a buffer threw everything away for want of room.
        asked: Packets asked for again, repeats counted; of SSRCs that are over.
        repaired: Packets that came after that; of SSRCs that are over.
        requests: Key frames asked for; of SSRCs that are over.
        unknown: Packets of payload types that were not agreed on, or malformed inside.
    """

    __slots__ = (
        "asked",
        "broken",
        "duplicates",
        "frames",
        "key_frames",
        "late",
        "lost",
        "overflows",
        "recovered",
        "repaired",
        "requests",
        "unknown",
    )

    def __init__(self) -> None:
        self.frames = self.key_frames = 0
        self.duplicates = self.late = self.lost = self.recovered = 0
        self.asked = self.repaired = self.requests = 0
        self.broken = self.overflows = self.unknown = 0
