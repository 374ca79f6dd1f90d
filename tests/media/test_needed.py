"""How large tracks must be for what is shown of them."""

import pytest

from openmpu.media.needed import sizes_needed
from openmpu.model.colours import BLACK
from openmpu.model.geometry import PixelRect, Rect
from openmpu.model.ids import TrackId
from openmpu.model.overlays import Fit
from openmpu.model.scene import PaneLayer, Scene

A, B = TrackId("a"), TrackId("b")
WHOLE = Rect(0, 0, 1, 1)


def scene(*panes: tuple[TrackId | None, Fit, int, int]) -> Scene:
    """Panes of these tracks, fits and sizes."""
    layers = [
        PaneLayer(n, PixelRect(0, 0, w, h), WHOLE, 0, fit, track_id=track) for n, (track, fit, w, h) in enumerate(panes)
    ]
    return Scene(1280, 720, 0, BLACK, panes=tuple(layers))


def test_contained_a_track_needs_its_pane() -> None:
    """Whatever its proportions; panes without a track need nothing."""
    assert sizes_needed(scene((A, Fit.CONTAIN, 616, 346), (None, Fit.CONTAIN, 64, 64)), {}) == {A: (616, 346)}


@pytest.mark.parametrize(
    ("shape", "size"), [((1280, 720), (640, 360)), ((640, 360), (640, 360)), ((720, 1280), (360, 640))]
)
def test_cut_a_track_must_fill_the_pane_both_ways(shape: tuple[int, int], size: tuple[int, int]) -> None:
    """A pane of 360x360: whatever is sent now, the same is needed, so that asking for it changes nothing."""
    assert sizes_needed(scene((A, Fit.CROP, 360, 360)), {A: shape}) == {A: size}


def test_as_long_as_the_shape_is_unknown_nothing_is_said() -> None:
    """Also where another pane would be content with less."""
    shown = scene((A, Fit.CROP, 320, 320), (A, Fit.CONTAIN, 100, 50), (B, Fit.CONTAIN, 10, 10))
    assert sizes_needed(shown, {A: (0, 0)}) == {B: (10, 10)}


def test_the_largest_of_several_panes_counts() -> None:
    """A pinned user may be shown twice."""
    assert sizes_needed(scene((A, Fit.CONTAIN, 320, 180), (A, Fit.CONTAIN, 200, 300)), {}) == {A: (320, 300)}
