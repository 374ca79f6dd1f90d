"""Figures of each track and each pane, for the status: what comes in, what is decoded, what is on screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from openmpu.media.figures import Figures
from openmpu.media.inputs.switch import Switch
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.sound.mixer import Speaker
from openmpu.model.ids import TrackId
from openmpu.model.scene import PaneLayer, Scene
from openmpu.timing.ticks import MILLISECOND

if TYPE_CHECKING:
    from openmpu.media.decoding.track import VideoTrack  # it paints: a relay has no such thing

FROZEN_MS: Final = 1500
"""Without a new picture for longer a pane counts as frozen; a still screen sends one a second."""


def track_figures(switch: Switch, shown: Mapping[TrackId, VideoTrack], now: int) -> Figures:
    """Of all inputs together, then of each as `track.<user>.<source>.<kind>.<what>`."""
    inputs = tuple(switch.inputs.values())
    told: Figures = {
        "tracks": len(inputs),
        "frames_in": sum(entry.frames for entry in inputs),
        "input_dropped": sum(entry.dropped for entry in inputs),
        "clock_anchors": sum(entry.anchors for entry in inputs),
        "rejected_reports": sum(group.sender.rejected for _, group in switch.groups),
        "playout_ms": max((group.delay // MILLISECOND for _, group in switch.groups), default=0),
        "av_offset_ms": offset_figure(switch, now),
    }
    names = {id(group): f"{user}.{source.value}" for (_, user, source), group in switch.groups}
    for entry in inputs:
        prefix = f"track.{names.get(id(entry.group), '?')}.{entry.track.kind.value}"
        told |= {f"{prefix}.{what}": value for what, value in _input(entry).items()}
        track = shown.get(entry.track.track_id)
        if track is not None:
            told |= {f"{prefix}.{what}": value for what, value in _decoded(track, now).items()}
    return told


def offset_figure(switch: Switch, now: int) -> float | None:
    """The A/V offset farthest from 0 among the sources that have both."""
    offsets = sorted(offset for _, group in switch.groups if (offset := group.av_offset_ms(now)) is not None)
    if not offsets:
        return None
    return round(offsets[0] if -offsets[0] > offsets[-1] else offsets[-1], 1)


def pane_figures(scene: Scene, shown: Mapping[TrackId, VideoTrack], now: int) -> Figures:
    """What each pane shows: `video`, `frozen`, `waiting`, `no_video`, `empty`."""
    return {f"pane.{pane.pane_id}": _pane(pane, shown, now) for pane in scene.panes}


def volume_figures(volumes: Mapping[Speaker, int]) -> Figures:
    """`volume.<user>`, 0 to 255."""
    return {f"volume.{user}": volume for (_, user), volume in volumes.items()}


def _input(entry: TrackInput) -> Figures:
    return {
        "codec": entry.track.codec,
        "frames": entry.frames,
        "bytes": entry.bytes,
        "lost": entry.lost,
        "dropped": entry.dropped,
        "waiting": entry.waiting,
    }


def _decoded(track: VideoTrack, now: int) -> Figures:
    age = track.age_ms(now)
    return {
        "decoded": track.decoder.decoded,
        "errors": track.decoder.errors,
        "withheld": track.decoder.withheld,
        "set_aside": track.budget.times,
        "width": track.width,
        "height": track.height,
        "age_ms": None if age is None else round(age),
    }


def _pane(pane: PaneLayer, shown: Mapping[TrackId, VideoTrack], now: int) -> str:
    if pane.user is None:
        return "empty"
    if pane.track_id is None:
        return "no_video"
    track = shown.get(pane.track_id)
    if track is None or track.newest is None:
        return "waiting"
    age = track.age_ms(now)
    return "video" if age is not None and age < FROZEN_MS else "frozen"
