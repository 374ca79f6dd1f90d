"""A target on a link that is too slow: the backlog stays short, and in the end it is told."""

import asyncio
import contextlib
import socket
import time
from dataclasses import replace

import pytest

from openmpu.media.outputs.failure import ErrorCode
from openmpu.media.outputs.report import OutputState
from openmpu.media.outputs.sending import Slowness
from openmpu.media.outputs.settings import OutputSettings, Policy
from openmpu.wire.rtmp.messages import TagKind
from tests.media.outputs.media import FPS, SECOND, both
from tests.media.outputs.rig import playing, receiving, running, until

SETTINGS = OutputSettings()


@contextlib.asynccontextmanager
async def narrow(port, bytes_per_second):
    """A proxy before `port` that takes so many bytes in a second and buffers hardly any."""

    async def carry(reader, writer, pace):
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 10):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(len(data) / bytes_per_second if pace else 0)

    async def serve(reader, writer):
        jobs.add(asyncio.current_task())
        up = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(carry(reader, up[1], True), carry(up[0], writer, False))
        writer.close()
        up[1].close()

    jobs = set()

    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 10)
    sock.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(serve, sock=sock, limit=1 << 10)
    try:
        yield sock.getsockname()[1]
    finally:
        server.close()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def half_rate():
    """Half of what the studio plays, in bytes per second."""
    return sum(len(packet.data) for packet in both()) / 2 / 2


@pytest.mark.e2e
async def test_the_backlog_stays_short():
    """On half of the bandwidth needed, pictures are never later than the cap and a key frame distance (troubles 20)."""
    async with receiving() as (receiver, tags), narrow(receiver.port, half_rate()) as port, playing() as studio:
        url = receiver.url.replace(str(receiver.port), str(port))
        began = time.monotonic_ns()
        async with running(url, studio, replace(SETTINGS, slow=60 * SECOND)) as run:
            await until(lambda: run.report.frames_dropped > 100, 40)
            assert run.report.queue_ms <= 2300  # pictures and sound span 2 s each, not quite the same ones
            assert run.report.state is OutputState.PUSHING
    late = [(at - began) / 1e6 - tag.timestamp for tag, at in tags if tag.kind is not TagKind.DATA]
    assert max(late) < 2000 + 1000 + 1000  # cap, key frame distance, and what lies in buffers on the way
    assert len({tag.timestamp for tag, _ in tags if tag.kind is TagKind.VIDEO}) > FPS


@pytest.mark.e2e
async def test_too_slow_is_told():
    """Overflowing again and again ends the connection with a code of its own, and the next attempt begins."""
    impatient = replace(SETTINGS, backlog=SECOND // 2, slow=2 * SECOND, policy=Policy())
    async with receiving() as (receiver, _), narrow(receiver.port, half_rate()) as port, playing() as studio:
        url = receiver.url.replace(str(receiver.port), str(port))
        async with running(url, studio, impatient) as run:
            failure = await run.failed(30)
    assert (failure.state, failure.error_code) == (OutputState.INTERRUPTED, ErrorCode.TOO_SLOW)


def test_rare_overflows_are_no_slowness():
    """Six seconds apart, overflows can go on for ever."""
    slowness = Slowness(SETTINGS)
    assert not any(slowness.too_slow(second * SECOND, second // 6) for second in range(1, 100))


def test_constant_overflows_are():
    """Ten seconds of them are too many."""
    slowness = Slowness(SETTINGS)
    told = [slowness.too_slow(second * SECOND, second) for second in range(1, 15)]
    assert told.index(True) == 10


def test_a_new_connection_is_innocent():
    """What its predecessor suffered does not count."""
    slowness = Slowness(SETTINGS)
    for second in range(1, 9):
        slowness.too_slow(second * SECOND, second)
    slowness.begin(8)
    assert not slowness.too_slow(12 * SECOND, 9)
