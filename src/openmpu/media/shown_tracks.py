"""The decoders of what a scene shows: made when a track's frames are coming, kept a little after it is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog

from openmpu.errors import OpenMpuError
from openmpu.media.decoding.crew import Crew
from openmpu.media.decoding.track import VideoTrack
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.video import ShownFrame
from openmpu.model.ids import TrackId
from openmpu.timing.ticks import SECOND

LINGER: Final = 2 * SECOND
"""A track no longer shown is decoded so much longer: shown again, it need not wait for a key frame."""

_log = structlog.get_logger()


class Newest(Mapping[TrackId, ShownFrame]):
    """The pictures of one tick; a track is decoded when it is first asked for.

    So a picture is scaled while it still lies in the processor's cache, before the next track's comes. Each frame needs
    the one before: `rest` must be called once a tick.
    """

    def __init__(self, tracks: Mapping[TrackId, VideoTrack], pts: int, interval: int) -> None:
        self._tracks, self._pts, self._interval = tracks, pts, interval
        self._shown: dict[TrackId, ShownFrame | None] = {}

    def take(self, crew: Crew) -> None:
        """Decode all at once, side by side."""
        frames = crew.each(self._advance, self._tracks.values())
        self._shown = dict(zip(self._tracks, frames, strict=True))

    def rest(self) -> None:
        """Decode what nobody has asked for."""
        for track_id in self._tracks:
            self.get(track_id)

    def __getitem__(self, track_id: TrackId) -> ShownFrame:
        """Raises KeyError where there is no picture."""
        if track_id not in self._shown:
            self._shown[track_id] = self._advance(self._tracks[track_id])
        frame = self._shown[track_id]
        if frame is None:
            raise KeyError(track_id)
        return frame

    def __iter__(self) -> Iterator[TrackId]:
        """The tracks that have a picture."""
        return (track_id for track_id in self._tracks if track_id in self)

    def __len__(self) -> int:
        """How many have one."""
        return sum(1 for _ in self)

    def _advance(self, track: VideoTrack) -> ShownFrame | None:
        return track.advance(self._pts, self._interval)


class ShownTracks:
    """Used by the picture thread, but for `complete` and `figures`.

    Args:
        inputs: The subscribed tracks, kept up to date by the network thread.
        want_key: Asks a track's publisher for a key frame.
    """

    def __init__(self, inputs: Mapping[TrackId, TrackInput], want_key: Callable[[TrackId], None]) -> None:
        self.crew = Crew()
        self.tracks: dict[TrackId, VideoTrack] = {}
        self._inputs, self._want_key = inputs, want_key
        self._wanted: frozenset[TrackId] = frozenset()
        self._hidden: dict[TrackId, int] = {}
        self._refused: set[TrackId] = set()

    def want(self, track_ids: frozenset[TrackId], now: int) -> None:
        """What is shown from now on."""
        self._wanted = track_ids
        self._refused &= track_ids
        self._hidden = {track_id: self._hidden.get(track_id, now) for track_id in self.tracks.keys() - track_ids}

    def newest(self, pts: int, interval: int) -> Newest:
        """The picture of each track that has one at the tick of `pts`."""
        self._tune(pts)
        newest = Newest(self.tracks, pts, interval)
        if self.crew.helped:
            newest.take(self.crew)
        return newest

    @property
    def complete(self) -> bool:
        """Whether every wanted track that is subscribed has a picture."""
        tracks = dict(self.tracks)
        wanted = [track_id for track_id in self._wanted if track_id in self._inputs]
        return all(track_id in tracks and tracks[track_id].newest for track_id in wanted)

    def figures(self, now: int) -> Figures:
        """Of all decoders together."""
        tracks = tuple(self.tracks.values())
        ages = [age for track in tracks if (age := track.age_ms(now)) is not None]
        return {
            "tick_load": round(self.crew.load, 3),
            "decode_helpers": self.crew.helped,
            "shown_tracks": len(tracks),
            "decoded": sum(track.decoder.decoded for track in tracks),
            "decode_errors": sum(track.decoder.errors for track in tracks),
            "withheld": sum(track.decoder.withheld for track in tracks),
            "set_aside": sum(track.budget.times for track in tracks),
            "frame_age_ms": round(max(ages)) if ages else None,
        }

    def clear(self) -> None:
        """Nothing is shown any more."""
        self._wanted = frozenset()
        self.tracks.clear()
        self._hidden.clear()

    def _tune(self, pts: int) -> None:
        for track_id in [track_id for track_id, since in self._hidden.items() if pts - since > LINGER]:
            del self.tracks[track_id], self._hidden[track_id]
        for track_id in self._wanted - self._refused:
            source, track = self._inputs.get(track_id), self.tracks.get(track_id)
            if source is not None and (track is None or track.source is not source):
                self._add(track_id, source)

    def _add(self, track_id: TrackId, source: TrackInput) -> None:
        try:
            self.tracks[track_id] = VideoTrack(source, lambda: self._want_key(track_id))
        except OpenMpuError as error:
            self._refused.add(track_id)
            _log.warning("a track cannot be shown", track=track_id, codec=source.track.codec, error=error.message)
