"""The figures of a track, read off its parts."""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, RoundTrip
from openmpu.wire.rtp.figures import TrackStatistics
from openmpu.wire.rtp.streams import VideoStream
from openmpu.wire.rtp.tracks import AudioTrack, TrackReceiver


def track_statistics(track: TrackReceiver, trip: RoundTrip) -> TrackStatistics:
    """How that track is doing."""
    counts, current = track.counts, track.current
    videos = [stream for stream in track.streams if isinstance(stream, VideoStream)]
    audio = isinstance(track, AudioTrack)
    width, height = current.size if isinstance(current, VideoStream) else (0, 0)
    rejected = sum(stream.statistics.rejected for stream in track.streams)
    return TrackStatistics(
        codec=current.codec if current else "",
        received=track.received,
        lost=max(0, track.lost),
        repaired=counts.repaired + sum(stream.nacks.repaired for stream in videos),
        recovered=counts.recovered,
        concealed=counts.lost if audio else 0,
        withheld=0 if audio else counts.lost,
        duplicates=counts.duplicates,
        late=counts.late,
        malformed=counts.broken + counts.unknown + rejected,
        frames=counts.frames,
        key_frames=counts.key_frames,
        fps=round(track.fps.per_second, 1),
        bitrate=round(8 * track.payload_rate.per_second),
        width=width,
        height=height,
        rid=current.rid if isinstance(current, VideoStream) else None,
        jitter_ms=round(current.statistics.jitter_ns / MS, 1) if current else 0.0,
        rtt_ms=round(trip.ns / MS, 1) if trip.known else None,
        nacks=counts.asked + sum(stream.nacks.asked for stream in videos),
        plis=counts.requests + sum(stream.keys.sent for stream in videos),
        level=track.level if isinstance(track, AudioTrack) else None,
        clock_rejected=sum(stream.clock.rejected for stream in track.streams),
    )
