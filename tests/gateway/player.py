"""A player for tests: aiortc receiving, with every RTP packet noted before aiortc puts frames together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.codecs.h264 import h264_depayload
from aiortc.rtp import RtpPacket


class TestPlayer:
    """One WebRTC connection that receives.

    Args:
        lose: Whether a packet of the picture is to get lost on its way.
    """

    __test__ = False

    def __init__(self, lose=lambda packet: False) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.packets: dict[str, list[RtpPacket]] = defaultdict(list)
        self._lose = lose
        self.receivers: dict[str, RTCRtpReceiver] = {}
        self._readers: list[asyncio.Task[None]] = []
        for kind in ("audio", "video"):
            transceiver = self.connection.addTransceiver(kind, direction="recvonly")
            self._note(kind, transceiver.receiver)
        self.connection.on("track", self._read)

    async def offer(self) -> str:
        """Its offer, with its candidates."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        """Take the answer and begin to receive."""
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def want_key(self) -> None:
        """Ask for a key frame."""
        await self.receivers["video"]._send_rtcp_pli(self.packets["video"][-1].ssrc)

    def pictures(self) -> list[bytes]:
        """What the payloads say, put together in order of their numbers: Annex B."""
        found = dict(self._numbered())
        pictures: dict[int, bytes] = defaultdict(bytes)
        for number in sorted(found):
            time, payload = found[number]
            pictures[time] += h264_depayload(payload)
        return list(pictures.values())

    def again(self) -> int:
        """How many packets came on the source of what is sent again."""
        return sum(packet.ssrc != self.packets["video"][0].ssrc for packet in self.packets["video"])

    def _numbered(self) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Packets by number; what was sent again carries the number that it had (RFC 4588)."""
        for packet in self.packets["video"]:
            if packet.ssrc == self.packets["video"][0].ssrc:
                yield packet.sequence_number, (packet.timestamp, packet.payload)
            elif len(packet.payload) > 2:
                yield int.from_bytes(packet.payload[:2]), (packet.timestamp, packet.payload[2:])

    async def close(self) -> None:
        """End it politely."""
        for reader in self._readers:
            reader.cancel()
        await self.connection.close()

    def _note(self, kind: str, receiver: RTCRtpReceiver) -> None:
        self.receivers[kind] = receiver
        handle = receiver._handle_rtp_packet

        async def noted(packet: RtpPacket, arrival_time_ms: int) -> None:
            if kind == "audio" or not self._lose(packet):
                self.packets[kind].append(packet)
                await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = noted

    def _read(self, track) -> None:
        async def drain() -> None:
            while True:
                await track.recv()

        self._readers.append(asyncio.ensure_future(drain()))
