"""A drawn person whom the real model takes for one: head, hair, neck and shoulders before a wall, with a camera's noise."""

from __future__ import annotations

import cv2
import numpy as np

from openmpu.media.segmentation.port import SmallPicture

WALL, SHIRT, SKIN, HAIR = (90, 120, 60), (60, 60, 160), (220, 180, 160), (60, 40, 30)


def drawn_person(width: int = 256, height: int = 144, shift: float = 0.0, noise: int | None = None) -> SmallPicture:
    """Rows of (red, green, blue).

    Args:
        width: Columns.
        height: Rows; everything is drawn in shares of it.
        shift: How far the person stands to the right of the middle, in heights.
        noise: Seed of the noise; None: none.
    """
    scene = np.full((height, width, 3), WALL, np.uint8)
    middle = width / 2 + shift * height

    def ellipse(y: float, half_width: float, half_height: float, colour: tuple[int, int, int]) -> None:
        centre = round(middle * 16), round(y * height * 16)
        axes = round(half_width * height * 16), round(half_height * height * 16)
        cv2.ellipse(scene, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)

    ellipse(1.04, 0.36, 0.42, SHIRT)
    ellipse(0.62, 0.08, 0.14, SKIN)
    ellipse(0.36, 0.17, 0.21, HAIR)
    ellipse(0.42, 0.15, 0.19, SKIN)
    if noise is None:
        return scene
    grain = np.random.default_rng(noise).normal(0, 4, scene.shape)
    return np.clip(scene + grain, 0, 255).astype(np.uint8)
