"""What tasks make, as tracks of this gateway that can be played. Pure: hears of workers, tells every change.

A programme has at most one track of each kind. The worker with the higher lease has it; the next worker of the same
task takes over under the players' feet.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from openmpu.gateway.switchboard import Port, Publisher, Switchboard
from openmpu.model.ids import TaskKey, TrackId
from openmpu.model.roster import Kind, Source, Track
from openmpu.wire.rtp.packetise.choice import Packetiser, packetiser_for

CLOCK_RATES = {Kind.VIDEO: 90_000, Kind.AUDIO: 48_000}

Changed = Callable[[TaskKey], None]


class Cut:
    """Frames of one track as payloads: cut once, for however many players."""

    __slots__ = ("_frame", "_packetise", "_payloads")

    def __init__(self, packetise: Packetiser) -> None:
        self._packetise = packetise
        self._frame, self._payloads = b"", list[bytes]()

    def payloads(self, frame: bytes) -> list[bytes]:
        """Of this frame; asked for by one player after the other."""
        if frame is not self._frame:
            self._frame, self._payloads = frame, self._packetise(frame)
        return self._payloads


@dataclass(frozen=True, slots=True)
class Offering:
    """One track of a programme."""

    task: TaskKey
    lease: int
    port: Port
    cut: Cut

    @property
    def kind(self) -> Kind:
        """Of the track."""
        return self.port.track.kind

    @property
    def codec(self) -> str:
        """Of the track."""
        return self.port.track.codec


@dataclass(slots=True)
class Programme:
    """What one task makes.

    Attributes:
        dropped: Frames that slow players lost of tracks that are over.
    """

    tracks: dict[Kind, Offering] = field(default_factory=dict)
    dropped: int = 0


class Programmes:
    """The programmes of one gateway.

    Args:
        switchboard: Where their tracks are read.
        changed: Called when a programme got or lost a track.
    """

    def __init__(self, switchboard: Switchboard, changed: Changed) -> None:
        self._switchboard, self._changed = switchboard, changed
        self._all: dict[TaskKey, Programme] = {}

    def present(
        self, task: TaskKey, lease: int, kind: Kind, codec: str, publisher: Publisher, now: int
    ) -> Offering | None:
        """A worker offers a track; None: we cannot send such a codec, or a later worker has it."""
        packetise = packetiser_for(codec)
        programme = self._all.get(task) or Programme()
        former = programme.tracks.get(kind)
        if packetise is None or (former and former.lease > lease):
            return None
        self._all[task] = programme
        port = self._switchboard.publish(_track(kind, codec, now), publisher)
        offering = programme.tracks[kind] = Offering(task, lease, port, Cut(packetise))
        if former:
            self._end(programme, former)
        self._changed(task)
        return offering

    def withdraw(self, offering: Offering) -> None:
        """A track is over; nothing happens if another one has taken its place."""
        programme = self._all.get(offering.task)
        if programme is None or programme.tracks.get(offering.kind) is not offering:
            return
        del programme.tracks[offering.kind]
        self._end(programme, offering)
        if not programme.tracks:
            del self._all[offering.task]
        self._changed(offering.task)

    def tracks(self, task: TaskKey) -> dict[Kind, Offering]:
        """What there is of a task now."""
        programme = self._all.get(task)
        return dict(programme.tracks) if programme else {}

    def dropped(self, task: TaskKey) -> int:
        """Frames of it that slow players lost."""
        programme = self._all.get(task)
        return programme.dropped + sum(each.port.dropped for each in programme.tracks.values()) if programme else 0

    def _end(self, programme: Programme, offering: Offering) -> None:
        programme.dropped += offering.port.dropped
        self._switchboard.unpublish(offering.port.track.track_id)


def _track(kind: Kind, codec: str, now: int) -> Track:
    """No user's, so its source says nothing."""
    channels = 2 if kind is Kind.AUDIO else 0
    return Track(TrackId(secrets.token_urlsafe(9)), kind, Source.CAMERA, codec, now, CLOCK_RATES[kind], channels)
