"""The copied tables are the contract's own."""

from importlib.resources import files
from pathlib import Path

import pytest

from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.layouts import BUILT_IN, DEFAULT_LAYOUT_IDS

SPEC = Path(__file__).resolve().parents[3] / "shared" / "spec"


@pytest.mark.parametrize("name", ["mediaencode.csv", "layouts.csv"])
def test_a_copied_table_equals_the_contract(name):
    """The product carries the contract's table, byte for byte."""
    original = SPEC / name
    if not original.is_file():
        pytest.skip("the contract lies beside the checkout of a developer only")

    assert files("openmpu.data").joinpath(name).read_bytes() == original.read_bytes()


def test_every_media_encode_is_there():
    """28 rows; id 0 is sound alone, id 20 is 720p25 with a key frame every 2 s."""
    assert len(MEDIA_ENCODES) == 28
    assert MEDIA_ENCODES[0].video is None
    assert MEDIA_ENCODES[0].audio.bitrate_kbps == 64
    video = MEDIA_ENCODES[20].video
    assert video
    assert (video.width, video.height, video.fps, video.bitrate_kbps, video.gop) == (1280, 720, 25, 1024, 50)


def test_default_layouts_cover_one_to_sixteen_panes():
    """Without LayoutIds there is one layout for every number of users."""
    assert [len(BUILT_IN[layout_id].panes) for layout_id in DEFAULT_LAYOUT_IDS] == list(range(1, 17))


def test_own_layouts_are_centred_rows():
    """9010 to 9016 are rows of equal panes, centred (layouts.md 2.2)."""
    panes = BUILT_IN[9010].panes
    first_row = [pane.rect for pane in panes if pane.rect.y == panes[0].rect.y]

    assert len(first_row) == 3
    assert first_row[0].x == pytest.approx(1 - (first_row[-1].x + first_row[-1].width), abs=1e-4)
