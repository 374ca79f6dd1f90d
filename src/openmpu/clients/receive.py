"""An RTMP receiver for one stream at a time: takes publishers, saves what they send, counts it.

For the demo, the command `openmpu receive`, and test rigs; the protocol itself is `wire/rtmp/server.py`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from openmpu.clients.rtmp_address import ListenAddress
from openmpu.clients.rtmp_figures import SECOND, Figures, Meter
from openmpu.clients.rtmp_file import FlvFile
from openmpu.clients.rtmp_guest import Guest
from openmpu.errors import Invalid
from openmpu.wire.rtmp.messages import Tag

_log = structlog.get_logger()

SILENT = 2 * SECOND
"""A publisher that has said nothing for so long may be a dead one's remains: a new one takes its place."""
FIGURES_EVERY_S = 1.0
GOODBYE_S = 1.0
"""For publishers to end their side when the receiver stops."""


class Receiver:
    """Listens from `start` to `stop`. One publisher at a time; who comes meanwhile is refused (`BadName`).

    Args:
        listen_url: `rtmp://host:port/app/stream`; port 0: the system chooses, see `url`.
        save: FLV file for the tags of all connections, one behind the other; overwritten.
        on_tag: Called with every tag and the time of its arrival.
        tls: Serve RTMPS with this; the URL still says rtmp.
        now: Nanoseconds of a monotonic clock.

    Raises:
        Invalid: The URL cannot be, or the file cannot be written.
    """

    def __init__(
        self,
        listen_url: str,
        save: Path | None = None,
        *,
        on_tag: Callable[[Tag, int], None] | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = ListenAddress.parse(listen_url)
        self._file = FlvFile(save) if save else None
        self._on_tag, self._tls, self._now = on_tag, tls, now
        self._meter = Meter()
        self._server: asyncio.Server | None = None
        self._guests: set[Guest] = set()
        self._publisher: Guest | None = None
        self._heard_at = 0
        self._broken: asyncio.Future[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; only after `start`."""
        if self._server is None:
            return self._address.port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Where to publish to."""
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        scheme = "rtmps" if self._tls else "rtmp"
        return f"{scheme}://{host}:{self.port}/{self._address.app}/{self._address.stream}"

    def figures(self) -> Figures:
        """What was received so far."""
        return self._meter.figures(self._now())

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            Invalid: The address cannot be listened on, for example because it is in use.
        """
        loop = asyncio.get_running_loop()
        self._broken = loop.create_future()
        host, port = self._address.host, self._address.port
        try:
            self._server = await loop.create_server(lambda: Guest(self), host, port, ssl=self._tls)
        except OSError as error:
            raise Invalid("listen", f"cannot listen on {host}:{port}: {_reason(error)}") from None

    async def run(self) -> None:
        """Wait; returns never, but raises what makes going on senseless. Cancel it to end.

        Raises:
            Invalid: The file cannot be written any more.
        """
        if self._broken is not None:
            await asyncio.shield(self._broken)

    async def stop(self) -> None:
        """Close everything, the file included."""
        if self._server:
            self._server.close()
        await self._send_guests_home()
        if self._server:
            await self._server.wait_closed()
            self._server = None
        if self._file:
            self._file.close()

    def flush(self) -> None:
        """Make what was received visible in the file."""
        if self._file:
            self._file.flush()

    def came(self, guest: Guest) -> None:
        """House: somebody connected."""
        self._guests.add(guest)

    def refusal(self, guest: Guest, app: str, stream: str) -> str | None:
        """House: only our stream, and one publisher at a time, unless the one before has fallen silent."""
        refusal = self._address.refusal(app, stream)
        if refusal or self._publisher in (None, guest):
            return refusal
        return "somebody publishes already" if self._now() - self._heard_at < SILENT else None

    def started(self, guest: Guest) -> None:
        """House: a publisher."""
        if self._publisher and self._publisher is not guest:
            self._publisher.abort()
        self._publisher, self._heard_at = guest, self._now()
        self._meter.connects += 1
        self._meter.live = True
        _log.info("publisher connected", connects=self._meter.connects)

    def tag(self, guest: Guest, tag: Tag) -> None:
        """House: media."""
        if guest is not self._publisher:
            return
        self._heard_at = now = self._now()
        self._meter.take(tag, now)
        self._save(tag)
        if self._on_tag:
            self._on_tag(tag, now)

    def ended(self, guest: Guest) -> None:
        """House: the publisher is no more."""
        if guest is self._publisher:
            self._publisher, self._meter.live = None, False
            _log.info("publisher gone")

    def gone(self, guest: Guest) -> None:
        """House: a connection is closed."""
        self._guests.discard(guest)

    async def _send_guests_home(self) -> None:
        for guest in tuple(self._guests):
            guest.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await asyncio.gather(*(guest.closed.wait() for guest in tuple(self._guests)))
        for guest in tuple(self._guests):
            guest.abort()
        await asyncio.sleep(0)  # transports tell of their end in the loop's next round

    def _save(self, tag: Tag) -> None:
        if self._file is None:
            return
        try:
            self._file.write(tag)
        except Invalid as error:
            with suppress(Invalid):
                self._file.close()
            self._file = None
            if self._broken and not self._broken.done():
                self._broken.set_exception(error)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


async def receive(
    listen: str,
    save: Path | None,
    on_figures: Callable[[Figures], None],
    *,
    seconds: float | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> Figures:
    """Receive until cancelled, or for so many seconds; `on_figures` is called once a second.

    Args:
        listen: As `Receiver` takes it.
        save: FLV file, or None.
        on_figures: Gets the figures of that second.
        seconds: None: until cancelled.
        on_listening: Gets the URL to publish to, once it can be.

    Returns:
        The figures at the end.

    Raises:
        Invalid: The URL or the file cannot be, or the port is in use.
    """
    receiver = Receiver(listen, save)
    try:
        await receiver.start()
        if on_listening:
            on_listening(receiver.url)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await _report(receiver, on_figures)
    finally:
        await receiver.stop()
    return receiver.figures()


async def _report(receiver: Receiver, on_figures: Callable[[Figures], None]) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIGURES_EVERY_S):
                await receiver.run()
        receiver.flush()
        on_figures(receiver.figures())
