"""How large a track's pictures must be so that none is blown up where it is shown. Pure; knows scenes, not decoders."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from openmpu.model.geometry import PixelRect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import Scene

Size = tuple[int, int]


def sizes_needed(scene: Scene, shapes: Mapping[TrackId, Size]) -> dict[TrackId, Size]:
    """Width and height for each shown track; the largest where it is shown more than once.

    Args:
        scene: What is painted.
        shapes: Sizes of the tracks' present pictures, upright or not; only their proportions count. A track without one
            is left out where its proportions matter: it is sent as it is until they are known.
    """
    sizes: dict[TrackId, Size] = {}
    unknown: set[TrackId] = set()
    for pane in scene.panes:
        if pane.track_id is None:
            continue
        size = _needed(pane.fit, pane.rect, shapes.get(pane.track_id, (0, 0)))
        if size is None:
            unknown.add(pane.track_id)
        else:
            width, height = sizes.get(pane.track_id, (0, 0))
            sizes[pane.track_id] = (max(width, size[0]), max(height, size[1]))
    return {track_id: size for track_id, size in sizes.items() if track_id not in unknown}


def _needed(fit: Fit, pane: PixelRect, shape: Size) -> Size | None:
    """Contained, a picture never needs more than its pane; cut or stretched, it must fill the pane both ways."""
    if fit in (Fit.CONTAIN, Fit.CONTAIN_ON_BLACK):
        return pane.width, pane.height
    if not all(shape):
        return None
    scale = max(pane.width / shape[0], pane.height / shape[1])
    return ceil(shape[0] * scale), ceil(shape[1] * scale)
