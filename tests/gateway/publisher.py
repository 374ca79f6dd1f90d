"""A publisher for tests: aiortc sending packets that are encoded already, so that what arrives can be compared."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

MIME = {"h264": "video/H264", "vp8": "video/VP8", "opus": "audio/opus"}


class EncodedTrack(MediaStreamTrack):
    """Plays encoded packets in real time, over and over."""

    def __init__(self, kind: str, packets: tuple[bytes, ...], rate: int, step: int) -> None:
        super().__init__()
        self.kind = kind
        self._packets, self._rate, self._step = packets, rate, step
        self._sent = 0
        self._began: float | None = None
        self.muted = False

    async def recv(self) -> av.Packet:
        """The next packet, at its time."""
        loop = asyncio.get_running_loop()
        self._began = self._began if self._began is not None else loop.time()
        while True:
            await asyncio.sleep(self._began + self._sent * self._step / self._rate - loop.time())
            self._sent += 1
            if not self.muted:
                break
        packet = av.Packet(self._packets[(self._sent - 1) % len(self._packets)])
        packet.pts, packet.time_base = self._sent * self._step, Fraction(1, self._rate)
        return packet


def video_track(packets: tuple[bytes, ...]) -> EncodedTrack:
    """A picture at 25 fps."""
    return EncodedTrack("video", packets, 90_000, 3_600)


def audio_track(packets: tuple[bytes, ...]) -> EncodedTrack:
    """Sound in packets of 20 ms."""
    return EncodedTrack("audio", packets, 48_000, 960)


class TestPublisher:
    """One WebRTC connection that sends."""

    __test__ = False

    def __init__(self, *tracks: tuple[EncodedTrack, str]) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.tracks = [track for track, _ in tracks]
        for track, codec in tracks:
            transceiver = self.connection.addTransceiver(track, direction="sendonly")
            capabilities = RTCRtpSender.getCapabilities(track.kind).codecs
            wanted = [one for one in capabilities if one.mimeType in (MIME[codec], "video/rtx")]
            transceiver.setCodecPreferences(wanted)

    async def offer(self) -> str:
        """Its offer, with its candidates."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def answered(self, sdp: str) -> None:
        """Take the answer and begin to send."""
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def close(self) -> None:
        """End it politely."""
        for track in self.tracks:
            track.stop()
        await self.connection.close()

    async def vanish(self) -> None:
        """Stop sending and answering, without a word."""
        for transceiver in self.connection.getTransceivers():
            ice = transceiver.receiver.transport.transport._connection
            for protocol in ice._protocols:
                protocol.transport.abort()
