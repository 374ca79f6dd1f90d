"""From a name to a socket: unknown names, resolvers that hang, forbidden and mute addresses."""

import asyncio
import ipaddress
import socket
import time
from dataclasses import replace

import pytest

from openmpu.media.outputs import sockets
from openmpu.media.outputs.dialing import dial, look_up
from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step
from openmpu.media.outputs.settings import ConnectionSettings

pytestmark = pytest.mark.e2e

SETTINGS = ConnectionSettings(limits_s=dict.fromkeys(Step, 0.3))
LOOPBACK = ipaddress.ip_address("127.0.0.1")


@pytest.fixture
async def listener():
    """A port that accepts."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def dialled(host, port, resolve=look_up, allowed=lambda _address: True, settings=SETTINGS):
    sock = await dial(host, port, settings, allowed, resolve, lambda: None)
    peer = sock.getpeername()
    sock.close()
    return peer[0]


async def failing(*args, **options):
    with pytest.raises(AttemptFailed) as raised:
        await dialled(*args, **options)
    return raised.value


def names(*addresses):
    """A resolver that knows those addresses."""

    async def resolve(_host):
        return [ipaddress.ip_address(address) for address in addresses]

    return resolve


async def test_a_name_is_looked_up(listener):
    """The system's resolver is asked."""
    assert await dialled("localhost", listener) == "127.0.0.1"


async def test_an_address_is_not(listener):
    """An address needs no resolver, nor a thread."""
    assert await look_up("::1") == [ipaddress.ip_address("::1")]
    assert await dialled("127.0.0.1", listener) == "127.0.0.1"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70 + ".example", "a..b"])
async def test_unknown_names(host):
    """What is no name of a host fails at DNS, and the URL is to blame."""
    failure = await failing(host, 1935)
    assert (failure.step, failure.code) == (Step.DNS, ErrorCode.HOST_NOT_FOUND)
    assert failure.message == "the host name cannot be found"


async def test_a_resolver_in_trouble_is_not_the_fault_of_the_url():
    """A temporary failure of the name service is the network's."""

    async def resolve(_host):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    assert (await failing("h", 1, resolve)).code is ErrorCode.CANNOT_CONNECT


async def test_a_resolver_that_hangs_holds_nobody_up():
    """The step ends at its limit, and the loop goes on meanwhile."""

    async def resolve(_host):
        await asyncio.sleep(60)

    began, ticks = time.monotonic(), 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    job = asyncio.create_task(tick())
    failure = await failing("h", 1, resolve)
    job.cancel()
    assert (failure.step, failure.code) == (Step.DNS, ErrorCode.CANNOT_CONNECT)
    assert time.monotonic() - began < 1
    assert ticks > 10


async def test_forbidden_addresses_are_not_connected_to(listener):
    """Of several addresses only the allowed are used."""
    asked = []

    def allowed(address):
        asked.append(str(address))
        return address == LOOPBACK

    assert await dialled("h", listener, names("10.0.0.1", "127.0.0.1"), allowed) == "127.0.0.1"
    assert asked == ["10.0.0.1", "127.0.0.1"]


async def test_mapped_addresses_are_judged_as_what_they_are():
    """An IPv4 address written as IPv6 is no way round the rule."""
    asked = []
    failure = await failing("h", 1, names("::ffff:10.0.0.1"), lambda address: asked.append(str(address)))
    assert asked == ["10.0.0.1"]
    assert "allow_networks" in failure.detail


async def test_closed_filtered_and_forbidden_look_the_same(listener):
    """One sentence, one code, one step for all (security.md S3); the reason is for the log only."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        closed = await failing("127.0.0.1", full.getsockname()[1])
    forbidden = await failing("127.0.0.1", listener, allowed=lambda _address: False)
    filtered = await failing("h", 9, names("192.0.2.1"))
    seen = {(failure.step, failure.code, failure.message) for failure in (closed, forbidden, filtered)}
    assert seen == {(Step.TCP, ErrorCode.CANNOT_CONNECT, "cannot connect to the server")}


async def test_the_next_address_is_tried(listener):
    """A dead first address costs a part of the step's time, not the attempt."""
    assert await dialled("h", listener, names("127.0.0.2", "127.0.0.1")) == "127.0.0.1"


async def test_ipv6():
    """An IPv6 address in brackets works as any other."""
    try:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "::1", 0)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with server:
        assert await dialled("::1", server.sockets[0].getsockname()[1]) == "::1"


async def test_the_socket_is_set_up(listener):
    """Small buffers, no delay, and an end when the peer's TCP is silent."""
    sock = await dial("127.0.0.1", listener, replace(SETTINGS, stall=3 * 10**9), lambda _: True, look_up, lambda: None)
    with sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 3000
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * SETTINGS.send_buffer
        assert not sock.getblocking()


def test_a_closed_socket_tells_nothing():
    """A transport may close its socket between two looks: no figures then, and no error."""
    sock = socket.socket()
    sock.close()
    assert sockets.unacknowledged(sock) == 0
    assert sockets.acknowledged(sock) is None
