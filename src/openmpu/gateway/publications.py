"""Every publication of a gateway: begun by an offer, found by its resource, ended by whoever ends it first.

Of one user and source one connection counts: a later one that is up replaces the earlier one, and joins in its place.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

import structlog

from openmpu.errors import NotFound
from openmpu.gateway.addresses import Network
from openmpu.gateway.peers import Peer, Place
from openmpu.gateway.rosters import Rosters
from openmpu.gateway.switchboard import Switchboard
from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.reports import Publication
from openmpu.model.roster import Track
from openmpu.wire.whip.deals import settle
from openmpu.wire.whip.fragments import read_fragment
from openmpu.wire.whip.offers import read_offer

_log = structlog.get_logger()


class Publications:
    """The publications of one gateway.

    Args:
        network: Addresses and ports.
        group: Holds the life of each.
    """

    def __init__(
        self,
        network: Network,
        switchboard: Switchboard,
        rosters: Rosters,
        clock: Callable[[], int],
        group: asyncio.TaskGroup,
    ) -> None:
        self._network = network
        self.switchboard, self.rosters, self.clock = switchboard, rosters, clock
        self._group = group
        self._all: dict[str, Peer] = {}
        self._live: dict[Place, Peer] = {}
        self._pending: dict[Place, Peer] = {}

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Every one, connected or not yet."""
        return tuple(self._all.values())

    async def publish(self, place: Place, text: str) -> Publication:
        """Answer an offer. An earlier one that is still connecting gives way at once, a live one when this is up.

        Raises:
            Invalid: subject `sdp`: it cannot be read, or offers nothing that we take; nothing was begun.
            Busy: No UDP port is free.
        """
        offer = read_offer(text)
        deals = settle(offer)
        peer = Peer(place, secrets.token_urlsafe(24), offer, deals, self)
        answer = await peer.open(self._network)
        waiting = self._pending.get(place)
        if waiting:
            waiting.stop("replaced")
        self._all[peer.resource] = self._pending[place] = peer
        peer.task = self._group.create_task(self._keep(peer))
        return Publication(peer.resource, answer, peer.etag)

    async def trickle(self, resource: str, text: str, etag: str | None) -> Publication:
        """Take a fragment: candidates, or the credentials of an ICE restart.

        Raises:
            NotFound: No such publication.
            Invalid: subject `sdp`: malformed; `etag`: it is for another ICE session than the present one.
            Busy: No UDP port is free for a restart.
        """
        peer = self._find(resource)
        answer = await peer.trickle(read_fragment(text), etag)
        return Publication(resource, answer, peer.etag)

    async def unpublish(self, resource: str) -> None:
        """End one.

        Raises:
            NotFound: No such publication.
        """
        await self._end([self._find(resource)], "unpublished")

    async def remove_user(self, channel: ChannelKey, user_id: UserId) -> bool:
        """End all of a user; whether there were any."""
        peers = [peer for peer in self.peers if (peer.place.channel, peer.place.user_id) == (channel, user_id)]
        await self._end(peers, "removed")
        return bool(peers)

    async def close_channel(self, channel: ChannelKey) -> None:
        """End all of a channel."""
        await self._end([peer for peer in self.peers if peer.place.channel == channel], "channel closed")

    async def close(self) -> None:
        """End all."""
        await self._end(list(self.peers), "the gateway ends")

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

    async def _keep(self, peer: Peer) -> None:
        try:
            await peer.run()
        except Exception:  # noqa: BLE001 - a bug in one publication must not end the others
            _log.exception("publication failed", **peer.place.log)
        finally:
            self._over(peer)

    def _over(self, peer: Peer) -> None:
        place = peer.place
        self._all.pop(peer.resource, None)
        self._drop(self._pending, peer)
        if self._drop(self._live, peer):
            self.rosters.exit(place.channel, place.user_id, place.source, self.clock())

    @staticmethod
    def _drop(table: dict[Place, Peer], peer: Peer) -> bool:
        mine = table.get(peer.place) is peer
        if mine:
            del table[peer.place]
        return mine

    def _find(self, resource: str) -> Peer:
        peer = self._all.get(resource)
        if peer is None:
            raise NotFound("publication", "no such publication")
        return peer

    @staticmethod
    async def _end(peers: list[Peer], reason: str) -> None:
        tasks = [peer.task for peer in peers if peer.task]
        for peer in peers:
            peer.stop(reason)
        if tasks:
            await asyncio.wait(tasks, timeout=5)
