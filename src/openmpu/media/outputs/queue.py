"""What waits for one socket: bounded by time, and what does not fit is left out up to the next key frame.

Putting never waits and never fails. Sound is kept longer than pictures: it costs little and its gaps hurt more.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.roster import Kind

Item: TypeAlias = Packet | StreamFormat
"""A format stands before the first packet that is of it."""

MAX_ITEMS = 4096
"""Whatever the pts say: 2 s of 60 pictures and of sound frames at 8 ms are far below."""


class PacketQueue:
    """Packets in the order in which they were put.

    Args:
        limit: Nanoseconds of pts that pictures, and sound, may span.

    Attributes:
        dropped_video: Pictures left out because the socket was slow.
        dropped_audio: Sound frames, likewise.
        missed: Pictures before the first key frame of a connection.
        overflows: How often the limit was hit by pictures (or by sound, where there are no pictures).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._stream = StreamFormat(None, None)
        self._begun = False
        self.wants_key = True
        self.dropped_video = self.dropped_audio = self.missed = self.overflows = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def span(self) -> int:
        """Nanoseconds of media that wait."""
        times = [item.pts for item in self._items if isinstance(item, Packet)]
        return max(times) - min(times) if times else 0

    def begin(self, stream: StreamFormat) -> None:
        """A new connection: empty; with video it begins at the next key frame, sound before it is left out."""
        self._items.clear()
        self._stream = stream
        self.wants_key = self._has_video
        self._begun = not self._has_video

    def begin_with_sound(self) -> None:
        """No picture has come: let the sound go ahead, the picture follows at its first key frame."""
        self._begun = True

    def change(self, stream: StreamFormat) -> None:
        """The packets put from now on are of that format; pictures of another kind begin with a key frame."""
        if self._items and isinstance(self._items[-1], StreamFormat):
            self._items.pop()
        self._items.append(stream)
        another = stream.video != self._stream.video
        self._stream = stream
        self.wants_key = self._has_video and (self.wants_key or another)

    def put(self, packet: Packet) -> None:
        """Take the packet, or leave it out and count it."""
        if packet.kind is Kind.VIDEO:
            self._put_picture(packet)
        elif self._begun:
            self._items.append(packet)
        self._trim_sound(packet.pts)

    def take(self) -> Item:
        """The next one. Only when there is one."""
        return self._items.popleft()

    @property
    def _has_video(self) -> bool:
        return self._stream.video is not None

    def _put_picture(self, packet: Packet) -> None:
        if self.wants_key and not packet.key:
            self.dropped_video += self._begun
            self.missed += not self._begun
            return
        self.wants_key, self._begun = False, True
        self._items.append(packet)
        if self._too_long(Kind.VIDEO, packet.pts):
            self.overflows += 1
            self._skip_to_key()
        if not self.wants_key and self._too_long(Kind.VIDEO, packet.pts):  # even that key frame is too old
            self._skip_to_key()

    def _too_long(self, kind: Kind, newest: int) -> bool:
        oldest = next((item for item in self._items if isinstance(item, Packet) and item.kind is kind), None)
        waits = newest - oldest.pts if oldest else 0
        return waits > self._limit or len(self._items) > MAX_ITEMS

    def _skip_to_key(self) -> None:
        """Leave out all pictures before the latest key frame that waits; without one, all to come before the next."""
        items = list(self._items)
        pictures = [place for place, item in enumerate(items) if _is_picture(item)]
        keys = [place for place in pictures[1:] if _is_key(items[place])]
        self.wants_key = not keys
        out = [place for place in pictures if place < keys[-1]] if keys else pictures[-1:]
        self.dropped_video += len(out)
        self._items = deque(item for place, item in enumerate(items) if place not in set(out))

    def _trim_sound(self, newest: int) -> None:
        while self._too_long(Kind.AUDIO, newest):
            place = next((place for place, item in enumerate(self._items) if _is_sound(item)), None)
            if place is None:
                return
            del self._items[place]
            self.dropped_audio += 1
            self.overflows += not self._has_video


def _is_picture(item: Item) -> bool:
    return isinstance(item, Packet) and item.kind is Kind.VIDEO


def _is_sound(item: Item) -> bool:
    return isinstance(item, Packet) and item.kind is Kind.AUDIO


def _is_key(item: Item) -> bool:
    return isinstance(item, Packet) and item.key
