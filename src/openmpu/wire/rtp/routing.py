"""Which track an SSRC belongs to (RFC 8843 9.2): announced, by MID and RID, or by payload type.

A new SSRC may take the place of an old one, but not while the old one still sends; and nobody can make us keep more
than a bounded number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.streams import AudioStream, RtxStream, VideoStream
from openmpu.wire.rtp.tracks import AudioTrack, VideoTrack

MAX_CANDIDATES = 16
MAX_RTX = 8
"""RTX SSRCs of one track: one per layer, and some that were replaced."""
PROBATION = 3
"""Packets in a row of a new SSRC before it takes over from one that is silent."""
SILENT = 100 * MS

Track = AudioTrack | VideoTrack
AnyStream = AudioStream | VideoStream | RtxStream


class _Candidate:
    """An SSRC that wants the place of another."""

    __slots__ = ("following", "packets", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.packets = 0
        self.following = -1


class Router:
    """Knows the SSRCs of one peer.

    Attributes:
        streams: SSRC -> the stream it belongs to.
        unrouted: Packets that belong to no track.
        refused: Packets of SSRCs that were one too many.
    """

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks = tracks
        self._by_mid = {track.parameters.mid: track for track in tracks if track.parameters.mid is not None}
        self._by_ssrc = {ssrc: track for track in tracks for ssrc in track.parameters.ssrcs}
        self._rtx = {rtx: (track, media) for track in tracks for media, rtx in track.parameters.rtx}
        self._candidates: dict[int, _Candidate] = {}
        self.streams: dict[int, AnyStream] = {}
        self.unrouted = self.refused = 0

    def adopt(self, packet: RtpPacket, now: int) -> AnyStream | None:
        """The stream for a packet of an SSRC that is not known yet; None if it is not (or not yet) one of ours."""
        track = self._track_of(packet)
        if track is None:
            self.unrouted += 1
            return None
        stream = self._open(track, packet, now)
        if stream is not None:
            self._candidates.pop(packet.ssrc, None)
            self.streams[packet.ssrc] = stream
        return stream

    def close(self, ssrc: int) -> None:
        """An SSRC said goodbye: another may take its place at once."""
        stream = self.streams.pop(ssrc, None)
        if stream is None:
            return
        for track in self._tracks:
            if stream in track.streams or stream in track.rtx:
                track.retire(stream)

    def _track_of(self, packet: RtpPacket) -> Track | None:
        extras = packet.extras
        if extras is not None and extras.mid is not None:
            return self._by_mid.get(extras.mid)
        if packet.ssrc in self._by_ssrc:
            return self._by_ssrc[packet.ssrc]
        if packet.ssrc in self._rtx:
            return self._rtx[packet.ssrc][0]
        named = [track for track in self._tracks if _has_payload_type(track, packet.payload_type)]
        return named[0] if len(named) == 1 else None

    def _open(self, track: Track, packet: RtpPacket, now: int) -> AnyStream | None:
        if _is_rtx(track, packet.payload_type):
            return self._open_rtx(track, packet, now) if isinstance(track, VideoTrack) else None
        rid = packet.extras.rid if packet.extras is not None else None
        if track.parameters.rids and rid not in track.parameters.rids:
            self.unrouted += 1  # a layer sends its RID until we have reported on it (RFC 8852 3)
            return None
        rid = rid if track.parameters.rids else None
        if not self._may_take_over(track, rid, packet, now):
            return None
        old = _stream_of(track, rid)
        if old is not None:
            del self.streams[old.ssrc]
        return track.open(packet.ssrc, rid, now)

    def _open_rtx(self, track: VideoTrack, packet: RtpPacket, now: int) -> RtxStream | None:
        if len(track.rtx) >= MAX_RTX:
            oldest = min(track.rtx, key=lambda each: each.statistics.last_arrival)
            if now - oldest.statistics.last_arrival < SECOND:
                self.refused += 1
                return None
            self.close(oldest.ssrc)
        repaired = packet.extras.repaired_rid if packet.extras is not None else None
        media_ssrc = self._rtx[packet.ssrc][1] if packet.ssrc in self._rtx else None
        if media_ssrc is None and track.parameters.rids and repaired not in track.parameters.rids:
            self.unrouted += 1
            return None
        media = self._media_finder(track, repaired, media_ssrc)
        stream = RtxStream(packet.ssrc, track.parameters, media, track.counts, now)
        track.rtx.append(stream)
        return stream

    def _media_finder(self, track: VideoTrack, rid: str | None, ssrc: int | None) -> Callable[[], VideoStream | None]:
        """Which stream an RTX stream repairs, looked up each time: its SSRC may change."""

        def find() -> VideoStream | None:
            found = _stream_of(track, rid) if ssrc is None else self.streams.get(ssrc)
            return found if isinstance(found, VideoStream) else None

        return find

    def _may_take_over(self, track: Track, rid: str | None, packet: RtpPacket, now: int) -> bool:
        old = _stream_of(track, rid)
        announced = track.parameters.ssrcs
        if old is None or (packet.ssrc in announced and old.ssrc not in announced):
            return True
        candidate = self._candidates.get(packet.ssrc)
        if candidate is None:
            candidate = self._new_candidate(packet.ssrc, now)
        if candidate is None:
            self.refused += 1
            return False
        in_a_row = packet.sequence == candidate.following
        candidate.packets = candidate.packets + 1 if in_a_row else 1
        candidate.following = (packet.sequence + 1) & 0xFFFF
        return candidate.packets >= PROBATION and now - old.statistics.last_arrival > SILENT

    def _new_candidate(self, ssrc: int, now: int) -> _Candidate | None:
        """Bounded; the oldest makes room once it is a second old."""
        if len(self._candidates) >= MAX_CANDIDATES:
            oldest = min(self._candidates, key=lambda each: self._candidates[each].since)
            if now - self._candidates[oldest].since < SECOND:
                return None
            del self._candidates[oldest]
        self._candidates[ssrc] = candidate = _Candidate(now)
        return candidate


def _has_payload_type(track: Track, payload_type: int) -> bool:
    return any(codec.payload_type == payload_type for codec in track.parameters.codecs)


def _is_rtx(track: Track, payload_type: int) -> bool:
    return any(codec.payload_type == payload_type and codec.name == "rtx" for codec in track.parameters.codecs)


def _stream_of(track: Track, rid: str | None) -> AudioStream | VideoStream | None:
    streams: Sequence[AudioStream | VideoStream] = track.streams
    for stream in streams:
        if isinstance(stream, AudioStream) or rid is None or stream.rid == rid:
            return stream
    return None
