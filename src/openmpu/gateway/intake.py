"""The UDP sockets of a gateway process, read together: as many datagrams a wake-up as lie ready.

A wake-up costs as much as several datagrams, with caches gone cold. So while datagrams come densely the sockets are
looked at on the beat (beat.py) and not at each datagram; that is all the delay it adds. Knows sockets, no protocols.
"""

from __future__ import annotations

import asyncio
import select
import socket
from contextlib import suppress
from typing import Any

from openmpu.gateway.beat import on_beat

_DENSE_S = 0.025
"""Datagrams nearer to each other than this are dense: sound alone comes every 20 ms, reports of a player do not."""
_MOST_ROUNDS = 32
"""Datagrams of one socket in one look; then everything else of the process has its turn, and the next look at once."""
_LONGEST = 2048
"""Bytes of a datagram; WebRTC keeps below a path's 1500. What is longer is cut, and nobody can decrypt it."""


class UdpPort(asyncio.DatagramTransport):
    """One socket, for its protocol. What cannot be sent at once is lost, as a datagram may be."""

    def __init__(self, intake: Intake, sock: socket.socket, protocol: asyncio.DatagramProtocol) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._intake, self._sock, self._closing = intake, sock, False
        self.protocol = protocol

    def read(self) -> None:
        """Hand on one datagram, if there is one."""
        try:
            data, address = self._sock.recvfrom(_LONGEST)
        except OSError:  # nothing there after all, or what a router said of an earlier datagram of ours
            return
        self.protocol.datagram_received(data, address)

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a datagram."""
        with suppress(OSError):
            self._sock.sendto(data, addr or ())

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._closing

    def close(self) -> None:
        """Close it; its protocol hears of that a moment later."""
        if not self._closing:
            self._closing = True
            self._intake.forget(self._sock.fileno())
            self._sock.close()
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        """The same."""
        self.close()


class Intake:
    """Reads every socket that it was given, on the loop that runs when it is given the first.

    Two states. Waiting: the loop tells of the first datagram. Beating: it is not asked; the sockets are looked at on
    each beat, until nothing came for _DENSE_S.
    """

    def __init__(self) -> None:
        self._ports: dict[int, UdpPort] = {}
        self._poll: select.epoll | None = None
        self._heard_at = 0.0

    def open(self, sock: socket.socket, protocol: asyncio.DatagramProtocol) -> UdpPort:
        """Read that socket, bound and non-blocking, for that protocol; it is the port's from here on."""
        port = self._ports[sock.fileno()] = UdpPort(self, sock, protocol)
        self._waiting().register(sock.fileno(), select.EPOLLIN)
        protocol.connection_made(port)
        return port

    def forget(self, descriptor: int) -> None:
        """A port closes."""
        del self._ports[descriptor]
        assert self._poll  # noqa: S101 - made with the first port
        self._poll.unregister(descriptor)
        if not self._ports:
            asyncio.get_running_loop().remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None

    def _waiting(self) -> select.epoll:
        if self._poll is None:
            self._poll = select.epoll()
            asyncio.get_running_loop().add_reader(self._poll.fileno(), self._readable)
        return self._poll

    def _readable(self) -> None:
        """The loop tells of a datagram."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        all_read = self._look() < _MOST_ROUNDS
        if all_read and now - self._heard_at < _DENSE_S and self._poll:
            loop.remove_reader(self._poll.fileno())
            on_beat(0, self._beat, self._poll)
        self._heard_at = now

    def _beat(self, poll: select.epoll) -> None:
        loop = asyncio.get_running_loop()
        if poll.closed:
            return
        rounds, now = self._look(), loop.time()
        if rounds:
            self._heard_at = now
        if rounds == _MOST_ROUNDS:
            loop.call_soon(self._beat, poll)
        elif now - self._heard_at < _DENSE_S:
            on_beat(0, self._beat, poll)
        elif not poll.closed:
            loop.add_reader(poll.fileno(), self._readable)

    def _look(self) -> int:
        """Read what lies ready, of each socket one datagram at a time; how many rounds there were."""
        for done in range(_MOST_ROUNDS):
            ready = self._poll.poll(0) if self._poll else ()
            if not ready:
                return done
            for descriptor, _ in ready:
                port = self._ports.get(descriptor)
                if port:
                    port.read()
        return _MOST_ROUNDS
