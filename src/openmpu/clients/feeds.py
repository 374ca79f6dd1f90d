"""What a publisher sends: encoded pieces with the moment they stand for. Files, test pictures and sounds look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from openmpu.model.roster import Kind

MAX_LATE = 500_000_000
"""Nanoseconds: who was kept from sending for longer (a stopped process) leaves out what is past instead of a burst."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One encoded frame.

    Attributes:
        moment: Nanoseconds of Unix time at which it was "captured"; it is sent then, and sender reports say so.
        ticks: The same in the track's RTP clock, never rounded twice; any origin.
        level: Of sound, as in the audio level header: 0 loudest, 127 silence.
    """

    moment: int
    ticks: int
    data: bytes
    key: bool = True
    level: int | None = None


class Feed(Protocol):
    """One track's source. `next_piece` and `close` are called one at a time, from a thread of the feed's own.

    Attributes:
        quick: `next_piece` takes no time to speak of, and may be called without that thread.
    """

    kind: Kind
    codec: str
    clock_rate: int
    quick: bool

    def next_piece(self, now: int) -> Piece | None:
        """The piece after the last one; None at the end. May take as long as encoding one frame takes."""
        ...

    def want_key(self) -> None:
        """The receiver cannot go on without a key frame. Called from any thread."""
        ...

    def fit(self, pixels: int) -> None:
        """The picture is of use up to so many pixels. Called from any thread; who cannot scale does nothing."""
        ...

    def close(self) -> None:
        """Give back files and encoders."""
        ...
