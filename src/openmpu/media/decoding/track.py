"""A shown track on the picture's side: decodes what is due at a tick and remembers the newest whole picture.

Decoding is lazy, in the thread that paints: all frames up to the tick's time, because each is the next one's
reference, none before it is needed. Threads of their own cost 3 to 7 % more and are used only when one thread cannot
keep the tick (`crew.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import av

from openmpu.media.decoding.budget import DecodingBudget
from openmpu.media.decoding.video import VideoDecoder
from openmpu.media.decoding.wish import KeyFrameWish
from openmpu.media.inputs.track_input import PICTURE_AHEAD, Incoming, TrackInput
from openmpu.media.video import ShownFrame
from openmpu.timing.selection import stale
from openmpu.timing.ticks import MILLISECOND


class VideoTrack:
    """One track's decoder and its newest picture.

    Args:
        source: Its frames.
        want_key: Asks the publisher for a key frame; may be called from any thread.
        worked: Nanoseconds of CPU that the calling thread has taken.
    """

    def __init__(
        self, source: TrackInput, want_key: Callable[[], None], worked: Callable[[], int] = time.thread_time_ns
    ) -> None:
        self.source = source
        self.budget = DecodingBudget()
        self._worked = worked
        self.decoder = VideoDecoder(source.track.codec)
        self.width = self.height = 0
        self._want_key = want_key
        self._wish = KeyFrameWish()
        self._shown: ShownFrame | None = None
        self._shown_at: int | None = None
        self._dropped = 0

    def advance(self, pts: int, interval: int = 0) -> ShownFrame | None:
        """Decode what is due at the tick of `pts`; the picture to show then, None when there is none or it is stale.

        Args:
            pts: Of the tick.
            interval: From one tick to the next: what belongs into the first half of it is due.
        """
        newest: tuple[Incoming, av.VideoFrame] | None = None
        if self.source.dropped != self._dropped:
            self._dropped = self.source.dropped
            self.decoder.lose()
        early = min(interval // 2, PICTURE_AHEAD)
        for incoming in self.source.due(pts + early - self.source.group.delay):
            picture = self._decode(incoming, pts)
            newest = (incoming, picture) if picture else newest
        if newest:
            self._show(*newest, pts)
        elif self.decoder.broken and self.budget.allows(pts) and self._wish.ask(pts):
            self._want_key()
        return None if stale(self._shown_at, pts) else self._shown

    def _decode(self, incoming: Incoming, pts: int) -> av.VideoFrame | None:
        """As far as the track's budget goes; set aside, it begins anew with a key frame."""
        if not self.budget.allows(pts):
            self.decoder.lose()
            return None
        before = self._worked()
        picture = self.decoder.decode(incoming.frame)
        self.budget.spend(self._worked() - before, pts)
        return picture

    @property
    def newest(self) -> ShownFrame | None:
        """The newest picture, however old."""
        return self._shown

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height of the newest picture as it is shown; zeros where none has come."""
        turned = self._shown is not None and self._shown.rotation % 180 != 0
        return (self.height, self.width) if turned else (self.width, self.height)

    def age_ms(self, pts: int) -> float | None:
        """How long ago a new picture was shown."""
        return None if self._shown_at is None else (pts - self._shown_at) / MILLISECOND

    def _show(self, incoming: Incoming, picture: av.VideoFrame, pts: int) -> None:
        self._wish.fulfilled()
        serial = self._shown.serial + 1 if self._shown else 0
        self._shown = ShownFrame(picture, serial, incoming.frame.rotation)
        self._shown_at = pts
        self.width, self.height = picture.width, picture.height
        captured = incoming.frame.ntp if incoming.frame.ntp is not None else incoming.pts
        self.source.group.note_seen(pts - captured, pts)
