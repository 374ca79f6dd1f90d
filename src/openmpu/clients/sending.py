"""A feed as a track of aiortc, and the few private names of aiortc that an honest sender of encoded media needs.

aiortc sends packets that a track hands it ready-encoded, but (1) its key frame requests and bitrate limits reach only
its own encoders, (2) its sender reports pair the RTP time of a frame with the time of sending, not of capture, and (3)
packets carry no audio level. `hook` mends these on one sender; a test holds each name. Nothing else here is private.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCRtpSender
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtcpSrPacket, unpack_remb_fci

from openmpu.clients.feeds import Feed, Piece
from openmpu.wire.rtp.wishes import pixels_of

KEY_DISTANCE = 300_000_000
"""Nanoseconds: asked more often than this, one key frame answers all (a lost one is asked for again)."""

_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 3550 4)."""

Clock = Callable[[], int]


def steady_clock() -> Clock:
    """The wall clock as it stands now, carried on by the monotonic one: a step of the wall clock changes nothing."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: time.monotonic_ns() + offset


class Sent:
    """What went out on one track, for figures and sender reports. Counts over all connections."""

    def __init__(self) -> None:
        self.last: Piece | None = None
        self.frames = self.keys = self.bytes = self.key_requests = 0

    def note(self, piece: Piece) -> None:
        """Count a piece that is handed to the network now."""
        self.last = piece
        self.frames += 1
        self.keys += piece.key
        self.bytes += len(piece.data)


class FeedTrack(MediaStreamTrack):
    """Hands a feed's pieces out, each at its moment. One track serves one connection; the feed outlives it.

    A piece is made in the feed's own thread as soon as the one before is sent, so ahead of its moment. With `fits`
    pictures are made no larger than the receiver has use for.
    """

    def __init__(self, feed: Feed, pool: ThreadPoolExecutor, clock: Clock, sent: Sent, *, fits: bool = True) -> None:
        super().__init__()
        self.kind = feed.kind.value
        self.failed: Exception | None = None
        self.over = False
        self._feed, self._pool, self._clock, self.sent = feed, pool, clock, sent
        self._key_wished = True
        self._key_sent_at = 0
        self._fits = fits

    def want_key(self) -> None:
        """The receiver asks for a key frame (PLI or FIR)."""
        self.sent.key_requests += 1
        self._key_wished = True

    def limit(self, bits_per_second: int) -> None:
        """The receiver wants no more than this (REMB)."""
        if self._fits:
            self._feed.fit(pixels_of(bits_per_second))

    async def recv(self) -> av.Packet[Any]:
        """The next piece as a packet, at its moment.

        Raises:
            MediaStreamError: The feed is over or failed; aiortc then stops sending.
        """
        piece = await self._next()
        if (wait := piece.moment - self._clock()) > 0:
            await asyncio.sleep(wait / 1e9)
        self.sent.note(piece)
        if piece.key:  # whoever asked until now, and again meanwhile, has it
            self._key_sent_at, self._key_wished = piece.moment, False
        packet = av.Packet(piece.data)
        packet.pts, packet.time_base = piece.ticks, Fraction(1, self._feed.clock_rate)
        return packet

    async def _next(self) -> Piece:
        while self.readyState == "live":
            self._pass_key_wish()
            piece = await self._made()
            if piece is None:
                self.over = True
                break
            if piece.data:
                return piece
        raise MediaStreamError

    async def _made(self) -> Piece | None:
        if self._feed.quick:
            return self._produce(self._clock())
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._produce, self._clock())

    def _pass_key_wish(self) -> None:
        if self._key_wished and self._clock() - self._key_sent_at >= KEY_DISTANCE:
            self._key_wished = False
            self._feed.want_key()

    def _produce(self, now: int) -> Piece | None:
        try:
            return self._feed.next_piece(now)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the input must end the program, not just a thread
            self.failed = error
            return None


def hook(sender: RTCRtpSender, track: FeedTrack, on_rtcp: Callable[[], None]) -> None:
    """Make `sender` tell the track of key frame requests, report exactly and send audio levels.

    Args:
        sender: That `track` was given to.
        track: Its track.
        on_rtcp: Called with every report of the receiver: a sign of life.
    """
    names: dict[str, Any] = vars(sender)
    names["_send_keyframe"] = track.want_key
    names["_handle_rtcp_packet"] = _listening(sender._handle_rtcp_packet, on_rtcp, track)  # noqa: SLF001
    names["_next_encoded_frame"] = _with_level(sender._next_encoded_frame, track)  # noqa: SLF001
    names["_send_rtcp"] = _exact(sender._send_rtcp, track)  # noqa: SLF001


def _listening(
    handle: Callable[[Any], Awaitable[None]], on_rtcp: Callable[[], None], track: FeedTrack
) -> Callable[[Any], Any]:
    async def listening(packet: Any) -> None:
        on_rtcp()
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            with contextlib.suppress(ValueError):
                track.limit(unpack_remb_fci(packet.fci)[0])
        await handle(packet)

    return listening


def _with_level(following: Callable[[Any], Awaitable[Any]], track: FeedTrack) -> Callable[[Any], Any]:
    async def with_level(codec: Any) -> Any:
        frame = await following(codec)
        if frame is not None and track.sent.last and track.sent.last.level is not None:
            frame.audio_level = -track.sent.last.level
        return frame

    return with_level


def _exact(send: Callable[[list[Any]], Awaitable[None]], track: FeedTrack) -> Callable[[list[Any]], Any]:
    """Sender reports whose RTP time belongs to their NTP time (RFC 3550 6.4.1), whenever the frame was really sent."""

    async def exact(packets: list[Any]) -> None:
        for packet in packets:
            if isinstance(packet, RtcpSrPacket):
                if track.sent.last is None or not packet.sender_info.ntp_timestamp:
                    return
                _correct(packet.sender_info, track.sent.last.moment, 90_000 if track.kind == "video" else 48_000)
        await send(packets)

    return exact


def _correct(info: Any, moment: int, clock_rate: int) -> None:
    seconds, fraction = divmod(info.ntp_timestamp, 1 << 32)
    reported = (seconds - _NTP_EPOCH) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)
    info.rtp_timestamp = (info.rtp_timestamp + (reported - moment) * clock_rate // 1_000_000_000) % (1 << 32)
