"""Attackers of a running house: each sends garbage at one of its doors until cancelled, and counts what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

import av
import httpx
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport

from openmpu.clients.signing import Keys, Once, sign_v1
from openmpu.wire.rpc.actions import LIVE, OPERATIONS, RTC
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.server import ServerConnection
from openmpu.wire.tokens import make_one_string
from tests.gateway import clips
from tests.gateway.publisher import EncodedTrack, TestPublisher
from tests.http.nonsense import random_flat
from tests.rig import garbage
from tests.rig.processes import APP, APP_KEY, KEY_ID, SECRET, Rig
from tests.wire.whip_offers import OFFER

ROOM, SICK = "room", "sick"
"""Channels: what random API calls name, and where broken media is published."""
_SDP = {"Content-Type": "application/sdp"}
_FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
_UNAVAILABLE = 503


@dataclass
class Toll:
    """What the attackers did, and what they got.

    Attributes:
        sent: Pieces of garbage by door.
        answers: HTTP statuses by door: `api 400`.
        faults: What must not have happened, with what provoked it.
    """

    sent: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def judge(self, door: str, status: int, kind: str, what: object) -> None:
        """One answer: our own fault, or a page for people, is a finding."""
        self.answers[f"{door} {status}"] += 1
        if (status >= 500 and status != _UNAVAILABLE) or "html" in kind:
            self.faults.append(f"{door}: {status} {kind} to {what!r:.2000}")


@dataclass
class Attack:
    """One fuzzing run's common ground.

    Attributes:
        pace_s: Between two pieces of garbage at one door; datagrams come ten times as fast.
    """

    house: Rig
    chance: random.Random
    toll: Toll
    pace_s: float = 0.03

    def attackers(self) -> list[Callable[[], Awaitable[None]]]:
        """All that can go on side by side."""
        return [self.operations, self.requests, self.offers, self.datagrams, self.publishers]

    async def operations(self) -> None:
        """Signed calls of every operation, with random parameters: these reach the deepest."""
        async with self._client() as http:
            while True:
                name = self.chance.choice([*OPERATIONS, "Nothing"])
                versions = list(OPERATIONS[name].rates) if name in OPERATIONS else [RTC, LIVE]
                flat = {
                    **random_flat(self.chance),
                    "AppId": APP,
                    "Action": name,
                    "Version": self.chance.choice(versions),
                }
                flat = {key: value for key, value in flat.items() if _encodable(key + value)}
                await self._send(http, "api", self._signed(flat), flat)

    async def requests(self) -> None:
        """A valid request with mistakes in its bytes, on a connection of its own."""
        place = urlsplit(self.house.url)
        while True:
            flat = {"AppId": APP, "Action": "GetMPUTaskStatus", "Version": RTC, "TaskId": "t1", "Format": "JSON"}
            request = self._signed(flat)
            head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
            whole = f"{request.method} /?{request.url.query.decode()} HTTP/1.1\r\n{head}\r\n".encode() + request.content
            data = garbage.mutated(whole, self.chance)
            with contextlib.suppress(OSError, TimeoutError, ValueError):
                status, kind = await _raw(place.hostname or "", place.port or 80, data)
                self.toll.judge("http", status, kind, data)
            self.toll.sent["http"] += 1
            await asyncio.sleep(self.pace_s)

    async def offers(self) -> None:
        """Broken offers and fragments by somebody who may publish."""
        token = make_one_string(APP, APP_KEY, SICK, "liar", int(time.time()) + 86_400)
        door = f"/whip/{APP}/{SICK}/liar"
        place, etag = f"{door}/{'x' * 32}", '"x"'
        async with self._client() as http:
            while True:
                verb = self.chance.choice(("POST", "POST", "PATCH", "PATCH", "DELETE", "OPTIONS"))
                body = garbage.offer(OFFER, self.chance) if self.chance.random() < 0.9 else OFFER
                kind = {**_FRAGMENT, "If-Match": self.chance.choice((etag, "*"))} if verb == "PATCH" else _SDP
                headers = {**kind, "Authorization": f"Bearer {token}"}
                content = body.encode("utf-8", "replace")
                request = http.build_request(verb, door if verb == "POST" else place, content=content, headers=headers)
                answer = await self._send(http, "whip", request, body)
                if answer is not None and answer.status_code == httpx.codes.CREATED:
                    place, etag = answer.headers["location"], answer.headers["etag"]

    async def datagrams(self) -> None:
        """Noise on every media port."""
        found = re.search(r'udp_ports = "(\d+)-(\d+)"', self.house.config.read_text())
        assert found
        ports = range(int(found[1]), int(found[2]) + 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            while True:
                with contextlib.suppress(OSError):  # refused: nobody is at that port
                    stranger.sendto(garbage.datagram(self.chance), ("127.0.0.1", self.chance.choice(ports)))
                self.toll.sent["udp"] += 1
                await asyncio.sleep(self.pace_s / 10)

    async def publishers(self) -> None:
        """People whose encoders and packetisers are broken, a few seconds each."""
        while True:
            with contextlib.suppress(OSError, httpx.HTTPError):
                await self._publish(self.chance.choice(("h264", "vp8")), self.chance.uniform(2, 6))

    async def _publish(self, codec: str, seconds: float) -> None:
        pictures = clips.video({"h264": "libx264", "vp8": "libvpx"}[codec])
        video = SpoiledTrack("video", pictures, 90_000, 3_600, self.chance)
        audio = SpoiledTrack("audio", clips.opus(), 48_000, 960, self.chance)
        token = make_one_string(APP, APP_KEY, SICK, "sick", int(time.time()) + 3600)
        publisher = TestPublisher((video, codec), (audio, "opus"))
        try:
            async with self._client() as http:
                place, headers = f"/whip/{APP}/{SICK}/sick", {**_SDP, "Authorization": f"Bearer {token}"}
                answer = await http.post(place, content=await publisher.offer(), headers=headers)
                self.toll.answers[f"publish {answer.status_code}"] += 1
                if answer.status_code == httpx.codes.CREATED:
                    await publisher.answered(answer.text)
                    for transceiver in publisher.connection.getTransceivers():
                        self._spoil(transceiver.sender.transport)
                    await asyncio.sleep(seconds)
        finally:
            await publisher.close()

    def _spoil(self, transport: RTCDtlsTransport) -> None:
        """Every tenth packet gets mistakes before it is encrypted."""
        send = transport._send_rtp

        async def spoiled(data: bytes) -> None:
            self.toll.sent["rtp"] += 1
            if self.chance.random() < 0.1:
                data = garbage.mutated(data, self.chance, most=2)
                self.toll.sent["rtp, spoiled"] += 1
            with contextlib.suppress(Exception):  # libsrtp refuses to encrypt the worst of it
                await send(data)

        transport._send_rtp = spoiled  # type: ignore[method-assign]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.house.url, trust_env=False, timeout=30)

    def _signed(self, flat: Mapping[str, str]) -> httpx.Request:
        once = Once(time.time(), self.chance.randbytes(16).hex())
        signed = sign_v1("GET", "/", flat, Keys(KEY_ID, SECRET), once, urlsplit(self.house.url).netloc)
        return httpx.Request("GET", f"{self.house.url}/?{signed.query}", headers=signed.headers)

    async def _send(
        self, http: httpx.AsyncClient, door: str, request: httpx.Request, what: object
    ) -> httpx.Response | None:
        self.toll.sent[door] += 1
        await asyncio.sleep(self.pace_s)
        try:
            answer = await http.send(request)
        except httpx.HTTPError as error:
            self.toll.faults.append(f"{door}: {type(error).__name__} {error} to {what!r:.2000}")
            return None
        self.toll.judge(door, answer.status_code, answer.headers.get("content-type", ""), what)
        return answer


class SpoiledTrack(EncodedTrack):
    """Plays encoded packets of which one in five has mistakes."""

    def __init__(self, kind: str, packets: tuple[bytes, ...], rate: int, step: int, chance: random.Random) -> None:
        super().__init__(kind, packets, rate, step)
        self._chance = chance

    async def recv(self) -> av.Packet:
        """The next packet.

        Raises:
            MediaStreamError: The track was stopped.
        """
        packet = await super().recv()
        if self.readyState != "live":
            raise MediaStreamError
        if self._chance.random() > 0.2:
            return packet
        spoiled = av.Packet(garbage.mutated(bytes(packet), self._chance) or b"\0")
        spoiled.pts, spoiled.time_base = packet.pts, packet.time_base
        return spoiled


class LyingReceiver:
    """An RTMP server whose answers have mistakes, or are none at all. A context."""

    def __init__(self, chance: random.Random, toll: Toll) -> None:
        self._chance, self._toll = chance, toll
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where to push."""
        assert self._server
        return f"rtmp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/live/lies"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._toll.sent["rtmp"] += 1
        honest = ServerConnection(lambda _app, _stream: None, self._chance.randbytes(NOISE_SIZE))
        patience = self._chance.randrange(40)  # this much is answered as it should be
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._chance.uniform(1, 8)):
                while data := await reader.read(4096):
                    honest.receive_data(data)
                    honest.events()
                    answer, patience = honest.data_to_send(), patience - 1
                    writer.write(answer if patience > 0 else self._lie(answer))
                    await writer.drain()
        writer.close()

    def _lie(self, answer: bytes) -> bytes:
        if answer and self._chance.random() < 0.8:
            return garbage.mutated(answer, self._chance)
        return self._chance.randbytes(self._chance.randrange(300))


async def _raw(host: str, port: int, data: bytes) -> tuple[int, str]:
    """Status and content type of whatever is answered.

    Raises:
        OSError, ValueError: The connection was closed without an answer that can be read.
        TimeoutError: It was held open, as for a request that is not yet whole.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(data)
        async with asyncio.timeout(1):
            status = int((await reader.readuntil(b"\r\n")).split()[1])
            head = await reader.readuntil(b"\r\n\r\n")
        kind = re.search(rb"(?i)content-type: *([^\r]*)", head)
        return status, kind[1].decode() if kind else ""
    except (asyncio.IncompleteReadError, IndexError) as error:
        raise ValueError(str(error)) from None
    finally:
        writer.close()


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
