"""One publication: a publisher's transport, what is received over it, and the tracks that come of that.

Knows the switchboard as a place to put frames, and its owner (`Owner`) by what it tells it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from openmpu.errors import Invalid
from openmpu.gateway.addresses import Network
from openmpu.gateway.figures import PeerFigures, TrackFigures
from openmpu.gateway.ice import IceSession
from openmpu.gateway.receiving import Ends, PeerTransport, Remote
from openmpu.gateway.switchboard import Switchboard
from openmpu.gateway.tracks import Tracks
from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.roster import Source, Track
from openmpu.wire.whip.answers import Here, dtls_setup, write_answer
from openmpu.wire.whip.candidates import Credentials
from openmpu.wire.whip.deals import Deal
from openmpu.wire.whip.fragments import Fragment, write_fragment
from openmpu.wire.whip.offers import Offer

_log = structlog.get_logger()


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


class Peer:
    """One publication, from its offer to its end. `open`, then `run`; `stop` at any time.

    Attributes:
        resource: Unguessable id of its WHIP session.
        etag: Of the present ICE session; a restart changes it.
        task: Runs it; its owner's.
    """

    def __init__(self, place: Place, resource: str, offer: Offer, deals: tuple[Deal, ...], owner: Owner) -> None:
        self.place, self.resource = place, resource
        self.etag = _etag()
        self.task: asyncio.Task[None] | None = None
        self._offer, self._deals, self._owner = offer, deals, owner
        self._remote = offer.credentials
        self._session = secrets.randbits(62)
        self._reason = ""
        self._restart: asyncio.Task[None] | None = None
        self._transport: PeerTransport | None = None
        self._tracks = Tracks(place.source, deals, owner.switchboard, owner.clock, self._send, self._changed)
        self._log = _log.bind(**place.log, publication=resource[:6])

    async def open(self, network: Network) -> str:
        """Bind sockets and answer; nothing is left when that fails.

        Raises:
            Busy: No UDP port is free.
        """
        ends = Ends(dtls_setup(self._offer) == "active", old_curves=self._offer.maker == "FFmpeg")
        transport = PeerTransport(network, self._tracks, self._owner.clock, ends)
        try:
            ice = await transport.open()
        except BaseException:
            await transport.close()
            raise
        self._transport = transport
        return write_answer(self._offer, self._deals, self._here(transport, ice))

    async def run(self) -> None:
        """Connect, receive, and clear away; returns when it is over."""
        transport = self._opened
        try:
            await transport.connect(self._remote_end())
        except ConnectionError as error:
            self._log.warning("publisher cannot be reached", reason=str(error))
        else:
            await self._receive(transport)
        finally:
            await self._clear_away(transport)

    async def _receive(self, transport: PeerTransport) -> None:
        self._log.info("publisher connected")
        self._owner.connected(self)
        self._tracks.start()
        self._reason = await transport.wait()

    def stop(self, reason: str) -> None:
        """End it; `run` then returns."""
        self._reason = reason
        if self.task:
            self.task.cancel()

    async def trickle(self, fragment: Fragment, etag: str | None) -> str:
        """Take candidates; or restart ICE, and give the fragment that answers it.

        Raises:
            Invalid: subject `etag`: it is about another ICE session.
            Busy: No UDP port is free for a restart.
        """
        if etag is not None and etag != self.etag:
            raise Invalid("etag", "the ETag is not that of the present ICE session")
        if fragment.credentials and fragment.credentials != self._remote:
            return await self._restart_ice(fragment, fragment.credentials)
        await self._opened.trickle(fragment.candidates)
        return ""

    def figures(self) -> PeerFigures:
        """What was thrown away."""
        transport = self._opened
        return PeerFigures(transport.undecrypted, transport.malformed + self._tracks.malformed)

    def measure(self) -> Iterator[TrackFigures]:
        """Figures of its tracks."""
        return self._tracks.measure(self.place.channel, self.place.user_id)

    @property
    def _opened(self) -> PeerTransport:
        assert self._transport  # noqa: S101 - open() comes first
        return self._transport

    def _remote_end(self) -> Remote:
        offer = self._offer
        return Remote(offer.credentials, offer.fingerprints, offer.candidates)

    def _here(self, transport: PeerTransport, ice: IceSession) -> Here:
        return Here(ice.local, tuple(ice.told), transport.fingerprints, self._session)

    async def _restart_ice(self, fragment: Fragment, credentials: Credentials) -> str:
        """The answer at once, the new session beside the old one; whichever works is used."""
        transport = self._opened
        session = await transport.prepare_restart()
        await session.add_candidates(fragment.candidates)
        self._remote, self.etag = credentials, _etag()
        if self._restart:
            self._restart.cancel()
        self._restart = asyncio.get_running_loop().create_task(self._move(transport, session, credentials))
        section = next(deal.section for deal in self._deals if deal.codecs)
        return write_fragment(self._here(transport, session), section.kind, section.mid)

    async def _move(self, transport: PeerTransport, session: IceSession, credentials: Credentials) -> None:
        try:
            await transport.restart(session, credentials)
            self._log.info("ice restarted")
        except ConnectionError as error:
            self._log.warning("ice restart failed", reason=str(error))

    async def _clear_away(self, transport: PeerTransport) -> None:
        if self._reason:
            self._log.info("publisher gone", reason=self._reason)
        if self._restart:
            self._restart.cancel()
        self._tracks.close()
        await transport.close()

    def _send(self, data: bytes) -> None:
        self._opened.send_rtcp(data)

    def _changed(self, tracks: tuple[Track, ...]) -> None:
        self._owner.tracks_changed(self, tracks)


def _etag() -> str:
    return secrets.token_urlsafe(9)
