"""One attempt to push: from a URL to a connection that takes tags, each step with a time limit; then its watch."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

from openmpu.media.outputs import flv, sockets, tls
from openmpu.media.outputs.dialing import Allowed, Resolve, dial, look_up
from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step, broken, timed_out, tls_failed
from openmpu.media.outputs.liveness import Flow, Liveness
from openmpu.media.outputs.peer import Peer
from openmpu.media.outputs.settings import ConnectionSettings
from openmpu.media.packets import StreamFormat
from openmpu.model.urls import DEFAULT_PORTS, IngestUrl
from openmpu.wire.rtmp.events import Connected, HandshakeDone, Published, PublisherEvent
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.messages import Tag
from openmpu.wire.rtmp.publisher import PublishAddress, Publisher

_GOODBYE_S = 1.0
"""For the server to read to the end and close, after all bytes have left."""
_POLL_S = 0.02
_LEAST_WINDOW, _MOST_WINDOW = 2 << 10, 128 << 10


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an output is given by its owner.

    Attributes:
        allowed: Which addresses it may connect to.
        now: Nanoseconds of a monotonic clock.
        resolve: Host name to addresses.
    """

    allowed: Allowed
    now: Callable[[], int] = time.monotonic_ns
    resolve: Resolve = look_up


class Connection:
    """An accepted publish. Its owner writes while there is `room`, and watches; `connect` makes it."""

    def __init__(self, peer: Peer, settings: ConnectionSettings, now: Callable[[], int], window: int) -> None:
        self._peer, self._settings, self._now = peer, settings, now
        self._liveness = Liveness(now(), settings.stall, window)
        self._settled = False
        self._socket: socket.socket = peer.transport.get_extra_info("socket")
        peer.on_acknowledged = lambda total: self._liveness.acknowledged(now(), total, peer.written)

    @property
    def room(self) -> bool:
        """Whether a tag written now goes straight to the kernel."""
        return self._peer.room

    @property
    def over(self) -> bool:
        """Whether nothing more can go out."""
        return self._peer.transport.is_closing()

    @property
    def written(self) -> int:
        """Bytes written so far, the protocol's own included."""
        return self._peer.written

    def write(self, tag: Tag) -> None:
        """Send a tag; never waits."""
        self._peer.publish(tag)

    def settle(self) -> None:
        """The server took the first media. Before, hanging up is its way to refuse: nginx says yes and closes."""
        self._settled = True

    async def watch(self, on_check: Callable[[], None]) -> NoReturn:
        """Look after the connection, and call `on_check` in between, until it is over.

        Raises:
            AttemptFailed: At step MEDIA: it is lost, was ended by the server, or stands still.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.check / 1e9):
                    event = await self._peer.event()
                raise broken(Step.MEDIA if self._settled else Step.PUBLISH, event, self._peer.lost)
            self._check()
            on_check()

    async def close(self, within_s: float) -> None:
        """Let all that was written leave, end the stream and the connection in good order; or cut it off in time."""
        self._peer.finish()
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._emptied()
                await self._part()
        self.abort()

    def abort(self) -> None:
        """Cut the connection off."""
        self._peer.transport.abort()

    def _flow(self) -> Flow:
        outstanding = self._peer.transport.get_write_buffer_size() + sockets.unacknowledged(self._socket)
        taken = sockets.acknowledged(self._socket)
        return Flow(outstanding, self._peer.written - outstanding if taken is None else taken)

    def _check(self) -> None:
        trouble = self._liveness.trouble(self._now(), self._flow(), self._peer.written)
        if trouble:
            raise AttemptFailed(Step.MEDIA, ErrorCode.CONNECTION_LOST, trouble)

    async def _emptied(self) -> None:
        while not self._peer.transport.is_closing() and self._flow().outstanding:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(_POLL_S)

    async def _part(self) -> None:
        transport = self._peer.transport
        if transport.can_write_eof():
            transport.write_eof()  # the server reads to the end, closes, and that closes ours
        else:
            transport.close()
        async with asyncio.timeout(_GOODBYE_S):
            await self._peer.closed()


async def connect(
    url: IngestUrl,
    stream: StreamFormat,
    settings: ConnectionSettings,
    surroundings: Surroundings,
    *,
    on_step: Callable[[Step], None],
    on_room: Callable[[], None],
) -> Connection:
    """Go all steps up to an accepted publish.

    Raises:
        AttemptFailed: At the step that `on_step` told last.
    """
    on_step(Step.DNS)
    sock = await dial(
        url.host, url.port, settings, surroundings.allowed, surroundings.resolve, lambda: on_step(Step.TCP)
    )
    window = _ack_window(stream)
    peer = Peer(_publisher(url, stream, window), on_room)
    if url.tls:
        on_step(Step.TLS)
    await _attach(peer, sock, url, settings)
    try:
        for step, wanted in ((Step.HANDSHAKE, HandshakeDone), (Step.CONNECT, Connected), (Step.PUBLISH, Published)):
            on_step(step)
            await _await(peer, step, wanted, settings)
    except BaseException:
        peer.transport.abort()
        raise
    return Connection(peer, settings, surroundings.now, window)


def _publisher(url: IngestUrl, stream: StreamFormat, window: int) -> Publisher:
    scheme = "rtmps" if url.tls else "rtmp"
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = "" if url.port == DEFAULT_PORTS[scheme] else f":{url.port}"
    address = PublishAddress(f"{scheme}://{host}{port}/{url.app}", url.app, url.stream)
    return Publisher(address, os.urandom(NOISE_SIZE), ack_window=window, codecs=flv.codecs(stream))


def _ack_window(stream: StreamFormat) -> int:
    """Bytes in a fifth of a second: with acknowledgements so often it shows soon when nobody reads any more."""
    kbps = (stream.video.bitrate_kbps if stream.video else 0) + (stream.audio.bitrate_kbps if stream.audio else 0)
    return max(_LEAST_WINDOW, min(kbps * 1000 // 8 // 5, _MOST_WINDOW))


async def _attach(peer: Peer, sock: socket.socket, url: IngestUrl, settings: ConnectionSettings) -> None:
    """Put the peer on the socket, TLS between them if the URL wants it."""
    loop = asyncio.get_running_loop()
    if not url.tls:
        await loop.create_connection(lambda: peer, sock=sock)
        return
    try:
        async with _limited(Step.TLS, settings):
            context = await asyncio.to_thread(tls.context, settings.ca_file)
            await loop.create_connection(
                lambda: peer, sock=sock, ssl=context, server_hostname=url.host, ssl_shutdown_timeout=_GOODBYE_S
            )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: a host name that TLS cannot take
        sock.close()
        raise tls_failed(error) from None


async def _await(peer: Peer, step: Step, wanted: type[PublisherEvent], settings: ConnectionSettings) -> None:
    async with _limited(step, settings):
        event = await peer.event()
    if not isinstance(event, wanted):
        raise broken(step, event, peer.lost)


@asynccontextmanager
async def _limited(step: Step, settings: ConnectionSettings) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(settings.limits_s[step]):
            yield
    except TimeoutError:
        raise timed_out(step) from None
