"""Who is where in a picture, for SEI (callbacks.md 6.2): a scene and the tracks that show something, as places."""

from __future__ import annotations

from collections.abc import Container

from openmpu.media.encoding.sei_messages import Seen
from openmpu.model.ids import TrackId
from openmpu.model.roster import Source
from openmpu.model.scene import PaneLayer, Scene
from openmpu.wire.sei import Place, Shown


def seen_in(scene: Scene, showing: Container[TrackId]) -> Seen:
    """Seated people by pane, then the others by join time.

    Args:
        scene: What is painted.
        showing: The tracks that have video in this picture.
    """
    panes = sorted(scene.panes, key=lambda pane: pane.pane_id)
    seated = [((pane.channel_id, pane.user), _place(pane, showing)) for pane in panes if pane.user and pane.channel_id]
    present = set(scene.participants)
    there = [entry for entry in seated if entry[0] in present]
    unseen = [who for who in scene.participants if who not in {who for who, _ in there}]
    return (*there, *((who, Place(who[1])) for who in unseen))


def _place(pane: PaneLayer, showing: Container[TrackId]) -> Place:
    share = pane.share
    return Place(
        str(pane.user),
        pane.pane_id,
        pane.zorder,
        share.x,
        share.y,
        share.width,
        share.height,
        shown(pane.source) if pane.track_id in showing else Shown.NOTHING,
    )


def shown(source: Source | None) -> Shown:
    """`type` of a picture."""
    return Shown.SCREEN if source is Source.SCREEN else Shown.CAMERA
