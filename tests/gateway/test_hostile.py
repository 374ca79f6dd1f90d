"""What strangers and careless publishers send to a real gateway: counted, and nobody else notices."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import struct
from pathlib import Path

import psutil
import pytest

from openmpu.errors import Busy
from tests.gateway import clips
from tests.gateway.publisher import TestPublisher, audio_track, video_track
from tests.gateway.rig import gateway
from tests.gateway.test_gateway import count, publishing
from tests.wire.whip_offers import OFFER

pytestmark = pytest.mark.e2e


def stun(body: bytes = b"", *, length: int | None = None, kind: int = 1) -> bytes:
    """A STUN message with any body and any told length."""
    told = len(body) if length is None else length
    return struct.pack("!HHI", kind, told & 0xFFFF, 0x2112A442) + os.urandom(12) + body


def garbage(seed: int, number: int) -> list[bytes]:
    """Datagrams of every class of RFC 7983, malformed in many ways."""
    pick = random.Random(seed)
    fixed = [
        b"",
        b"\x00",
        b"\x80",
        b"\x80" * 11,
        b"\x16",
        b"\x16\xfe\xfd" + bytes(10),
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff" + bytes(30),
        stun(),
        stun(length=500),
        stun(struct.pack("!HH", 6, 4) + b"\xff\xfe\xfd\xfc"),
        stun(struct.pack("!HH", 6, 60_000)),
        stun(struct.pack("!HH", 0x8028, 4) + bytes(4)),
        stun(struct.pack("!HH", 8, 3) + bytes(3)),
        stun(struct.pack("!HH", 0x20, 2) + bytes(2), kind=0x101),
        stun(struct.pack("!HH", 9, 1) + b"\1", kind=0x111),
    ]
    anything = [
        bytes([pick.choice((0, 1, 2, 3, 20, 22, 23, 63, 64, 128, 144, 191, 200, 255))])
        + pick.randbytes(pick.randrange(200))
        for _ in range(number)
    ]
    flipped = []
    for _ in range(number):
        data = bytearray(pick.choice(fixed[7:]))
        data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)
        flipped.append(bytes(data))
    return fixed + anything + flipped


async def test_garbage_on_the_media_port(tmp_path):
    """Thousands of malformed datagrams beside a publisher: it loses nothing, and the gateway says nothing aloud."""
    async with (
        gateway(tmp_path, ice_addresses=("127.0.0.1",)) as rig,
        rig.worker() as worker,
        publishing(rig, "ann") as publisher,
    ):
        await worker.subscribe(1, "ann", "audio")
        await worker.until(lambda: count(worker, 1) > 10)
        target = ("127.0.0.1", _port(publisher.answer))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for place, data in enumerate(garbage(7, 2_000)):
                stranger.sendto(data, target)
                if place % 20 == 0:
                    await asyncio.sleep(0.002)
        seen = count(worker, 1)
        await worker.until(lambda: count(worker, 1) > seen + 50)
        assert sum(frame.lost for frame in worker.frames[1]) == 0
        await rig.server.until(lambda: rig.server.figures[-1]["process"]["undecrypted"] > 100)


def _port(answer: str) -> int:
    return int(re.search(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", answer)[1])


async def test_rtp_in_the_clear_is_nothing(tmp_path):
    """Unencrypted RTP and RTCP, before and after the handshake, make no track (security.md S12)."""
    async with gateway(tmp_path, ice_addresses=("127.0.0.1",)) as rig:
        silent = TestPublisher((audio_track(clips.opus()), "opus"))
        for track in silent.tracks:
            track.muted = True
        published = await rig.server.publish("ann", await silent.offer())
        target = ("127.0.0.1", _port(published["sdp"]))
        await _send_in_the_clear(target)
        await silent.answered(published["sdp"])
        await rig.server.until(lambda: rig.server.users() == ["ann"])
        await _send_in_the_clear(target)
        told = len(rig.server.figures)
        await rig.server.until(lambda: len(rig.server.figures) > told + 1)
        assert rig.server.figures[-1]["tracks"] == []
        await silent.close()


async def test_strangers_cannot_break_the_handshake(tmp_path):
    """Fatal alerts from elsewhere, sent all through the handshake, do not end it."""
    alert = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"
    async with gateway(tmp_path, ice_addresses=("127.0.0.1",)) as rig:
        publisher = TestPublisher((audio_track(clips.opus()), "opus"))
        published = await rig.server.publish("ann", await publisher.offer())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(("127.0.0.1", _port(published["sdp"])))
            attack = asyncio.create_task(_repeat(stranger, alert))
            await publisher.answered(published["sdp"])
            await rig.server.until(lambda: rig.server.users() == ["ann"])
            attack.cancel()
        await publisher.close()


async def _repeat(stranger, data):
    while True:
        stranger.send(data)
        await asyncio.sleep(0.001)


async def _send_in_the_clear(target):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for number in range(100):
            stranger.sendto(struct.pack("!BBHII", 0x80, 96, number, number * 960, 4711) + os.urandom(100), target)
            stranger.sendto(struct.pack("!BBHI", 0x80, 203, 1, 4711), target)
            await asyncio.sleep(0)


async def test_offers_that_never_connect(tmp_path):
    """Offers by the dozen whose senders never come: one of a place counts, the rest and its sockets are gone at once."""
    async with gateway(tmp_path) as rig:
        before = _open_files(rig.process.pid)
        for _ in range(40):
            await rig.server.publish("ann", OFFER)
        told = len(rig.server.figures)
        await rig.server.until(lambda: len(rig.server.figures) > told + 1)
        assert rig.server.figures[-1]["process"]["peers"] == 1
        assert _open_files(rig.process.pid) - before < 10


async def test_joins_and_leaves_leave_nothing(tmp_path):
    """Thirty joins and leaves: files and memory come back to where they were."""
    async with gateway(tmp_path) as rig, rig.worker() as worker:
        process = psutil.Process(rig.process.pid)
        for number in range(30):
            async with publishing(rig, f"user{number}"):
                await worker.subscribe(number + 1, f"user{number}", "audio")
                await worker.until(lambda number=number: count(worker, number + 1))
            await rig.server.until(lambda: not rig.server.users())
            if number == 9:
                files, memory = _open_files(process.pid), process.memory_info().rss
        assert _open_files(process.pid) <= files
        assert process.memory_info().rss - memory < 5 << 20


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_ports_run_out(tmp_path):
    """With every port in use a publisher is told so, and the others go on."""
    async with gateway(tmp_path, ice_addresses=("127.0.0.1",), udp_ports="42000-42001") as rig:
        for user in ("ann", "bob"):
            await rig.server.publish(user, OFFER)
        with pytest.raises(Busy, match="udp_ports"):
            await rig.server.publish("cid", OFFER)
        await rig.server.ask("remove_user", channel={"app_id": "app", "channel_id": "room"}, user_id="ann")
        assert (await rig.server.publish("cid", OFFER))["sdp"]


async def test_malformed_control_requests(tmp_path):
    """A request without its fields is answered as a failure; the socket lives."""
    async with gateway(tmp_path) as rig:
        for name, fields in (("publish", {}), ("publish", {"channel": 5}), ("trickle", {}), ("nonsense", {})):
            with pytest.raises(Exception, match=r"control|inside|knows no|cannot be read"):
                await rig.server.ask(name, **fields)
        assert (await rig.server.publish("ann", OFFER))["resource"]


async def test_two_hundred_layers_of_nothing(tmp_path):
    """A publisher of pictures whose payloads are noise makes no track that decodes, and harms nobody."""
    noise = tuple(os.urandom(900) for _ in range(50))
    async with gateway(tmp_path) as rig, rig.worker() as worker, publishing(rig, "bob"):
        await worker.subscribe(1, "bob", "audio")
        liar = TestPublisher((video_track(noise), "vp8"))
        published = await rig.server.publish("ann", await liar.offer())
        await liar.answered(published["sdp"])
        await rig.server.until(lambda: set(rig.server.users()) == {"ann", "bob"})
        await worker.until(lambda: count(worker, 1) > 100)
        assert sum(frame.lost for frame in worker.frames[1]) == 0
        await liar.close()
