"""One publication: what is received over a publisher's session, and the tracks that come of that.

Knows the switchboard as a place to put frames, and its owner (`Owner`) by what it tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from openmpu.gateway.figures import PeerFigures, TrackFigures
from openmpu.gateway.sessions import Session
from openmpu.gateway.switchboard import Switchboard
from openmpu.gateway.tracks import Tracks
from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.roster import Source, Track
from openmpu.wire.whip.deals import Deal
from openmpu.wire.whip.offers import Offer


@dataclass(frozen=True, slots=True)
class Place:
    """Which picture (and sound) of whom: at most one connection counts."""

    channel: ChannelKey
    user_id: UserId
    source: Source

    @property
    def log(self) -> dict[str, str]:
        """How it is told in logs."""
        return {"channel": str(self.channel), "user": self.user_id, "source": self.source.value}


class Owner(Protocol):
    """Who keeps peers, as a peer needs it."""

    switchboard: Switchboard
    clock: Callable[[], int]

    def connected(self, peer: Peer) -> None:
        """Its connection is up."""
        ...

    def tracks_changed(self, peer: Peer, tracks: tuple[Track, ...]) -> None:
        """What it publishes changed."""
        ...


class Peer(Session):
    """One publication."""

    def __init__(self, place: Place, offer: Offer, deals: tuple[Deal, ...], owner: Owner) -> None:
        self.place, self._owner = place, owner
        self._tracks = Tracks(place.source, deals, owner.switchboard, owner.clock, self._send, self._changed)
        super().__init__("publisher", offer, deals, self._tracks, owner.clock, place.log)

    def connected(self) -> None:
        """Its connection is up: it replaces an earlier one of its place."""
        self._owner.connected(self)

    def figures(self) -> PeerFigures:
        """What was thrown away."""
        transport = self.transport
        return PeerFigures(transport.undecrypted, transport.malformed + self._tracks.malformed)

    def measure(self) -> Iterator[TrackFigures]:
        """Figures of its tracks."""
        return self._tracks.measure(self.place.channel, self.place.user_id)

    def _send(self, data: bytes) -> None:
        self.transport.send_rtcp(data)

    def _changed(self, tracks: tuple[Track, ...]) -> None:
        self._owner.tracks_changed(self, tracks)
