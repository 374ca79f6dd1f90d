"""What a participant costs the gateway: 720p30 at 1.5 Mbit/s (H.264 or VP8) with Opus, over real ICE, DTLS and SRTP.

A gateway process of its own takes 1, 4, 8, 16 and 32 senders on loopback and hands every track to one reader; its CPU
and memory are read from the system. Senders replay packets made beforehand, as a browser makes them (transport-wide
numbers, send time, MID, audio level), so that they cost little. Prints a table; `--json` for data. Beside it:
`engine.md` 3, aiortc with its decoder by-passed, no link: H.264 .0191, VP8 .0175; its leanest hook .0072 to .0090.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

import psutil
import uvloop

from openmpu.gateway.addresses import Network, PortRange, plan_bindings
from openmpu.gateway.options import GatewayOptions
from openmpu.gateway.receiving import Ends, PeerTransport, Remote
from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, ChannelId, ChannelKey
from openmpu.processes.channel import ControlChannel
from openmpu.wire import link
from openmpu.wire.whip.offers import read_offer

CHANNEL = ChannelKey(AppId("bench"), ChannelId("bench"))
FPS, BITRATE, MTU, KEY_EVERY, CLIP_S = 30, 1_500_000, 1180, 60, 20
MIDS = {"audio": b"0", "video": b"1"}
OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
{audio}{video}"""
SECTION = """m={kind} 9 UDP/TLS/RTP/SAVPF {types}
c=IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
{candidates}a=end-of-candidates
a=fingerprint:{fingerprint}
a=setup:active
a=mid:{mid}
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtcp-mux
a=rtcp-rsize
{codecs}"""
CODECS = {
    "h264": "a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\n",
    "vp8": "a=rtpmap:96 VP8/90000\n",
    "opus": "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n",
}
FEEDBACK = "".join(f"a=rtcp-fb:96 {each}\n" for each in ("transport-cc", "nack", "nack pli", "ccm fir"))
SPS_PPS = bytes.fromhex("78001b6742c01fda014016e9b808080a000003000200000300791e3064e0000468ce3c80")


class Packets:
    """One sender's packets in order of time, without end."""

    def __init__(self, codec: str, seed: int) -> None:
        self._codec, self._random = codec, random.Random(seed)
        self._sizes = [int(BITRATE / FPS / 8 * (0.7 + 0.6 * self._random.random())) for _ in range(CLIP_S * FPS)]
        self._sequence = self._transport = 0
        self.ssrc = self._random.getrandbits(24) << 2

    def __iter__(self) -> Iterator[tuple[float, bytes]]:
        frame = sound = 0
        while True:
            if frame / FPS <= sound / 50:
                for place, packet in enumerate(self._frame(frame)):
                    yield frame / FPS + place * 0.002, packet
                frame += 1
            else:
                yield sound / 50, self._packet(111, sound, sound * 960, self.ssrc + 1, b"0", bytes(80))
                sound += 1

    def _frame(self, number: int) -> Iterator[bytes]:
        size, key = self._sizes[number % len(self._sizes)], number % KEY_EVERY == 0
        payloads = self._h264(size, key) if self._codec == "h264" else self._vp8(number, size, key)
        for place, payload in enumerate(payloads):
            last = place == len(payloads) - 1
            yield self._packet(96 | last << 7, self._sequence, number * 3000, self.ssrc, b"1", payload)
            self._sequence += 1

    def _h264(self, size: int, key: bool) -> list[bytes]:
        pieces, kind = size // MTU + 1, 5 if key else 1
        parts = [
            bytes((0x7C, kind | (at == 0) << 7 | (at == pieces - 1) << 6, 0x88)) + bytes(size // pieces)
            for at in range(pieces)
        ]
        return [SPS_PPS, *parts] if key else parts

    def _vp8(self, number: int, size: int, key: bool) -> list[bytes]:
        data = (b"\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02" if key else b"\x01\x00\x00") + bytes(size)
        tail = pack("!BH", 0x80, 0x8000 | number & 0x7FFF)
        return [(b"\x80" if at else b"\x90") + tail + data[at : at + MTU] for at in range(0, len(data), MTU)]

    def _packet(self, second: int, sequence: int, at: int, ssrc: int, mid: bytes, payload: bytes) -> bytes:
        self._transport += 1
        head = pack("!BBHII", 0x90, second, sequence & 0xFFFF, at & 0xFFFFFFFF, ssrc)
        extensions = pack("!BH", 0x31, self._transport & 0xFFFF) + b"\x22\x01\x02\x03\x40" + mid + b"\x10\x9f\x00"
        return head + b"\xbe\xde\x00\x03" + extensions + payload


class Silent:
    """Takes what the gateway sends back."""

    def rtp(self, data: bytes, now: int) -> None:
        """Nothing of the kind comes."""

    def rtcp(self, data: bytes, now: int) -> None:
        """Feedback; replayed packets follow none."""


class Sender:
    """One participant."""

    def __init__(self, number: int, codec: str, ports: PortRange) -> None:
        self._codec = codec
        network = Network(plan_bindings(("127.0.0.1",), ["127.0.0.1"]), ports)
        self._transport = PeerTransport(network, Silent(), time.time_ns, Ends(active=True))
        self._packets = iter(Packets(codec, number))
        self._next = next(self._packets)
        self.began = 0.0

    async def offer(self) -> str:
        """Its offer."""
        ice = await self._transport.open()
        ice.ice_controlling = True
        name, digits = self._transport.fingerprints[0]
        common = {
            "ufrag": ice.local.ufrag,
            "password": ice.local.password,
            "candidates": "".join(f"a=candidate:{one}\n" for one in ice.told),
            "fingerprint": f"{name} {digits}",
        }
        audio = SECTION.format(kind="audio", types="111", mid="0", codecs=CODECS["opus"], **common)
        video = SECTION.format(kind="video", types="96", mid="1", codecs=CODECS[self._codec] + FEEDBACK, **common)
        return OFFER.format(audio=audio, video=video)

    async def answered(self, sdp: str) -> None:
        """Connect."""
        answer = read_offer(sdp.replace("a=recvonly", "a=sendonly"))
        await self._transport.connect(Remote(answer.credentials, answer.fingerprints, answer.candidates))
        self.began = time.monotonic() + random.random() / FPS

    def send_due(self, now: float) -> None:
        """Send what is due."""
        transport = self._transport
        while self.began and self.began + self._next[0] <= now:
            assert transport._tx  # noqa: SLF001 - a sender made of the receiver's parts
            transport._ice.send_now(transport._tx.protect(self._next[1]))  # noqa: SLF001
            self._next = next(self._packets)

    async def close(self) -> None:
        """End it."""
        await self._transport.close()


class Server:
    """The gateway's server, and its one reader."""

    def __init__(self) -> None:
        self.channel: ControlChannel | None = None
        self.ready = asyncio.Event()
        self.frames = 0
        self.lost = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The control socket."""
        self.channel = ControlChannel(reader, writer, self._take)
        await self.channel.run()

    async def _take(self, message: dict[str, Any]) -> None:
        if "hello" in message:
            self.ready.set()

    async def publish(self, user: str, offer: str) -> str:
        """The answer to an offer."""
        assert self.channel
        given = {"channel": to_plain(CHANNEL), "user_id": user, "source": "camera", "offer": offer}
        return str((await self.channel.ask("publish", **given))["sdp"])

    async def read(self, path: Path) -> None:
        """Read every track."""
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(link.encode_message(link.Watch(CHANNEL)))
        messages, known = link.LinkReader(), set()
        while data := await reader.read(1 << 18):
            for message in messages.feed(data):
                if isinstance(message, link.Media):
                    self.frames += 1
                    self.lost += message.frame.lost
                elif isinstance(message, link.RosterChanged):
                    for track_id in {track.track_id for user in message.roster.users for track in user.tracks} - known:
                        known.add(track_id)
                        writer.write(link.encode_message(link.Subscribe(len(known), CHANNEL, track_id)))


@dataclass(frozen=True)
class Row:
    """One measurement."""

    codec: str
    participants: int
    core: float
    core_per_participant: float
    memory_mb: float
    memory_mb_per_participant: float
    frames_per_second: float
    lost: int


async def measure(codec: str, participants: int, seconds: float) -> Row:
    """A gateway with so many participants, over so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        server, path = Server(), Path(folder)
        door = await asyncio.start_unix_server(server.serve, path=path / "control.sock")
        options = GatewayOptions("bench", str(path / "control.sock"), (f"unix:{path / 'link.sock'}",), ("127.0.0.1",))
        gateway = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "openmpu.gateway", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert gateway.stdin
        gateway.stdin.write(json.dumps(to_plain(options)).encode() + b"\n")
        gateway.stdin.close()
        await server.ready.wait()
        try:
            return await _run(server, path / "link.sock", gateway.pid, codec, participants, seconds)
        finally:
            gateway.terminate()
            await gateway.wait()
            door.close()


async def _run(server: Server, path: Path, pid: int, codec: str, participants: int, seconds: float) -> Row:
    process, ports = psutil.Process(pid), PortRange(20_000, 29_999)
    empty = process.memory_info().rss
    reading = asyncio.create_task(server.read(path))
    senders = [Sender(number, codec, ports) for number in range(participants)]
    sending = asyncio.create_task(_send(senders))
    for number, sender in enumerate(senders):
        await sender.answered(await server.publish(f"user{number}", await sender.offer()))
    await asyncio.sleep(2.5)
    began, cpu, frames, lost = time.monotonic(), _cpu(process), server.frames, server.lost
    await asyncio.sleep(seconds)
    elapsed, used = time.monotonic() - began, _cpu(process) - cpu
    row = _row(codec, participants, used / elapsed, empty, process.memory_info().rss)
    row = Row(*row, round((server.frames - frames) / elapsed, 1), server.lost - lost)
    sending.cancel()
    reading.cancel()
    for sender in senders:
        await sender.close()
    return row


def _row(codec: str, participants: int, core: float, empty: int, full: int) -> tuple[Any, ...]:
    grown = (full - empty) / participants / (1 << 20)
    return (
        codec,
        participants,
        round(core, 4),
        round(core / participants, 5),
        round(full / (1 << 20), 1),
        round(grown, 2),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _send(senders: list[Sender]) -> None:
    while True:
        now = time.monotonic()
        for sender in senders:
            sender.send_due(now)
        await asyncio.sleep(0.004)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--participants", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    arguments.add_argument("--codecs", nargs="+", default=["h264", "vp8"])
    arguments.add_argument("--seconds", type=float, default=8)
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    print("codec  participants   core  core/participant  memory MB  MB/participant  frames/s  lost")
    rows = []
    for codec in options.codecs:
        for participants in options.participants:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                row = runner.run(measure(codec, participants, options.seconds))
            rows.append(row)
            print(
                f"{row.codec:6} {row.participants:12} {row.core:6.3f} {row.core_per_participant:17.5f}"
                f" {row.memory_mb:10.1f} {row.memory_mb_per_participant:15.2f} {row.frames_per_second:9.1f}"
                f" {row.lost:5}",
                flush=True,
            )
    if options.json:
        Path(options.json).write_text(json.dumps([to_plain(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
