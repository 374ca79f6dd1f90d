"""A WHIP endpoint inside the test that notes everything a publisher sends: packets, reports, decoded frames."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import av
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.codecs import depayload
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpSrPacket, RtpPacket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.rig.waiting import until

MAX_KEPT = 2000
"""Decoded frames and packets kept per track."""


@dataclass
class ReceivedTrack:
    """What came in on one track, oldest first."""

    receiver: RTCRtpReceiver
    packets: list[tuple[int, RtpPacket]] = field(default_factory=list)
    """Arrival (nanoseconds of Unix time) and packet."""
    reports: list[tuple[int, RtcpSrPacket]] = field(default_factory=list)
    frames: list[av.VideoFrame | av.AudioFrame] = field(default_factory=list)

    def pictures(self, codec: Any) -> list[bytes]:
        """The encoded frames, put together from the packets; assumes that none was lost or reordered."""
        by_time: dict[int, bytes] = defaultdict(bytes)
        for _, packet in self.packets:
            by_time[packet.timestamp] += depayload(codec, packet.payload)
        return list(by_time.values())


@dataclass
class PeerSession:
    """One accepted offer."""

    number: int
    query: dict[str, str]
    headers: dict[str, str]
    path: str
    peer: RTCPeerConnection
    tracks: dict[str, ReceivedTrack] = field(default_factory=dict)
    deleted: bool = False

    async def want_key(self) -> None:
        """Ask the publisher for a key frame."""
        video = self.tracks["video"]
        await video.receiver._send_rtcp_pli(video.packets[-1][1].ssrc)

    async def drop(self) -> None:
        """End the connection from this side, without a word over HTTP."""
        await self.peer.close()


class WhipPeer:
    """The endpoint. `refuse_with` answers all further offers with that status."""

    def __init__(self) -> None:
        self.sessions: list[PeerSession] = []
        self.refuse_with: int | None = None
        self.url = ""
        self._readers: set[asyncio.Task[None]] = set()

    async def offer(self, request: Request) -> Response:
        """POST: take the offer."""
        if self.refuse_with:
            return Response('{"error": "token"}', self.refuse_with)
        session = PeerSession(
            len(self.sessions),
            dict(request.query_params),
            dict(request.headers),
            request.url.path,
            RTCPeerConnection(RTCConfiguration(iceServers=[])),
        )
        session.peer.on("track", lambda track: self._take(session, track))
        await session.peer.setRemoteDescription(RTCSessionDescription((await request.body()).decode(), "offer"))
        await session.peer.setLocalDescription(await session.peer.createAnswer())
        self.sessions.append(session)
        headers = {"Location": f"/resource/{session.number}", "Content-Type": "application/sdp"}
        return Response(session.peer.localDescription.sdp, 201, headers)

    async def end(self, request: Request) -> Response:
        """DELETE: end the session."""
        session = self.sessions[int(request.path_params["number"])]
        session.deleted = True
        await session.peer.close()
        return Response(status_code=200)

    async def close(self) -> None:
        """End all sessions."""
        for session in self.sessions:
            await session.peer.close()
        for reader in self._readers:  # a track that never got a packet does not end by itself
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _take(self, session: PeerSession, track: MediaStreamTrack) -> None:
        transceiver = next(entry for entry in session.peer.getTransceivers() if entry.receiver.track is track)
        received = session.tracks[track.kind] = ReceivedTrack(transceiver.receiver)
        _tap(received)
        reader = asyncio.create_task(_read(track, received))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)


async def _read(track: MediaStreamTrack, received: ReceivedTrack) -> None:
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await track.recv()
            if len(received.frames) < MAX_KEPT:
                received.frames.append(frame)  # type: ignore[arg-type]


def _tap(received: ReceivedTrack) -> None:
    names = vars(received.receiver)
    on_rtp, on_rtcp = received.receiver._handle_rtp_packet, received.receiver._handle_rtcp_packet

    async def rtp(packet: RtpPacket, arrival_time_ms: int) -> None:
        if len(received.packets) < MAX_KEPT:
            received.packets.append((time.time_ns(), packet))
        await on_rtp(packet, arrival_time_ms)

    async def rtcp(packet: Any) -> None:
        if isinstance(packet, RtcpSrPacket):
            received.reports.append((time.time_ns(), packet))
        await on_rtcp(packet)

    names["_handle_rtp_packet"], names["_handle_rtcp_packet"] = rtp, rtcp


@contextlib.asynccontextmanager
async def whip_peer() -> AsyncIterator[WhipPeer]:
    """An endpoint on a free port of 127.0.0.1."""
    peer = WhipPeer()
    routes = [
        Route("/whip/{app}/{channel}/{user}", peer.offer, methods=["POST"]),
        Route("/resource/{number:int}", peer.end, methods=["DELETE"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    peer.url = f"http://127.0.0.1:{port}"
    try:
        yield peer
    finally:
        await peer.close()
        server.should_exit = True
        await serving
