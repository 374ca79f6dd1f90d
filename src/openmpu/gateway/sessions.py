"""One WebRTC session, whichever way its media goes: from its offer over its transport to its end; and all of them.

What is carried (`Media`) is the business of publications (`peers.py`) and players (`players.py`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog

from openmpu.errors import Invalid, NotFound
from openmpu.gateway.addresses import Network
from openmpu.gateway.ice import IceSession
from openmpu.gateway.receiving import Ends, MediaTaker, PeerTransport, Remote
from openmpu.model.reports import Publication
from openmpu.wire.whip.answers import Here, dtls_setup, write_answer
from openmpu.wire.whip.candidates import Credentials
from openmpu.wire.whip.deals import Deal
from openmpu.wire.whip.fragments import Fragment, read_fragment, write_fragment
from openmpu.wire.whip.offers import Offer

_log = structlog.get_logger()
ENDED_WITHIN_S = 5.0


class Media(MediaTaker, Protocol):
    """What a session carries."""

    def start(self) -> None:
        """The connection is up."""
        ...

    def close(self) -> None:
        """It is over."""
        ...

    @property
    def malformed(self) -> int:
        """Packets that could not be read."""
        ...


class Session:
    """From its offer to its end. `open`, then `run`; `stop` at any time.

    Args:
        who: `publisher` or `player`, for the log.
        offer: Read.
        deals: What is agreed on.
        media: What it carries.
        clock: Nanoseconds, never backwards.
        log: More for the log.
        played: Name of the task that is played; empty for a publication.

    Attributes:
        resource: Unguessable id of its URL.
        etag: Of the present ICE session; a restart changes it.
        task: Runs it; its owner's.
    """

    def __init__(
        self,
        who: str,
        offer: Offer,
        deals: tuple[Deal, ...],
        media: Media,
        clock: Callable[[], int],
        log: dict[str, str],
        played: str = "",
    ) -> None:
        self.played = played
        self.resource, self.etag = secrets.token_urlsafe(24), _etag()
        self.task: asyncio.Task[None] | None = None
        self._who, self._offer, self._deals = who, offer, deals
        self._media, self._clock = media, clock
        self._remote = offer.credentials
        self._number = secrets.randbits(62)
        self._reason = ""
        self._restart: asyncio.Task[None] | None = None
        self._transport: PeerTransport | None = None
        self._log = _log.bind(**log, session=self.resource[:6])

    async def open(self, network: Network) -> Publication:
        """Bind sockets and answer; nothing is left when that fails.

        Raises:
            Busy: No UDP port is free.
        """
        ends = Ends(dtls_setup(self._offer) == "active", old_curves=self._offer.maker == "FFmpeg")
        transport = PeerTransport(network, self._media, self._clock, ends)
        try:
            ice = await transport.open()
        except BaseException:
            await transport.close()
            raise
        self._transport = transport
        return Publication(self.resource, write_answer(self._offer, self._deals, self._here(transport, ice)), self.etag)

    async def run(self) -> None:
        """Connect, carry, and clear away; returns when it is over."""
        transport = self.transport
        try:
            await transport.connect(self._remote_end())
        except ConnectionError as error:
            self._log.warning(f"{self._who} cannot be reached", reason=str(error))
        else:
            self._log.info(f"{self._who} connected")
            self.connected()
            self._media.start()
            self._reason = await transport.wait()
        finally:
            await self._clear_away(transport)

    def connected(self) -> None:
        """Its connection is up."""

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
        await self.transport.trickle(fragment.candidates)
        return ""

    @property
    def transport(self) -> PeerTransport:
        """After `open`."""
        assert self._transport  # noqa: S101 - open() comes first
        return self._transport

    def _remote_end(self) -> Remote:
        offer = self._offer
        return Remote(offer.credentials, offer.fingerprints, offer.candidates)

    def _here(self, transport: PeerTransport, ice: IceSession) -> Here:
        return Here(ice.local, tuple(ice.told), transport.fingerprints, self._number)

    async def _restart_ice(self, fragment: Fragment, credentials: Credentials) -> str:
        """The answer at once, the new session beside the old one; whichever works is used."""
        transport = self.transport
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
            self._log.info(f"{self._who} gone", reason=self._reason)
        if self._restart:
            self._restart.cancel()
        self._media.close()
        await transport.close()


class Sessions:
    """Every session of a gateway, found by its resource.

    Args:
        group: Holds the life of each.
    """

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._all: dict[str, Session] = {}

    def begin(self, session: Session, over: Callable[[], None]) -> None:
        """Run an opened one; `over` is called when it has ended, however that came."""
        self._all[session.resource] = session
        session.task = self._group.create_task(self._keep(session, over))

    async def trickle(self, resource: str, text: str, etag: str | None, played: str = "") -> Publication:
        """Take a fragment: candidates, or the credentials of an ICE restart.

        Args:
            resource: Which session.
            text: The fragment.
            etag: Of the ICE session that is meant; None: of any.
            played: The task whose player speaks; empty: a publisher does.

        Raises:
            NotFound: No such session.
            Invalid: subject `sdp`: malformed; `etag`: it is for another ICE session than the present one.
            Busy: No UDP port is free for a restart.
        """
        session = self._find(resource, played)
        answer = await session.trickle(read_fragment(text), etag)
        return Publication(resource, answer, session.etag)

    async def end(self, resource: str, played: str = "") -> None:
        """End one; `played` as in `trickle`.

        Raises:
            NotFound: No such session.
        """
        await end_all([self._find(resource, played)], "ended by its owner")

    async def close(self) -> None:
        """End all."""
        await end_all(self._all.values(), "the gateway ends")

    async def _keep(self, session: Session, over: Callable[[], None]) -> None:
        try:
            await session.run()
        except Exception:  # noqa: BLE001 - a bug in one session must not end the others
            _log.exception("session failed", session=session.resource[:6])
        finally:
            self._all.pop(session.resource, None)
            over()

    def _find(self, resource: str, played: str) -> Session:
        """Whoever may watch a task cannot touch a publication, or a player of another task, whose name they know."""
        session = self._all.get(resource)
        if session is None or session.played != played:
            raise NotFound("publication", "no such session")
        return session


async def end_all(sessions: Iterable[Session], reason: str) -> None:
    """End these, side by side."""
    stopped = list(sessions)
    tasks: list[asyncio.Task[Any]] = [session.task for session in stopped if session.task]
    for session in stopped:
        session.stop(reason)
    if tasks:
        await asyncio.wait(tasks, timeout=ENDED_WITHIN_S)


def _etag() -> str:
    return secrets.token_urlsafe(9)
