"""What one player is sent: the tracks of a programme as packets, reports, and packets again where one got lost.

Reads no clock but the one it is given. A player never holds anybody up: what its path does not take is left out up to
the next key frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from openmpu.gateway.pacing import Pacer
from openmpu.gateway.programmes import Offering
from openmpu.gateway.switchboard import Subscription, Switchboard
from openmpu.model.frames import EncodedFrame
from openmpu.model.roster import Kind
from openmpu.wire.rtp.clock import to_ntp
from openmpu.wire.rtp.feeling import Feeling
from openmpu.wire.rtp.rtcp import FullIntra, Nack, PictureLoss, ReceiverReport, ReportBlock, SenderReport, parse
from openmpu.wire.rtp.rtcp_writing import build_description, build_sender_report
from openmpu.wire.rtp.sender import SendParameters, TrackSender

FIRST_REPORT_S: Final = 0.1
REPORT_S: Final = 1.0
"""Between sender reports: sound and picture are in step with the first one (RFC 3550 6.2 allows it at our rates)."""
KEY_FRAME_EVERY: Final = 1_000_000_000
"""Nanoseconds between two wishes of one player for a key frame, which costs everybody else quality."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How packets get to the player; both lose what cannot be sent."""

    rtp: Callable[[bytes], None]
    rtcp: Callable[[bytes], None]


class SentTrack:
    """One track on its way to one player (`switchboard.Reader`).

    Args:
        codec: As agreed on.
        put: Takes packets.
        room: Whether more may come now.
    """

    def __init__(
        self, codec: str, sender: TrackSender, put: Callable[[list[bytes]], None], room: Callable[[], bool]
    ) -> None:
        self.codec, self.sender = codec, sender
        self._put, self._room = put, room
        self._offering: Offering | None = None
        self.subscription: Subscription | None = None

    @property
    def is_fed(self) -> bool:
        """Whether it reads a track now."""
        return self.subscription is not None

    def attach(self, offering: Offering | None, switchboard: Switchboard, now: int) -> None:
        """Read this one from now on."""
        if offering is self._offering:
            return
        self.detach(switchboard)
        self._offering = offering
        if offering:
            self.subscription = switchboard.subscribe(offering.port.track.track_id, self, 0, now)

    def detach(self, switchboard: Switchboard) -> None:
        """Read nothing any more."""
        if self.subscription:
            switchboard.unsubscribe(self.subscription)
        self.subscription = self._offering = None

    def has_room(self) -> bool:
        """Whether more may come now."""
        return self._room()

    def take(self, number: int, frame: EncodedFrame) -> None:  # noqa: ARG002 - the one track that it reads
        """Send one frame."""
        if self._offering:
            self._put(list(self.sender.frame(self._offering.cut.payloads(frame.data), frame.rtp_time)))

    def end(self, number: int) -> None:  # noqa: ARG002 - as above
        """The track is over; perhaps another one comes."""
        self.subscription = self._offering = None


class Playback:
    """Everything that one player is sent, and what it answers (`sessions.Media`).

    Args:
        tracks: What was agreed on, with its codec, by kind.
        cname: Ties sound and picture together.
        switchboard: Where tracks are read.
        clock: Nanoseconds of Unix time.
        wire: The way to the player.

    Attributes:
        offered: What there is to be played now; taken when the connection is up.
        bytes_sent: Of packets, before encryption.
    """

    def __init__(
        self,
        tracks: Mapping[Kind, tuple[str, SendParameters]],
        cname: str,
        switchboard: Switchboard,
        clock: Callable[[], int],
        wire: Wire,
    ) -> None:
        self._switchboard, self._clock, self._wire, self._cname = switchboard, clock, wire, cname
        self._pacer = Pacer(self._send)
        self._feeling = Feeling()
        self.bytes_sent = self.malformed = 0
        self.offered: Mapping[Kind, Offering] = {}
        self._tracks = {kind: self._track(kind, *agreed) for kind, agreed in tracks.items()}
        self._by_ssrc = {track.sender.parameters.ssrc: track for track in self._tracks.values()}
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self._wished_at: int | None = None

    @property
    def packets_again(self) -> int:
        """Packets sent again."""
        return sum(track.sender.repeated for track in self._tracks.values())

    @property
    def pauses(self) -> int:
        """How often pictures were held back because too much got lost."""
        return self._feeling.pauses

    def offer(self, offered: Mapping[Kind, Offering]) -> bool:
        """What there is to be played from now on; whether it is in the codecs that were agreed on."""
        self.offered = offered
        fits = all(track.codec == offered[kind].codec for kind, track in self._tracks.items() if kind in offered)
        if fits and self._running:
            self._attach()
        return fits

    # sessions.Media

    def start(self) -> None:
        """The connection is up: take what there is."""
        self._running = True
        self._attach()
        self._timer = asyncio.get_running_loop().call_later(FIRST_REPORT_S, self._report)

    def close(self) -> None:
        """It is over."""
        self._running = False
        if self._timer:
            self._timer.cancel()
        self._pacer.close()
        for track in self._tracks.values():
            track.detach(self._switchboard)

    def rtp(self, data: bytes, now: int) -> None:
        """A player has nothing to send."""

    def rtcp(self, data: bytes, now: int) -> None:
        """What a player reports and wishes."""
        messages, bad = parse(data)
        self.malformed += bad
        for message in messages:
            match message:
                case ReceiverReport() | SenderReport():
                    self._reported(message.blocks, now)
                case Nack():
                    self._again(message)
                case PictureLoss() | FullIntra():
                    self._want_key_frame(now)
                case _:
                    pass

    # Inside

    def _track(self, kind: Kind, codec: str, parameters: SendParameters) -> SentTrack:
        sender = TrackSender(parameters)
        if kind is Kind.AUDIO:
            return SentTrack(codec, sender, self._send_all, lambda: True)
        return SentTrack(codec, sender, self._pacer.put, self._has_room)

    def _has_room(self) -> bool:
        return self._pacer.has_room and not self._feeling.pauses_now(self._clock())

    def _attach(self) -> None:
        for kind, track in self._tracks.items():
            track.attach(self.offered.get(kind), self._switchboard, self._clock())

    def _reported(self, blocks: tuple[ReportBlock, ...], now: int) -> None:
        video = self._tracks.get(Kind.VIDEO)
        for block in blocks:
            if video and block.ssrc == video.sender.parameters.ssrc:
                self._feeling.reported(block.fraction_lost, now)

    def _again(self, nack: Nack) -> None:
        track = self._by_ssrc.get(nack.media_ssrc)
        if track:
            self._send_all(track.sender.again(nack.sequences))

    def _want_key_frame(self, now: int) -> None:
        video = self._tracks.get(Kind.VIDEO)
        if video is None or video.subscription is None or self._feeling.pauses_now(now):
            return
        if self._wished_at is None or now - self._wished_at >= KEY_FRAME_EVERY:
            self._wished_at = now
            video.subscription.port.ask(now)

    def _report(self) -> None:
        now = self._clock()
        for track in self._tracks.values():
            if track.sender.packets:
                report = build_sender_report(track.sender.report(now, to_ntp(now)))
                self._wire.rtcp(report + build_description(track.sender.parameters.ssrc, self._cname))
        self._timer = asyncio.get_running_loop().call_later(REPORT_S, self._report)

    def _send_all(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        self.bytes_sent += len(packet)
        self._wire.rtp(packet)
