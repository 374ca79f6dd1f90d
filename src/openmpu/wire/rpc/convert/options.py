"""What this server can do and how strict it is, as far as reading requests depends on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Switches of the conversion.

    Attributes:
        strict_media_encode: MediaEncode=2 is refused instead of read as 1 (operations.md 3.8).
        playback: TaskType=1 is possible.
        h265: VideoCodec=H.265 is possible.
    """

    strict_media_encode: bool = False
    playback: bool = False
    h265: bool = False
