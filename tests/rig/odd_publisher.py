"""A publisher whose packets go wrong: the project's own session with a fault between its packets and their encryption."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Self

import httpx

from openmpu.clients.feeds import Feed
from openmpu.clients.sending import Clock, steady_clock
from openmpu.clients.session import Session, Stream
from openmpu.clients.whip import WhipClient, WhipEndpoint, endpoint_url
from openmpu.wire.tokens import make_one_string
from tests.rig import ice_restart
from tests.rig.processes import APP, APP_KEY
from tests.rig.rtp_faults import Fault, Outgoing, other_ssrc, ssrc_of

_FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}


class OddSession(Session):
    """A session that sends what `fault` makes of its packets."""

    def __init__(
        self,
        streams: Sequence[Stream],
        fault: Callable[[Outgoing], Sequence[tuple[float, bytes]]],
        clock: Clock | None = None,
    ) -> None:
        super().__init__(streams, fits=False, clock=clock)
        self._fault = fault
        self._began: float | None = None
        self._late: set[asyncio.Task[None]] = set()

    async def restart_ice(self, token: str) -> None:
        """New credentials over PATCH, a new ICE session, and the old one is gone."""
        ice = await ice_restart.next_ice()
        headers = {**_FRAGMENT, "Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.patch(self._resource, content=ice_restart.restart_fragment(ice), headers=headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        await ice_restart.move(self.senders[0].transport.transport, ice, answer.text)

    async def _take_answer(self, sdp: str) -> None:
        await super()._take_answer(sdp)  # from here on there is one transport for all
        transport = self.senders[0].transport
        self._send = transport._send_rtp
        vars(transport)["_send_rtp"] = self._bend
        for sender in self.senders:  # what is asked of the other SSRC reaches the same sender
            transport._rtp_router.register_sender(sender, ssrc=other_ssrc(sender._ssrc))

    async def _bend(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        for late_s, changed in self._fault(self._outgoing(data, now - self._began)):
            if late_s > 0:
                task = asyncio.create_task(self._send_late(late_s, changed))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
            else:
                await self._send(changed)

    async def _send_late(self, late_s: float, data: bytes) -> None:
        await asyncio.sleep(late_s)
        with contextlib.suppress(ConnectionError):
            await self._send(data)

    def _outgoing(self, data: bytes, at_s: float) -> Outgoing:
        ssrc = ssrc_of(data)
        for sender, track in zip(self.senders, self._tracks, strict=True):
            if ssrc == sender._ssrc:
                last = track.sent.last
                return Outgoing(data, at_s, "audio" if track.kind == "audio" else "video", bool(last and last.key))
        return Outgoing(data, at_s, "rtx")


class OddPublisher:
    """One user whose packets suffer a fault. A context; inside it publishes.

    Attributes:
        connected_at: Nanoseconds of Unix time; the fault's seconds count from about then.
    """

    def __init__(
        self, server_url: str, user: str, feeds: Sequence[Feed], fault: Fault, clock: Clock | None = None
    ) -> None:
        self.streams = [Stream(feed) for feed in feeds]
        self.connected_at = 0
        self._token = make_one_string(APP, APP_KEY, "room", user, int(time.time()) + 3600)
        self._endpoint = WhipEndpoint(endpoint_url(server_url, APP, "room", user, "camera"), self._token)
        self._session = OddSession(self.streams, fault, clock)
        self._client = WhipClient()

    async def __aenter__(self) -> Self:
        await self._session.open(self._client, self._endpoint)
        self.connected_at = time.time_ns()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close(self._client, self._token)
        await self._client.close()
        for stream in self.streams:
            await asyncio.to_thread(stream.close)

    async def restart_ice(self) -> None:
        """As a browser whose network changed."""
        await self._session.restart_ice(self._token)


def fast_clock(speed: float) -> Clock:
    """The wall clock as it stands now, and from then on faster than it is."""
    true = steady_clock()
    began = true()
    return lambda: began + round((true() - began) * speed)
