"""The fault proxy: each fault is what it says, and over when it is lifted."""

import asyncio
import contextlib

import pytest

from tests.rig.proxy import Fault, FaultProxy

pytestmark = pytest.mark.e2e


@contextlib.asynccontextmanager
async def echoing():
    """A proxy before a server that says everything back."""

    async def echo(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        proxy = FaultProxy(server.sockets[0].getsockname()[1])
        await proxy.start()
        try:
            yield proxy
        finally:
            await proxy.stop()


class Client:
    """A connection through the proxy."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy):
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def says(self, data, within_s=2.0):
        """What comes back of it; None: nothing in time; empty: the end."""
        try:
            self.writer.write(data)
            async with asyncio.timeout(within_s):
                return await self.reader.read(4096)
        except TimeoutError:
            return None
        except ConnectionError:
            return b""

    def close(self):
        self.writer.close()


async def test_without_a_fault_all_passes():
    """Both ways, to the end of either side."""
    async with echoing() as proxy:
        client = await Client.of(proxy)
        assert await client.says(b"hello") == b"hello"
        client.writer.write_eof()
        assert await client.reader.read() == b""
        client.close()


@pytest.mark.parametrize(("fault", "afterwards"), [(Fault.STALL, b"bc"), (Fault.DROP, b"")])
async def test_a_connection_that_goes_nowhere(fault, afterwards):
    """It stays open, and nothing comes; afterwards it goes on, or is over where bytes are missing."""
    async with echoing() as proxy:
        client = await Client.of(proxy)
        assert await client.says(b"a") == b"a"
        await proxy.set(fault)
        assert await client.says(b"b", 0.2) is None
        await proxy.set(Fault.NONE)
        came = await client.says(b"c")
        if afterwards:
            came += await client.reader.readexactly(len(afterwards) - len(came))
        assert came == afterwards
        client.close()


async def test_a_stall_is_felt_by_the_sender():
    """Buffers fill, and writing must wait."""
    async with echoing() as proxy:
        client = await Client.of(proxy)
        await proxy.set(Fault.STALL)
        client.writer.write(bytes(8 << 20))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.writer.drain()
        client.writer.transport.abort()


async def test_a_reset_ends_what_is_there_once():
    """The next connection is fine."""
    async with echoing() as proxy:
        client = await Client.of(proxy)
        assert await client.says(b"a") == b"a"
        await proxy.set(Fault.RESET)
        assert await client.says(b"b") == b""
        after = await Client.of(proxy)
        assert await after.says(b"c") == b"c"
        after.close()


async def test_rejected_is_everybody():
    """Old and new, until it is lifted."""
    async with echoing() as proxy:
        old = await Client.of(proxy)
        assert await old.says(b"a") == b"a"
        await proxy.set(Fault.REJECT)
        assert await old.says(b"b") == b""
        new = await Client.of(proxy)
        assert await new.says(b"c") == b""
        await proxy.set(Fault.NONE)
        last = await Client.of(proxy)
        assert await last.says(b"d") == b"d"
        last.close()


async def test_accepted_and_then_nothing():
    """Old connections end, new ones wait, and are sent away when it is over."""
    async with echoing() as proxy:
        await proxy.set(Fault.SILENT)
        client = await Client.of(proxy)
        assert await client.says(b"a", 0.2) is None
        await proxy.set(Fault.NONE)
        assert await client.says(b"b") == b""
        assert proxy.accepted == 1


async def test_a_throttle_slows_one_way():
    """20 kB at 400 kbit/s take 0.4 s."""
    async with echoing() as proxy:
        await proxy.set(Fault.THROTTLE, 400)
        client = await Client.of(proxy)
        began = asyncio.get_running_loop().time()
        client.writer.write(bytes(20_000))
        assert len(await client.reader.readexactly(20_000)) == 20_000
        assert asyncio.get_running_loop().time() - began > 0.35
        client.close()
