"""Who plays what tasks make: sessions begun by an offer (WHEP), fed for as long as there is something to play.

A player outlives the worker that feeds it: the next worker of the same task goes on where the last one stopped.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from openmpu.errors import Limited, NotFound
from openmpu.gateway.addresses import Network
from openmpu.gateway.playback import Playback, Wire
from openmpu.gateway.programmes import CLOCK_RATES, Offering, Programmes
from openmpu.gateway.sessions import Session, Sessions
from openmpu.gateway.switchboard import Switchboard
from openmpu.model.ids import TaskKey
from openmpu.model.reports import Publication
from openmpu.model.roster import Kind
from openmpu.wire.rtp.sender import SendParameters
from openmpu.wire.whip.deals import Deal, Sent
from openmpu.wire.whip.offers import Offer, read_offer
from openmpu.wire.whip.plays import settle_play

COMES_WITHIN_S: Final = 3.0
"""A task that was only just started presents its tracks within this time."""
RETURNS_WITHIN_S: Final = 20.0
"""A worker that was lost has a successor within this time, or its task is over for whoever plays it."""
_USUAL: Final = {Kind.VIDEO: "h264", Kind.AUDIO: "opus"}


@dataclass(slots=True)
class Audience:
    """Who plays one task.

    Attributes:
        bytes_sent: To those who are gone; likewise `packets_again` and `pauses`.
    """

    players: set[Player]
    waiting: set[asyncio.Future[None]]
    given_up: asyncio.TimerHandle | None = None
    bytes_sent: int = 0
    packets_again: int = 0
    pauses: int = 0

    def forget(self, player: Player) -> None:
        """One is gone; its counts stay."""
        self.players.discard(player)
        self.bytes_sent += player.playback.bytes_sent
        self.packets_again += player.playback.packets_again
        self.pauses += player.playback.pauses


class Players:
    """The players of one gateway.

    Args:
        network: Addresses and ports.
        sessions: Keeps the life of each.
    """

    def __init__(
        self, network: Network, switchboard: Switchboard, clock: Callable[[], int], sessions: Sessions
    ) -> None:
        self._network, self._switchboard, self._clock, self._sessions = network, switchboard, clock, sessions
        self.programmes = Programmes(switchboard, self._changed)
        self._audiences: dict[TaskKey, Audience] = {}

    async def play(self, task: TaskKey, text: str, most: int) -> Publication:
        """Answer a player's offer.

        Raises:
            Invalid: subject `sdp`: it cannot be read, or would receive nothing.
            Unsupported: subject `codec`: it does not take what the task makes.
            Limited: subject `players`: as many as may play the task already.
            NotFound: subject `programme`: the task makes nothing now.
            Busy: No UDP port is free.
        """
        offer = read_offer(text, plays=True)
        audience = self._audiences.setdefault(task, Audience(set(), set()))
        try:
            await self._there(task, audience)
            if most and len(audience.players) >= most:
                raise Limited("players", f"{most} players watch {task} already")
            player = self._player(task, offer)
            audience.players.add(player)
            try:
                publication = await player.open(self._network)
            except BaseException:
                audience.players.discard(player)
                raise
        finally:
            self._tidy(task, audience)
        self._sessions.begin(player, lambda: self._over(player))
        return publication

    def measure(self) -> Iterator[dict[str, Any]]:
        """Figures of each task that is or was played."""
        for task, audience in self._audiences.items():
            yield played(task, audience, self.programmes.dropped(task))

    def _player(self, task: TaskKey, offer: Offer) -> Player:
        there = self.programmes.tracks(task)
        codecs = {kind: there[kind].codec if kind in there else usual for kind, usual in _USUAL.items()}
        sent = _sources()
        named = {kind.value: codec for kind, codec in codecs.items()}
        deals = settle_play(offer, named, sent)
        return Player(task, offer, deals, there, self._switchboard, self._clock)

    async def _there(self, task: TaskKey, audience: Audience) -> None:
        """Wait until the task makes something."""
        if self.programmes.tracks(task):
            return
        comes = asyncio.get_running_loop().create_future()
        audience.waiting.add(comes)
        try:
            async with asyncio.timeout(COMES_WITHIN_S):
                await comes
        except TimeoutError:
            raise NotFound("programme", f"{task} makes nothing that could be played now") from None
        finally:
            audience.waiting.discard(comes)

    def _changed(self, task: TaskKey) -> None:
        """A task got or lost a track."""
        audience = self._audiences.get(task)
        if audience is None:
            return
        there = self.programmes.tracks(task)
        for player in tuple(audience.players):
            if not player.playback.offer(there):
                player.stop("the codec changed")
        if there:
            for comes in audience.waiting:
                if not comes.done():
                    comes.set_result(None)
        self._expect(task, audience, there)

    def _expect(self, task: TaskKey, audience: Audience, there: dict[Kind, Offering]) -> None:
        """Where nothing is to be played any more, give the next worker some time."""
        if there and audience.given_up:
            audience.given_up.cancel()
            audience.given_up = None
        elif not there and audience.given_up is None:
            audience.given_up = asyncio.get_running_loop().call_later(RETURNS_WITHIN_S, self.give_up, task)

    def give_up(self, task: TaskKey) -> None:
        """The task is over: nobody plays it any more."""
        audience = self._audiences.get(task)
        if audience is None or self.programmes.tracks(task):
            return
        for player in audience.players:
            player.stop("the task is over")
        if audience.given_up:
            audience.given_up.cancel()
        if not audience.players:
            del self._audiences[task]
        else:
            audience.given_up = None

    def _over(self, player: Player) -> None:
        audience = self._audiences.get(player.task_key)
        if audience:
            audience.forget(player)
            self._tidy(player.task_key, audience)

    def _tidy(self, task: TaskKey, audience: Audience) -> None:
        """Forget who played a task that is over; one that goes on keeps its counts."""
        idle = not audience.players and not audience.waiting
        if idle and not self.programmes.tracks(task) and self._audiences.get(task) is audience:
            if audience.given_up:
                audience.given_up.cancel()
            del self._audiences[task]


def played(task: TaskKey, audience: Audience, dropped: int) -> dict[str, Any]:
    """Figures of one task, flat names as the status and the metrics show them."""
    playbacks = [player.playback for player in audience.players]
    return {
        "app_id": task.app_id,
        "task_id": task.task_id,
        "players": len(playbacks),
        "played_bytes": audience.bytes_sent + sum(each.bytes_sent for each in playbacks),
        "played_packets_again": audience.packets_again + sum(each.packets_again for each in playbacks),
        "played_pauses": audience.pauses + sum(each.pauses for each in playbacks),
        "played_dropped": dropped,
    }


class Player(Session):
    """One player of one task."""

    def __init__(
        self,
        task: TaskKey,
        offer: Offer,
        deals: tuple[Deal, ...],
        there: dict[Kind, Offering],
        switchboard: Switchboard,
        clock: Callable[[], int],
    ) -> None:
        self.task_key = task
        agreed = {Kind(deal.section.kind): _parameters(deal) for deal in deals if deal.sent}
        cname = next(deal.sent.cname for deal in deals if deal.sent)
        self.playback = Playback(agreed, cname, switchboard, clock, Wire(self._send_rtp, self._send_rtcp))
        self.playback.offer(there)
        super().__init__("player", offer, deals, self.playback, clock, {"task": str(task)}, str(task))

    def _send_rtp(self, data: bytes) -> None:
        self.transport.send_rtp(data)

    def _send_rtcp(self, data: bytes) -> None:
        self.transport.send_rtcp(data)


def _sources() -> dict[str, Sent]:
    """Of each kind, all different."""
    cname = secrets.token_urlsafe(12)
    ssrcs = set[int]()
    while len(ssrcs) < 3:
        ssrcs.add(secrets.randbelow((1 << 32) - 1) + 1)
    video, rtx, audio = ssrcs
    return {"video": Sent(video, rtx, cname), "audio": Sent(audio, None, cname)}


def _parameters(deal: Deal) -> tuple[str, SendParameters]:
    assert deal.sent  # noqa: S101 - the caller looked
    (codec,), sent = deal.codecs, deal.sent
    rtx = (sent.rtx, codec.rtx) if sent.rtx is not None and codec.rtx is not None else None
    numbers = (secrets.randbits(15), secrets.randbits(15), secrets.randbits(32))
    rate = CLOCK_RATES[Kind(deal.section.kind)]
    return codec.name, SendParameters(sent.ssrc, codec.payload_type, rate, rtx, *numbers)
