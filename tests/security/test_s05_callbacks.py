"""S5: a callback URL as a way into our network."""

from __future__ import annotations

import asyncio

import pytest

from openmpu.errors import DestinationFailed
from openmpu.processes.web import WebClient
from openmpu.wire.guard import Guard

INSIDE = ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:7f00:1]"]


async def test_s5_a_callback_to_the_inside_is_not_made() -> None:
    """However the address is spelt: nobody is visited, and every refusal reads the same."""
    visits: list[str] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append("came")
        writer.close()

    said = set()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, WebClient(Guard()) as client:
        port = server.sockets[0].getsockname()[1]
        for host in INSIDE:
            with pytest.raises(DestinationFailed) as refused:
                await client.post(f"http://{host}:{port}/cb", b"{}", {}, 2.0)
            said.add(str(refused.value))

    assert visits == []
    assert len(said) == 1


async def test_s5_a_receiver_that_never_answers_is_left_in_time() -> None:
    """The time limit covers the whole call."""
    async with (
        await asyncio.start_server(lambda reader, _: reader.read(), "127.0.0.1", 0) as server,
        WebClient(Guard.allowing(["127.0.0.0/8"])) as client,
    ):
        port = server.sockets[0].getsockname()[1]
        began = asyncio.get_running_loop().time()
        with pytest.raises(DestinationFailed):
            await client.post(f"http://127.0.0.1:{port}/cb", b"{}", {}, 0.3)
        assert asyncio.get_running_loop().time() - began < 3
