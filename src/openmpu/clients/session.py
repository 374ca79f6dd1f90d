"""One WebRTC connection of a publisher, from offer to end; a lost one is an error, and `publish.py` tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from openmpu.clients.feeds import Feed
from openmpu.clients.heartbeat import Heartbeat
from openmpu.clients.loopback import offer_loopback
from openmpu.clients.sending import Clock, FeedTrack, Sent, hook, steady_clock
from openmpu.clients.whip import WhipClient, WhipEndpoint
from openmpu.errors import Busy, Invalid

CONNECT_SECONDS = 10.0
"""Offer accepted, but no media connection within this time: given up."""


class Stream:
    """One feed over all connections: its thread, and what was sent of it."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sent = Sent()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix=f"feed-{feed.kind.value}")

    def close(self) -> None:
        """Close the feed in its own thread, after whatever it is doing."""
        self.pool.submit(self.feed.close)
        self.pool.shutdown(wait=True)


class Session:
    """One connection that sends the streams. Make one, `open` it, `hold` it, `close` it.

    Args:
        streams: What to send.
        fits: Make pictures no larger than the server has use for.
        clock: Nanoseconds of Unix time; None: the machine's.
    """

    def __init__(self, streams: Sequence[Stream], *, fits: bool = True, clock: Clock | None = None) -> None:
        offer_loopback()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._clock = clock or steady_clock()
        self._changed = asyncio.Event()
        self._heartbeat = Heartbeat()
        self._resource = ""
        self._tracks = [FeedTrack(one.feed, one.pool, self._clock, one.sent, fits=fits) for one in streams]
        self._transceivers = [self._add(stream, track) for stream, track in zip(streams, self._tracks, strict=True)]
        self._peer.on("connectionstatechange", self._changed.set)

    @property
    def senders(self) -> list[RTCRtpSender]:
        """The senders, for their statistics."""
        return [transceiver.sender for transceiver in self._transceivers]

    async def open(self, client: WhipClient, endpoint: WhipEndpoint) -> None:
        """Offer and connect.

        Raises:
            Denied, NotFound, Invalid: Refused for good.
            Busy, DestinationFailed: No answer, or no media connection.
        """
        await self._peer.setLocalDescription(await self._peer.createOffer())
        answer = await client.offer(endpoint, self._peer.localDescription.sdp)
        self._resource = answer.resource
        await self._take_answer(answer.sdp)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while self._peer.connectionState in ("new", "connecting"):
                    await self._next_change()
        except TimeoutError:
            raise Busy("connection", f"no media connection within {CONNECT_SECONDS:g} s") from None
        self._check_connected()

    async def hold(self) -> None:
        """Send until the input is over.

        Raises:
            Busy: The connection is lost.
            Invalid: The input failed.
        """
        while not self._input_over():
            self._check_connected()
            self._check_heard()
            try:
                async with asyncio.timeout(0.5):
                    await self._next_change()
            except TimeoutError:
                continue

    async def close(self, client: WhipClient, token: str) -> None:
        """End it on both sides."""
        if self._resource:
            await client.delete(self._resource, token)
        await self._peer.close()

    def _add(self, stream: Stream, track: FeedTrack) -> RTCRtpTransceiver:
        transceiver = self._peer.addTransceiver(track, direction="sendonly")
        wanted = (f"{track.kind}/{stream.feed.codec}", f"{track.kind}/rtx")
        codecs = RTCRtpSender.getCapabilities(track.kind).codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType.lower() in wanted])
        hook(transceiver.sender, track, self._hear)
        return transceiver

    async def _take_answer(self, sdp: str) -> None:
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        except Exception as error:  # noqa: BLE001 - aiortc raises what it happens to stumble over; all of it means this
            raise Invalid("server", f"answered with an SDP that cannot be used: {str(error)[:120]}") from None
        for transceiver, track in zip(self._transceivers, self._tracks, strict=True):
            if transceiver.currentDirection != "sendonly":
                raise Invalid("server", f"does not take the {track.kind} track")

    def _hear(self) -> None:
        self._heartbeat.beat(asyncio.get_running_loop().time())

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _check_connected(self) -> None:
        if self._peer.connectionState != "connected":
            raise Busy("connection", f"the media connection is {self._peer.connectionState}")

    def _check_heard(self) -> None:
        """When the server is gone its reports stop long before ICE notices (30 s, RFC 7675)."""
        if seconds := self._heartbeat.silent(asyncio.get_running_loop().time()):
            raise Busy("connection", f"nothing heard from the server for {seconds:.1f} s")

    def _input_over(self) -> bool:
        for track in self._tracks:
            if track.failed:
                raise Invalid("input", f"cannot be read on: {track.failed}") from track.failed
        return all(track.over for track in self._tracks)
