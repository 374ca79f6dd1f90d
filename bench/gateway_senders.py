"""Synthetic participants for `bench.gateway`, in a process of their own: 720p30 and Opus over real ICE, DTLS and SRTP.

Packets are made beforehand, as a browser makes them (transport-wide numbers, send time, MID, audio level), so that
sending is a lookup, an encryption and a system call. Speaks JSON lines with its parent: an offer out, an answer in, for
each participant; `{"sending": true}` once all are connected; what was sent when standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from struct import pack

import uvloop

from openmpu.gateway.addresses import Network, PortRange, plan_bindings
from openmpu.gateway.receiving import Ends, PeerTransport, Remote
from openmpu.wire.whip.offers import read_offer

FPS, BITRATE, MTU, KEY_EVERY, CLIP_S = 30, 1_500_000, 1180, 60, 20
TURN_S = 0.002
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
        """Feedback; packets made beforehand follow none."""


class Sender:
    """One participant, with packets for so many seconds."""

    def __init__(self, number: int, codec: str, seconds: float, ports: PortRange) -> None:
        self._codec = codec
        network = Network(plan_bindings(("127.0.0.1",), ["127.0.0.1"]), ports)
        self._transport = PeerTransport(network, Silent(), time.time_ns, Ends(active=True))
        self._packets = list(_until(Packets(codec, number), seconds))
        self.began = 0.0
        self.sent = 0

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
        """Connect, and begin at any time within one frame."""
        answer = read_offer(sdp.replace("a=recvonly", "a=sendonly"))
        await self._transport.connect(Remote(answer.credentials, answer.fingerprints, answer.candidates))
        self.began = time.monotonic() + 0.5 + random.random() / FPS

    def send_due(self, now: float) -> float:
        """Send what is due; seconds by which the latest was late."""
        packets, transport, late = self._packets, self._transport, 0.0
        while self.began and self.sent < len(packets) and self.began + packets[self.sent][0] <= now:
            due, packet = packets[self.sent]
            late = max(late, now - self.began - due)
            assert transport._tx  # noqa: SLF001 - a sender made of the receiver's parts
            transport._ice.send_now(transport._tx.protect(packet))  # noqa: SLF001
            self.sent += 1
        return late

    async def close(self) -> None:
        """End it."""
        await self._transport.close()


def _until(packets: Packets, seconds: float) -> Iterator[tuple[float, bytes]]:
    for due, packet in packets:
        if due > seconds:
            return
        yield due, packet


async def run(codec: str, participants: int, seconds: float) -> None:
    """Offer, connect, send, and tell what was sent."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ports = PortRange(20_000, 29_999)
    senders = [Sender(number, codec, seconds, ports) for number in range(participants)]
    for sender in senders:
        _tell({"offer": await sender.offer()})
        await sender.answered(json.loads(await reader.readline())["sdp"])
    began = time.monotonic() + 0.5
    for sender in senders:
        sender.began = began + random.random() / FPS
    _tell({"sending": True})
    over = asyncio.ensure_future(reader.read())
    late = 0.0
    while not over.done():
        now = time.monotonic()
        late = max(late, *(sender.send_due(now) for sender in senders))
        await asyncio.sleep(TURN_S)
    _tell({"sent": sum(sender.sent for sender in senders), "late_ms": round(late * 1000)})
    for sender in senders:
        await sender.close()


def _tell(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
