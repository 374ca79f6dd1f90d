"""What some packets carry in header extensions, beside what all of them do."""

from __future__ import annotations

from openmpu.model.frames import ToldColour


class Extras:
    """The rarer extensions of one packet.

    Attributes:
        rotation: Degrees clockwise to stand upright; None without.
        capture_time: Absolute capture time, NTP 32.32 fixed point; None without.
        capture_offset: Estimated offset of the capturer's clock to the sender's, signed 32.32; 0 without.
        send_time: Absolute send time, 6.18 fixed point seconds (24 bit, wraps each 64 s); None without.
        colour: What the sender says of the picture's colours; None without.
    """

    __slots__ = ("capture_offset", "capture_time", "colour", "mid", "repaired_rid", "rid", "rotation", "send_time")

    def __init__(self) -> None:
        self.rotation: int | None = None
        self.capture_time: int | None = None
        self.capture_offset = 0
        self.send_time: int | None = None
        self.mid: str | None = None
        self.rid: str | None = None
        self.repaired_rid: str | None = None
        self.colour: ToldColour | None = None
