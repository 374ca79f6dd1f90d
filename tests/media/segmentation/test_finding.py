"""The model as OpenCV runs it: the same masks as MediaPipe's own, steady, and nobody where nobody is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from openmpu.media.segmentation.finding import PeopleFinder
from openmpu.media.segmentation.port import HEIGHT, WIDTH
from tests.media.segmentation.people import WALL, drawn_person

OF_MEDIAPIPE = Path(__file__).with_name("mask-of-mediapipe.png")
"""What mediapipe 0.10.21 (landscape model) answered to `drawn_person(shift=0.1, noise=3)`."""


@pytest.fixture(scope="module")
def finder():
    return PeopleFinder()


def test_masks_are_those_of_mediapipe(finder):
    """To the level: the same model, its last step done by hand."""
    wanted = np.asarray(Image.open(OF_MEDIAPIPE)).astype(int)
    found = finder.likely(drawn_person(shift=0.1, noise=3))
    assert 0.15 < (wanted > 128).mean() < 0.25
    assert np.abs(found - wanted).max() <= 2


def test_a_mask_is_kept(finder):
    """The next picture does not change the mask of the one before."""
    first = finder.likely(drawn_person(shift=-0.5))
    copy = first.copy()
    finder.likely(drawn_person(shift=0.5))
    assert np.array_equal(first, copy)


def test_masks_are_steady(finder):
    """Noise of the camera moves the edge at some points only, and nothing inside or outside."""
    masks = [finder.likely(drawn_person(noise=seed)).astype(int) for seed in range(8)]
    for before, after in pairwise(masks):
        assert (np.abs(after - before) > 64).mean() < 0.005


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nobody_in_an_empty_picture(finder, level):
    """Black, grey and white, and the wall without the person."""
    assert finder.likely(np.full((HEIGHT, WIDTH, 3), level, np.uint8)).max() < 64
    assert finder.likely(np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)).max() < 64
