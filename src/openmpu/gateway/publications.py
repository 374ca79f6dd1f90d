"""Every publication of a gateway: begun by an offer, ended by whoever ends it first.

Of one user and source one connection counts: a later one that is up replaces the earlier one, and joins in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from openmpu.gateway.addresses import Network
from openmpu.gateway.peers import Peer, Place
from openmpu.gateway.rosters import Rosters
from openmpu.gateway.sessions import Sessions, end_all
from openmpu.gateway.switchboard import Switchboard
from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.reports import Publication
from openmpu.model.roster import Track
from openmpu.wire.whip.deals import settle
from openmpu.wire.whip.offers import read_offer


class Publications:
    """The publications of one gateway.

    Args:
        network: Addresses and ports.
        sessions: Keeps the life of each.
    """

    def __init__(
        self,
        network: Network,
        switchboard: Switchboard,
        rosters: Rosters,
        clock: Callable[[], int],
        sessions: Sessions,
    ) -> None:
        self._network = network
        self.switchboard, self.rosters, self.clock = switchboard, rosters, clock
        self._sessions = sessions
        self._all: set[Peer] = set()
        self._live: dict[Place, Peer] = {}
        self._pending: dict[Place, Peer] = {}

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Every one, connected or not yet."""
        return tuple(self._all)

    async def publish(self, place: Place, text: str) -> Publication:
        """Answer an offer. An earlier one that is still connecting gives way at once, a live one when this is up.

        Raises:
            Invalid: subject `sdp`: it cannot be read, or offers nothing that we take; nothing was begun.
            Busy: No UDP port is free.
        """
        offer = read_offer(text)
        peer = Peer(place, offer, settle(offer), self)
        publication = await peer.open(self._network)
        waiting = self._pending.get(place)
        if waiting:
            waiting.stop("replaced")
        self._pending[place] = peer
        self._all.add(peer)
        self._sessions.begin(peer, lambda: self._over(peer))
        return publication

    async def remove_user(self, channel: ChannelKey, user_id: UserId) -> bool:
        """End all of a user; whether there were any."""
        peers = [peer for peer in self.peers if (peer.place.channel, peer.place.user_id) == (channel, user_id)]
        await end_all(peers, "removed")
        return bool(peers)

    async def close_channel(self, channel: ChannelKey) -> None:
        """End all of a channel."""
        await end_all([peer for peer in self.peers if peer.place.channel == channel], "channel closed")
        self.rosters.close(channel)

    # What peers tell of themselves

    def connected(self, peer: Peer) -> None:
        """Its connection is up: it replaces an earlier one of its place."""
        place = peer.place
        self._drop(self._pending, peer)
        earlier, self._live[place] = self._live.get(place), peer
        self.rosters.enter(place.channel, place.user_id, place.source, self.clock())
        if earlier:
            earlier.stop("replaced")

    def tracks_changed(self, peer: Peer, tracks: tuple[Track, ...]) -> None:
        """It publishes these now."""
        place = peer.place
        if self._live.get(place) is peer:
            self.rosters.set_tracks(place.channel, place.user_id, place.source, tracks)

    # Inside

    def _over(self, peer: Peer) -> None:
        place = peer.place
        self._all.discard(peer)
        self._drop(self._pending, peer)
        if self._drop(self._live, peer):
            self.rosters.exit(place.channel, place.user_id, place.source, self.clock())

    @staticmethod
    def _drop(table: dict[Place, Peer], peer: Peer) -> bool:
        mine = table.get(peer.place) is peer
        if mine:
            del table[peer.place]
        return mine
