"""Sprites: alpha to the level, edges to the pixel."""

import numpy as np
import pytest

from openmpu.media.blending import Artwork, cover, layer_of, to_sprite
from openmpu.media.canvas import Canvas
from openmpu.model.colours import BT601, BT709, to_ycbcr
from openmpu.model.geometry import PixelRect
from tests.media.pictures_and_people import BLUE, GREEN, RED, WHITE, plain_picture

RECT = PixelRect(8, 4, 8, 8)


def blended(colour, alpha, ground=WHITE, pixel_alpha=255, matrix=BT601):
    """The middle sample of a sprite on a flat ground."""
    canvas = Canvas(32, 16)
    for plane, value in zip(canvas.planes, to_ycbcr(ground, matrix), strict=True):
        plane[:] = value
    sprite = to_sprite(Artwork(RECT, plain_picture(colour, pixel_alpha).pixels), alpha, matrix)
    if sprite:
        sprite.bind(canvas, sprite.rect)()
    return [int(plane[plane.shape[0] // 2, plane.shape[1] * 3 // 8]) for plane in canvas.planes]


@pytest.mark.parametrize("matrix", [BT601, BT709])
@pytest.mark.parametrize("colour", [RED, GREEN, BLUE, WHITE])
def test_opaque_is_the_colour_itself(colour, matrix):
    """Alpha 1 copies."""
    assert blended(colour, 1.0, matrix=matrix) == list(to_ycbcr(colour, matrix))


@pytest.mark.parametrize("pixel_alpha", [255, 128, 51])
@pytest.mark.parametrize("alpha", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("colour", [RED, GREEN, BLUE])
def test_alpha_is_that_share(colour, alpha, pixel_alpha):
    """0.5 is half, and the picture's own alpha counts besides; within one level."""
    share = alpha * pixel_alpha / 255
    ground, ink = np.array(to_ycbcr(WHITE, BT601)), np.array(to_ycbcr(colour, BT601))
    assert blended(colour, alpha, pixel_alpha=pixel_alpha) == pytest.approx(ground + (ink - ground) * share, abs=1.5)


@pytest.mark.parametrize(("alpha", "pixel_alpha"), [(0.0, 255), (1.0, 0)])
def test_invisible_is_nothing(alpha, pixel_alpha):
    """Alpha 0 leaves the ground as it is, and makes no sprite."""
    artwork = Artwork(RECT, plain_picture(RED, pixel_alpha).pixels)
    assert to_sprite(artwork, alpha, BT601) is None


def test_same_colour_blends_to_itself():
    """White at any alpha on white stays within a level of white: no grey veil."""
    for alpha in np.linspace(0.01, 1, 60):
        assert blended(WHITE, alpha) == pytest.approx(to_ycbcr(WHITE, BT601), abs=1)


def test_transparent_edges_are_left_out():
    """A sprite is as large as what can be seen of it, with even edges."""
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[5:9, 7:8] = 255
    sprite = to_sprite(Artwork(PixelRect(10, 10, 20, 20), pixels), 1.0, BT601)
    assert sprite is not None
    assert sprite.rect == PixelRect(16, 14, 2, 6)


def test_edges_are_sharp():
    """An opaque rectangle at an odd column covers exactly its own luma samples."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 3:] = 255
    canvas = Canvas(32, 16)
    sprite = to_sprite(Artwork(RECT, pixels), 1.0, BT601)
    assert sprite is not None
    sprite.bind(canvas, sprite.rect)()
    assert canvas.planes.y[6, 8:17].tolist() == [16, 16, 16, 235, 235, 235, 235, 235, 16]


def test_layers_are_clipped_to_their_room():
    """A text does not leave its pane; one that lies wholly outside is no layer."""
    sprite = to_sprite(Artwork(RECT, plain_picture(RED).pixels), 1.0, BT601)
    clipped = layer_of(sprite, PixelRect(0, 0, 12, 16))
    assert clipped is not None
    assert clipped.rect == PixelRect(8, 4, 4, 8)
    assert layer_of(sprite, PixelRect(16, 0, 16, 16)) is None


def test_cover_lays_colours_over_one_another():
    """What is covered wholly is replaced; half covered is the mean."""
    pixels = np.zeros((1, 3, 4), np.uint8)
    cover(pixels, BLUE, np.array([[255, 255, 255]], np.uint8))
    cover(pixels, RED, np.array([[0, 128, 255]], np.uint8))
    assert pixels[0].tolist() == [[0, 0, 255, 255], [128, 0, 127, 255], [255, 0, 0, 255]]
