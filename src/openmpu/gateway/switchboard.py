"""Tracks by id: one writer, any number of readers, nobody waited for. Pure; time is an argument.

A reader without room loses frames up to the next key frame, and nobody else notices. A new reader of a picture starts
at a key frame, which is asked for; the wishes of several readers become one request, at most one in 500 ms. The first
reader of somebody who has only just come gets their first key frame and what followed it: nothing need be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol

from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Track

KEY_FRAME_EVERY = 500_000_000
"""Nanoseconds between two requests for one track: a publisher needs as long to answer, and each costs bandwidth."""
KEPT_FOR = 300_000_000
KEPT_BYTES = 1 << 20
"""Of a picture that nobody reads yet, from its key frame on: so long (who decodes it does so between two ticks) and so
much, else nothing is kept."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a picture is shown: pixels, and frames a second where told. 0x0: not shown."""

    width: int = 0
    height: int = 0
    fps: int = 0

    def largest(self, other: Size) -> Size:
        """What serves both."""
        return Size(max(self.width, other.width), max(self.height, other.height), max(self.fps, other.fps))


ALL = Size(1 << 16, 1 << 16)
"""A reader that never told a size may show all of it."""


class Publisher(Protocol):
    """Who stands behind a track, as the switchboard needs it."""

    def want_key_frame(self) -> None:
        """A reader cannot go on without one."""
        ...

    def show(self, size: Size | None, readers: int) -> None:
        """How large the largest of so many readers shows it; None: nobody reads it."""
        ...


class Reader(Protocol):
    """Who reads tracks. Neither method waits."""

    def has_room(self) -> bool:
        """Whether it can take more now."""
        ...

    def take(self, number: int, frame: EncodedFrame) -> None:
        """One frame of what it subscribed to under `number`."""
        ...

    def end(self, number: int) -> None:
        """Nothing more will come under `number`."""
        ...


class Subscription:
    """One reader of one track.

    Attributes:
        waiting: For a key frame.
        size: How large it shows the picture; None: it never said.
    """

    __slots__ = ("_missed", "_started", "number", "port", "reader", "size", "waiting")

    def __init__(self, port: Port, reader: Reader, number: int) -> None:
        self.port, self.reader, self.number = port, reader, number
        self.waiting = port.track.kind is Kind.VIDEO
        self.size: Size | None = None
        self._started = False
        self._missed = 0

    def put(self, frame: EncodedFrame) -> None:
        """Hand it on, or drop it and count."""
        if (self.waiting and not frame.key) or not self.reader.has_room():
            self.waiting = self.port.track.kind is Kind.VIDEO
            self._miss()
            return
        self.waiting, self._started = False, True
        if self._missed:
            frame = replace(frame, lost=min(255, frame.lost + self._missed))
            self._missed = 0
        self.reader.take(self.number, frame)

    def _miss(self) -> None:
        """Count it, but for what came before its first key frame: that is nobody's fault."""
        self.port.dropped += self._started
        self._missed += self._started


class Port:
    """One track on the switchboard."""

    __slots__ = ("_asked_at", "_kept", "_publisher", "_subscriptions", "_wanted", "dropped", "track")

    def __init__(self, track: Track, publisher: Publisher) -> None:
        self.track = track
        self.dropped = 0
        self._publisher = publisher
        self._subscriptions: list[Subscription] = []
        self._asked_at: int | None = None
        self._wanted = False
        self._kept = _Kept()

    @property
    def readers(self) -> int:
        """How many read it now."""
        return len(self._subscriptions)

    def put(self, frame: EncodedFrame, now: int) -> None:
        """One frame from the publisher, to everybody who reads it."""
        if frame.key:
            self._wanted = False
        if not self._subscriptions and self.track.kind is Kind.VIDEO:
            self._kept.put(frame, now)
        for subscription in self._subscriptions:
            subscription.put(frame)
            if subscription.waiting and subscription.reader.has_room():
                self._wanted = True
        if self._wanted:
            self.ask(now)

    def ask(self, now: int) -> None:
        """Ask for a key frame, now or as soon as one may be asked for again."""
        if self.track.kind is Kind.AUDIO:
            return
        self._wanted = self._asked_at is not None and now - self._asked_at < KEY_FRAME_EVERY
        if not self._wanted:
            self._asked_at = now
            self._publisher.want_key_frame()

    def add(self, subscription: Subscription, now: int) -> None:
        """One more reader."""
        self._subscriptions.append(subscription)
        self.tell_size()
        for frame in self._kept.take(now):
            subscription.put(frame)
        if subscription.waiting:
            self.ask(now)

    def remove(self, subscription: Subscription) -> None:
        """One reader less."""
        self._subscriptions.remove(subscription)
        self.tell_size()

    def tell_size(self) -> None:
        """Tell the publisher how large its largest reader shows it."""
        sizes = [subscription.size or ALL for subscription in self._subscriptions]
        self._publisher.show(reduce(Size.largest, sizes) if sizes else None, len(sizes))

    def end(self) -> None:
        """Tell every reader that it is over."""
        for subscription in self._subscriptions:
            subscription.reader.end(subscription.number)
        self._subscriptions.clear()


class _Kept:
    """The pictures since the last key frame, while they are few."""

    __slots__ = ("_began", "_bytes", "_frames")

    def __init__(self) -> None:
        self._frames: list[EncodedFrame] = []
        self._began = self._bytes = 0

    def put(self, frame: EncodedFrame, now: int) -> None:
        """One more, a key frame instead of all before it, or too many: then none."""
        if frame.key:
            self._frames, self._began, self._bytes = [], now, 0
        elif not self._frames or frame.lost:
            self._frames = []
            return
        self._frames.append(frame)
        self._bytes += len(frame.data)
        if self._bytes > KEPT_BYTES or now - self._began > KEPT_FOR:
            self._frames = []

    def take(self, now: int) -> list[EncodedFrame]:
        """What there is, once; nothing where it has grown old."""
        frames, self._frames = self._frames, []
        return frames if now - self._began <= KEPT_FOR else []


class Switchboard:
    """Every track of a gateway."""

    def __init__(self) -> None:
        self._ports: dict[TrackId, Port] = {}

    def publish(self, track: Track, publisher: Publisher) -> Port:
        """A new track; its writer keeps the port."""
        port = self._ports[track.track_id] = Port(track, publisher)
        return port

    def unpublish(self, track_id: TrackId) -> None:
        """The track is over; nothing happens if it is not there."""
        port = self._ports.pop(track_id, None)
        if port:
            port.end()

    def subscribe(self, track_id: TrackId, reader: Reader, number: int, now: int) -> Subscription | None:
        """Read a track; None when there is none of that id."""
        port = self._ports.get(track_id)
        if port is None:
            return None
        subscription = Subscription(port, reader, number)
        port.add(subscription, now)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Read it no more; nothing happens if the track is over."""
        if self._ports.get(subscription.port.track.track_id) is subscription.port:
            subscription.port.remove(subscription)

    def port(self, track_id: TrackId) -> Port | None:
        """The track's port."""
        return self._ports.get(track_id)
