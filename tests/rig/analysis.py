"""A received stream, taken apart: one object for the checks of end-to-end tests (frames, panes, tones, lip-sync)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from openmpu.clients import reading
from openmpu.model.geometry import PixelRect, Rect, nearest_even, to_pixels
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from tests.rig import packets, sounds
from tests.rig import pictures as looking
from tests.rig.packets import SECOND


class Recording:
    """A file that an RTMP receiver wrote (FLV, or anything that FFmpeg reads). Everything is read when first asked."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _packets(self) -> tuple[list[packets.PacketInfo], list[packets.PacketInfo]]:
        return packets.read_packets(self.path)

    @property
    def video(self) -> list[packets.PacketInfo]:
        """Video packets."""
        return self._packets[0]

    @property
    def audio(self) -> list[packets.PacketInfo]:
        """Audio packets."""
        return self._packets[1]

    @cached_property
    def formats(self) -> packets.Formats:
        """Codecs, profile, size, sample rate."""
        return packets.formats(self.path)

    @cached_property
    def sound(self) -> sounds.Sound:
        """All of the sound, decoded."""
        return sounds.read_sound(self.path)

    @property
    def seconds(self) -> float:
        """From the first to the last video packet."""
        return (self.video[-1].pts - self.video[0].pts) / SECOND if self.video else 0.0

    def cadence(self, fps: int) -> packets.Cadence:
        """How well the picture keeps to a frame rate."""
        return packets.cadence(self.video, fps)

    def pictures(self, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[looking.Picture]:
        """Decoded pictures of a span."""
        return looking.pictures(self.path, start_s, end_s)

    def picture(self, at_s: float) -> looking.Picture:
        """The first picture at or after a moment.

        Raises:
            ValueError: There is none.
        """
        for picture in self.pictures(at_s):
            return picture
        raise ValueError(f"no picture at {at_s} s")

    def watch(
        self, panes: Mapping[str, PixelRect], start_s: float = 0.0, end_s: float = float("inf")
    ) -> dict[str, list[reading.Sight]]:
        """What the test pictures in the panes say, in one pass over the span."""
        return looking.watch(self.path, panes, start_s, end_s)

    def flashes(self, pane: PixelRect, start_s: float = 0.0, end_s: float = float("inf")) -> list[int]:
        """When the test picture in a pane flashes, nanoseconds of the stream."""
        return reading.flash_times(self.watch({"": pane}, start_s, end_s)[""])

    def beeps(self, tone_hz: float, start_s: float = 0.0, end_s: float = float("inf")) -> list[int]:
        """When a user beeps, nanoseconds of the stream."""
        return [moment for moment in self.sound.beeps(tone_hz) if start_s * SECOND <= moment < end_s * SECOND]

    def av_offset_ms(
        self, pane: PixelRect, tone_hz: float, fps: int, start_s: float = 0.0, end_s: float = float("inf")
    ) -> float | None:
        """By how much a user's sound comes after their picture, in the median; None if one of them is not there.

        Args:
            pane: Where the user's picture is.
            tone_hz: The user's tone.
            fps: Frame rate of the user's own test picture, which its frame numbers count.
            start_s: Begin of the span that is looked at.
            end_s: Its end.
        """
        sights = self.watch({"": pane}, start_s, end_s)[""]
        offset = reading.av_offset(sights, self.beeps(tone_hz, start_s, end_s), fps, time.time_ns())
        return None if offset is None else offset / 1e6


def flash_to_beep_ms(flashes: list[int], beeps: list[int]) -> list[float]:
    """For each flash that has a beep within half a second: beep minus flash."""
    pairs = [(flash, min(beeps, key=lambda beep: abs(beep - flash), default=None)) for flash in flashes]
    return [(beep - flash) / 1e6 for flash, beep in pairs if beep is not None and abs(beep - flash) < SECOND // 2]


def layout_panes(layout_id: int, width: int, height: int) -> dict[int, PixelRect]:
    """Where the panes of a built-in layout lie in a picture, by PaneId (layouts.md 5)."""
    canvas = PixelRect(0, 0, width, height)
    return {pane.pane_id: to_pixels(pane.rect, canvas) for pane in BUILT_IN[LayoutId(layout_id)].panes}


def contained(pane: PixelRect, width: int, height: int) -> PixelRect:
    """Where a video of `width` x `height` lies in a pane that shows it whole (CropMode 2), centred."""
    scale = min(pane.width / width, pane.height / height)
    inner_width, inner_height = nearest_even(width * scale), nearest_even(height * scale)
    left = pane.left + nearest_even((pane.width - inner_width) / 2)
    top = pane.top + nearest_even((pane.height - inner_height) / 2)
    return PixelRect(left, top, inner_width, inner_height)


def border_of(pane: PixelRect) -> PixelRect:
    """A patch in the coloured border of the test picture in a pane: where its exact colour is looked for."""
    return to_pixels(Rect(0.2, 0.015, 0.6, 0.03), pane)
