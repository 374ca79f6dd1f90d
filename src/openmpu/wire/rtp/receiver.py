"""The receive path of one WebRTC peer, sans-IO: decrypted RTP and RTCP in; encoded frames and RTCP to send out.

How it is driven, with `now` in nanoseconds of Unix time that never goes back (a monotonic clock plus the offset to the
wall clock taken once: it becomes `EncodedFrame.arrival`):

    peer = PeerReceiver(parameters, now)
    # for each datagram of the peer, decrypted, told apart by RFC 5761 4:
    peer.receive_rtp(data, now)   or   peer.receive_rtcp(data, now)
    # then, and whenever the time next_wake() is reached:
    for track_id, frame in peer.frames(now): ...       # hand on
    for datagram in peer.rtcp_to_send(now): ...        # encrypt and send
    # one timer is enough: it needs moving only when next_wake() lies before the time it is set to.

Both lists are usually empty and cost next to nothing to ask for; a gateway may as well ask for them from one tick of
10 ms for all its peers, at the price of that much delay for NACKs and for sound behind a hole. Nothing here raises
because of what a peer sent: malformed data is counted. `track(track_id).current.codec` is the codec in use: look at it
when the first frame of a track comes, and after key frames if a sender may change its codec.
"""

from __future__ import annotations

from collections.abc import Sequence

from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.wire.rtp import rtcp
from openmpu.wire.rtp.alarm import MS, NEVER
from openmpu.wire.rtp.bandwidth import CEILING, Bandwidth
from openmpu.wire.rtp.clock import to_ntp
from openmpu.wire.rtp.extensions import NAMES, Extension, ExtensionReader
from openmpu.wire.rtp.feedback import Feedback
from openmpu.wire.rtp.figures import PeerStatistics, TrackStatistics
from openmpu.wire.rtp.packet import RtpPacket, parse
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.path import Path
from openmpu.wire.rtp.routing import AnyStream, Router
from openmpu.wire.rtp.streams import RtxStream, VideoStream
from openmpu.wire.rtp.summary import track_statistics
from openmpu.wire.rtp.tracks import TrackReceiver, VideoTrack, new_track
from openmpu.wire.rtp.wishes import AUDIO_ALLOWANCE

__all__ = [
    "CodecParameters",
    "EncodedFrame",
    "PeerParameters",
    "PeerReceiver",
    "PeerStatistics",
    "TrackParameters",
    "TrackReceiver",
    "TrackStatistics",
]

MOST_TAIL = 4
"""Packets missing of the whole peer that are guessed to be the end of a picture; more tell of an outage."""

_NO_FRAMES: Sequence[tuple[TrackId, EncodedFrame]] = ()
_NO_DATAGRAMS: Sequence[bytes] = ()


class PeerReceiver:
    """Everything that one peer sends us; see the module for how it is driven."""

    def __init__(self, parameters: PeerParameters, now: int) -> None:
        self._parameters = parameters
        self._frames: list[tuple[TrackId, EncodedFrame]] = []
        self._datagrams: list[bytes] = []
        self._path = Path(now)
        self._alarm = self._path.alarm
        self._tracks = {each.track_id: new_track(each, self._path, self._frames, now) for each in parameters.tracks}
        self._videos = [track for track in self._tracks.values() if isinstance(track, VideoTrack)]
        self._router = Router(tuple(self._tracks.values()))
        self._streams = self._router.streams
        self._all_extensions = ExtensionReader(parameters.extensions)
        unneeded = NAMES | ({Extension.SEND_TIME} if parameters.transport_cc else frozenset())
        self._extensions = ExtensionReader(each for each in parameters.extensions if each[1] not in unneeded)
        self._feedback = Feedback(parameters, now)
        self._arrivals = self._feedback.arrivals
        self._bandwidth = None if parameters.transport_cc or not parameters.remb else Bandwidth(now)
        self._remb = parameters.remb
        self._newest = 0
        self._wished = False
        self._told: int | None = None
        self._malformed_rtp = self._malformed_rtcp = 0
        self._alarm.by(self._feedback.report_at)

    def receive_rtp(self, data: bytes, now: int) -> None:
        """A decrypted RTP packet came."""
        packet = parse(data, now)
        if packet is None:
            self._malformed_rtp += 1
            return
        stream = self._streams.get(packet.ssrc)
        (self._extensions if stream is not None else self._all_extensions).read(packet)
        arrivals = self._arrivals
        if arrivals is not None and packet.transport_sequence >= 0:
            if not arrivals.pending:
                self._alarm.by(self._feedback.arrivals_due())
            arrivals.record(packet.transport_sequence, now)
            step = (packet.transport_sequence - self._newest) & 0xFFFF
            if step < 0x8000:
                self._newest = packet.transport_sequence
                if 1 < step <= 1 + MOST_TAIL:
                    self._tail_lost(stream, step - 1, now)
        if stream is None:
            stream = self._router.adopt(packet, now)
            if stream is None:
                return
        if self._bandwidth is not None:
            self._measure(self._bandwidth, stream, packet)
        stream.receive(packet, now)

    def _tail_lost(self, stream: AnyStream | None, count: int, now: int) -> None:
        """Packets of the peer are missing before one of `stream`, whose own numbers tell what it lost itself."""
        for track in self._videos:
            for video in track.streams:
                if video is not stream and video.active and video.buffer is not None:
                    video.buffer.tail_lost(count, now)

    def _measure(self, bandwidth: Bandwidth, stream: AnyStream, packet: RtpPacket) -> None:
        if isinstance(stream, VideoStream):
            bandwidth.timed(packet)
        if bandwidth.received(len(packet.data), packet.arrival):
            limit = self._limit()
            if limit is not None:
                self._datagrams += self._feedback.remb_now(self._video_streams(), limit)

    def receive_rtcp(self, data: bytes, now: int) -> None:
        """A decrypted RTCP packet, compound or of reduced size, came."""
        messages, malformed = rtcp.parse(data)
        self._malformed_rtcp += malformed
        for message in messages:
            match message:
                case rtcp.SenderReport():
                    self._sender_report(message, now)
                case rtcp.Bye():
                    for ssrc in message.ssrcs:
                        self._router.close(ssrc)
                case rtcp.DelaySinceReport() if message.ssrc == self._parameters.ssrc and message.last_report:
                    self._path.trip.answered(to_ntp(now) >> 16 & 0xFFFFFFFF, message.last_report, message.delay)
                case _:
                    pass

    def _sender_report(self, report: rtcp.SenderReport, now: int) -> None:
        stream = self._streams.get(report.ssrc)
        if isinstance(stream, RtxStream):
            stream.statistics.sender_report(report.ntp, now)
        elif stream is not None:
            others = (
                each.clock.offset for track in self._tracks.values() for each in track.streams if each is not stream
            )
            reference = next((offset for offset in others if offset is not None), None)
            stream.sender_report(report.ntp, report.rtp_time, now, reference)

    def frames(self, now: int) -> Sequence[tuple[TrackId, EncodedFrame]]:
        """What became whole since the last time, in order."""
        if now >= self._alarm.at:
            self._run(now)
        if not self._frames:
            return _NO_FRAMES
        frames = self._frames[:]
        self._frames.clear()  # the tracks hold the same list
        return frames

    def rtcp_to_send(self, now: int) -> Sequence[bytes]:
        """RTCP to encrypt and send, each at most 1200 bytes (a report of very many SSRCs apart)."""
        if now >= self._alarm.at:
            self._run(now)
        if not self._datagrams:
            return _NO_DATAGRAMS
        datagrams, self._datagrams = self._datagrams, []
        return datagrams

    def next_wake(self) -> int | None:
        """When `frames` and `rtcp_to_send` have something to do without another packet."""
        return self._alarm.at if self._alarm.at < NEVER else None

    def _run(self, now: int) -> None:
        """Everything that is due."""
        for track in self._tracks.values():
            if now >= track.wake:
                track.tick(now)
        if now >= self._feedback.report_at:
            self._path.reordering.shrink(now)
            for track in self._tracks.values():
                track.look(now)
        videos = self._video_streams()
        self._datagrams += self._feedback.collect(tuple(self._streams.values()), videos, self._limit(), now)
        wakes = [track.wake for track in self._tracks.values()]
        self._alarm.at = min(self._feedback.wake(videos), *wakes, NEVER)

    def _video_streams(self) -> list[VideoStream]:
        return [stream for track in self._videos for stream in track.streams]

    def _limit(self) -> int | None:
        """What REMB says: what is wanted, and without transport-wide feedback not more than the path carries."""
        if not self._remb:
            return None
        wishes = [track.bitrate for track in self._videos]
        wanted = None if None in wishes else sum(wish for wish in wishes if wish is not None) + AUDIO_ALLOWANCE
        if self._bandwidth is None:
            return CEILING if wanted is None and self._wished else wanted
        return self._bandwidth.estimate if wanted is None else min(self._bandwidth.estimate, wanted)

    def want_key_frame(self, track_id: TrackId, now: int) -> None:
        """A reader cannot go on without a key frame: asked for soon, together with others' wishes (troubles.md 22).

        Unknown tracks and sound are passed over.
        """
        track = self._tracks.get(track_id)
        if isinstance(track, VideoTrack):
            track.want_key_frame(now)

    def set_wanted(self, track_id: TrackId, height: int | None, bitrate: int | None, now: int) -> None:
        """How large a track is shown at most, in lines, and how many bits per second that takes.

        None: as much as there is. With simulcast the height chooses the layer. The bitrates of all tracks together
            limit the peer by REMB, if all of them are given. A change is told at once, and also that there is no
            limit any more: senders remember the last one.
        """
        track = self._tracks.get(track_id)
        if isinstance(track, VideoTrack):
            track.bitrate = bitrate
            track.layers.want(height, now)
            self._wished |= all(video.bitrate is not None for video in self._videos)
            self._tell_limit(now)

    def _tell_limit(self, now: int) -> None:
        limit = self._limit()
        if limit is not None and limit != self._told and (videos := self._video_streams()):
            self._told = limit
            self._datagrams += self._feedback.remb_now(videos, limit)
            self._alarm.by(now)

    def track(self, track_id: TrackId) -> TrackReceiver:
        """The track of that name.

        Raises:
            KeyError: There is none.
        """
        return self._tracks[track_id]

    def track_statistics(self, track_id: TrackId) -> TrackStatistics:
        """How that track is doing; rates are of the last second.

        Raises:
            KeyError: There is none.
        """
        return track_statistics(self._tracks[track_id], self._path.trip)

    def statistics(self) -> PeerStatistics:
        """What cannot be told of a single track."""
        trip = self._path.trip
        return PeerStatistics(
            malformed_rtp=self._malformed_rtp,
            malformed_rtcp=self._malformed_rtcp,
            unrouted=self._router.unrouted,
            refused_ssrcs=self._router.refused,
            rtt_ms=trip.ns / MS if trip.known else None,
        )
