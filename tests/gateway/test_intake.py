"""Many sockets read together."""

from __future__ import annotations

import asyncio
import itertools
import socket

import pytest

from openmpu.gateway.beat import BEAT_S
from openmpu.gateway.intake import Intake


class Taker(asyncio.DatagramProtocol):
    """Notes what comes, and when."""

    def __init__(self):
        self.came = []
        self.over = False
        self.news = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.came.append((asyncio.get_running_loop().time(), data, addr))
        self.news.set()

    def connection_lost(self, exc):
        self.over = True
        self.news.set()

    async def until(self, true):
        async with asyncio.timeout(5):
            while not true():
                self.news.clear()
                await self.news.wait()

    @property
    def data(self):
        return [data for _, data, _ in self.came]


def bound(address="127.0.0.1"):
    """A socket like those that a gateway reads."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((address, 0))
    return sock


@pytest.fixture
def intake():
    """One intake, and takers on sockets of it."""
    return Intake()


@pytest.fixture
def stranger():
    """Somebody who sends."""
    with bound() as sock:
        yield sock


async def opened(intake, address="127.0.0.1"):
    taker = Taker()
    intake.open(bound(address), taker)
    return taker, taker.transport.get_extra_info("sockname")


async def test_each_socket_has_its_own(intake, stranger):
    """Datagrams go to the protocol of the socket that they came to, with their sender's address."""
    (one, first), (other, second) = await opened(intake), await opened(intake)
    stranger.sendto(b"for one", first)
    stranger.sendto(b"for the other", second)
    await one.until(lambda: one.came)
    await other.until(lambda: other.came)
    assert (one.data, other.data) == ([b"for one"], [b"for the other"])
    assert one.came[0][2] == stranger.getsockname()


async def test_answers_go_out(intake, stranger):
    """What a port sends arrives from its own address."""
    one, first = await opened(intake)
    one.transport.sendto(b"hello", stranger.getsockname())
    assert await asyncio.get_running_loop().sock_recvfrom(stranger, 100) == (b"hello", first)


async def test_ipv6(intake):
    """Addresses of both kinds."""
    one, first = await opened(intake, "::1")
    other, second = await opened(intake, "::1")
    one.transport.sendto(b"six", second[:2])
    await other.until(lambda: other.came)
    assert other.came[0][2][:2] == first[:2]


async def test_dense_datagrams_come_in_batches(intake, stranger):
    """At one a millisecond they are handed on a beat at a time, all of them, in order."""
    one, first = await opened(intake)
    for number in range(100):
        stranger.sendto(bytes([number]), first)
        await asyncio.sleep(0.001)
    await one.until(lambda: len(one.came) == 100)
    assert one.data == [bytes([number]) for number in range(100)]
    times = [at for at, _, _ in one.came]
    looks = 1 + sum(after - before > BEAT_S / 2 for before, after in itertools.pairwise(times))
    assert looks <= (times[-1] - times[0]) / BEAT_S + 3
    assert looks < 40


async def test_what_comes_rarely_is_not_waited_for(intake, stranger):
    """A datagram every 40 ms, as reports of a player, wakes the loop by itself and leaves it alone afterwards."""
    one, first = await opened(intake)
    loop, beats = asyncio.get_running_loop(), []
    intake._beat = lambda poll: beats.append(poll)
    for _ in range(3):
        sent = loop.time()
        stranger.sendto(b"report", first)
        await one.until(lambda sent=sent: one.came and one.came[-1][0] >= sent)
        await asyncio.sleep(4 * BEAT_S)
    assert beats == []


async def test_a_burst_is_read_at_once(intake, stranger):
    """As many as a key frame has need no rest between them, though others have their turn; dense or not."""
    one, first = await opened(intake)
    turns = []
    for _ in range(2):
        one.came.clear()
        for number in range(100):
            stranger.sendto(bytes([number]), first)
        while len(one.came) < 100:
            await asyncio.sleep(0)
            turns.append(len(one.came))
        assert one.data == [bytes([number]) for number in range(100)]
    assert len(set(turns)) > 3


async def test_after_silence_the_first_is_not_waited_for(intake, stranger):
    """Dense, then silent: the next one wakes the loop by itself."""
    one, first = await opened(intake)
    for _ in range(2):
        for _ in range(10):
            stranger.sendto(b"dense", first)
            await asyncio.sleep(0.001)
        await one.until(lambda: one.data[-1:] == [b"dense"])
        await asyncio.sleep(20 * BEAT_S)
        stranger.sendto(b"late", first)
        await one.until(lambda: one.data[-1] == b"late")


async def test_closing(intake, stranger):
    """A closed port's protocol hears of it, the others go on; after the last, a new first may come."""
    (one, first), (other, second) = await opened(intake), await opened(intake)
    one.transport.close()
    one.transport.close()
    await one.until(lambda: one.over)
    one.transport.sendto(b"into nothing", second)
    stranger.sendto(b"nobody there", first)
    stranger.sendto(b"still there", second)
    await other.until(lambda: other.came)
    other.transport.abort()
    await other.until(lambda: other.over)
    again, third = await opened(intake)
    stranger.sendto(b"again", third)
    await again.until(lambda: again.came)
    assert one.transport.is_closing()
    assert not again.transport.is_closing()
    assert one.came == []


async def test_closing_from_inside(intake, stranger):
    """A datagram may be the reason to close the very port, and the last one."""
    one, first = await opened(intake)
    one.datagram_received = lambda data, addr: one.transport.close()
    for _ in range(3):
        stranger.sendto(b"enough", first)
    await one.until(lambda: one.over)
