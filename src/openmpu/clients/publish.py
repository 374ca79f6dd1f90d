"""The core of `openmpu publish`: a WebRTC publisher that stays connected until it is told to stop."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiortc import RTCRtpSender
from aiortc.stats import RTCRemoteInboundRtpStreamStats

from openmpu.clients.publish_options import PublishOptions, open_feeds
from openmpu.clients.session import Session, Stream
from openmpu.clients.whip import WhipClient
from openmpu.errors import Busy, DestinationFailed
from openmpu.model.roster import Kind
from openmpu.timing.backoff import Backoff
from openmpu.wire.tokens import make_one_string

_GOOD_SECONDS = 10.0
"""A connection that held this long was a good one: the next failure counts as the first again."""
_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class PublishFigures:
    """How a publisher is doing, once a second.

    Attributes:
        state: `connecting`, `publishing`, `waiting` (to try again) or `ended`.
        connects: Connections that came about so far.
        frames: Video frames sent, over all connections; `fps` and `bitrate_kbps` over the last second.
        key_frames: Of them, key frames; `key_requests`: how often the server asked for one.
        lost: Packets that the server reports as lost on this connection.
        last_error: Why the last connection failed or was lost.
    """

    state: str = "connecting"
    connects: int = 0
    frames: int = 0
    key_frames: int = 0
    key_requests: int = 0
    fps: float = 0.0
    bitrate_kbps: float = 0.0
    lost: int = 0
    round_trip_ms: float | None = None
    last_error: str = ""


FiguresListener = Callable[[PublishFigures], None]


async def publish(options: PublishOptions, on_figures: FiguresListener | None = None) -> None:
    """Publish until the time or the input is over, or until cancelled; reconnects by itself.

    Args:
        options: What to send and where.
        on_figures: Called once a second and at the end.

    Raises:
        Invalid, Missing: An option, the input or the server's answer cannot be used; nothing was published.
        Denied, NotFound: The server refuses.
    """
    options.check()
    streams = [Stream(feed) for feed in await asyncio.to_thread(open_feeds, options)]
    publisher = _Publisher(options, streams, on_figures or (lambda _: None))
    try:
        async with asyncio.timeout(options.seconds):
            await publisher.run()
    except TimeoutError:
        pass
    finally:
        publisher.end()


class _Publisher:
    def __init__(self, options: PublishOptions, streams: list[Stream], on_figures: FiguresListener) -> None:
        self._options, self._streams, self._on_figures = options, streams, on_figures
        self._figures = PublishFigures()
        self._senders: list[RTCRtpSender] = []
        self._backoff = Backoff()
        self._failures = 0

    async def run(self) -> None:
        ticker, client = asyncio.create_task(self._tell_figures()), WhipClient()
        try:
            while not await self._connection(client):
                self._note(state="waiting")
                delay = self._backoff.delay(self._failures, random.random())  # noqa: S311 - no secret
                await asyncio.sleep(delay / 1e9)
        finally:
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
            await client.close()

    def end(self) -> None:
        """Give back threads and files, and say so."""
        for stream in self._streams:
            stream.close()
        self._count()
        self._note(state="ended")

    async def _connection(self, client: WhipClient) -> bool:
        """One connection from begin to end; whether the input is over."""
        self._note(state="connecting")
        loop = asyncio.get_running_loop()
        begun, token, session = loop.time(), self._token(), Session(self._streams, fits=not self._options.full_size)
        try:
            await session.open(client, self._options.endpoint(token))
            begun, self._senders = loop.time(), session.senders
            self._note(state="publishing", connects=self._figures.connects + 1)
            await session.hold()
        except (Busy, DestinationFailed) as error:
            self._failures = 1 if loop.time() - begun >= _GOOD_SECONDS else self._failures + 1
            self._note(last_error=f"{error.subject}: {error.message}")
            return False
        finally:
            self._senders = []
            await session.close(client, token)
        return True

    def _token(self) -> str:
        o = self._options
        expires_at = int(time.time()) + _TOKEN_SECONDS
        return o.token or make_one_string(o.app_id, o.key, o.channel_id, o.user_id, expires_at)

    def _note(self, **changes: object) -> None:
        self._figures = replace(self._figures, **changes)  # type: ignore[arg-type]
        self._on_figures(self._figures)

    async def _tell_figures(self) -> None:
        while True:
            before, counted = asyncio.get_running_loop().time(), self._count()
            await asyncio.sleep(1)
            lost, round_trip = await self._reports()
            seconds = asyncio.get_running_loop().time() - before
            frames, size = (now - then for now, then in zip(self._count(), counted, strict=True))
            self._note(
                fps=round(frames / seconds, 1),
                bitrate_kbps=round(size * 8 / seconds / 1000, 1),
                lost=lost,
                round_trip_ms=None if round_trip is None else round(round_trip * 1000, 1),
            )

    def _count(self) -> tuple[int, int]:
        """Video frames and bytes sent so far."""
        video = [stream.sent for stream in self._streams if stream.feed.kind is Kind.VIDEO]
        self._figures = replace(
            self._figures,
            frames=sum(sent.frames for sent in video),
            key_frames=sum(sent.keys for sent in video),
            key_requests=sum(sent.key_requests for sent in video),
        )
        return self._figures.frames, sum(stream.sent.bytes for stream in self._streams)

    async def _reports(self) -> tuple[int, float | None]:
        """Packets lost and the round trip in seconds, from the server's latest receiver reports."""
        lost, round_trip = 0, None
        for sender in tuple(self._senders):
            for entry in (await sender.getStats()).values():
                if isinstance(entry, RTCRemoteInboundRtpStreamStats):
                    lost += entry.packetsLost
                    round_trip = entry.roundTripTime
        return lost, round_trip
