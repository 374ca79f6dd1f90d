"""Golden pictures: compared within a stated tolerance, written anew on request.

`GOLDEN=write pytest tests/media/test_goldens.py` writes them; look at each before it is committed. A picture that
differs leaves `build/golden/<name>.png`: expected, drawn, difference, side by side.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from openmpu.media.canvas import Canvas
from openmpu.media.preview import to_rgb

HERE = Path(__file__).parent / "golden"
FAILED = Path(__file__).parents[2] / "build" / "golden"


@dataclass(frozen=True)
class Tolerance:
    """At most `share` of the pixels may differ by more than `levels` in a channel."""

    levels: int
    share: float


EXACT = Tolerance(2, 0.0)
"""Flat areas and scaled video: other SIMD paths of OpenCV may round otherwise."""
LETTERS = Tolerance(24, 0.01)
"""The same font drawn by another FreeType differs at the edges of letters."""


def check(name: str, canvas: Canvas, tolerance: Tolerance = EXACT) -> None:
    """Compares what is on the canvas with the golden picture of that name."""
    drawn, path = to_rgb(canvas), HERE / f"{name}.png"
    if os.environ.get("GOLDEN") == "write":
        HERE.mkdir(exist_ok=True)
        Image.fromarray(drawn).save(path, optimize=True)
        return
    assert path.exists(), f"no golden picture {path.name}"
    expected = np.asarray(Image.open(path).convert("RGB"))
    problem = _difference(expected, drawn, tolerance)
    if problem:
        _leave(name, expected, drawn)
    assert not problem, f"{name}: {problem}; see {FAILED / path.name}"


def _difference(expected: np.ndarray, drawn: np.ndarray, tolerance: Tolerance) -> str:
    if expected.shape != drawn.shape:
        return f"{drawn.shape} instead of {expected.shape}"
    apart = np.abs(expected.astype(int) - drawn).max(axis=2)
    share = float((apart > tolerance.levels).mean())
    if share <= tolerance.share:
        return ""
    return f"{share:.2%} of the pixels differ by more than {tolerance.levels} levels, at most by {apart.max()}"


def _leave(name: str, expected: np.ndarray, drawn: np.ndarray) -> None:
    FAILED.mkdir(parents=True, exist_ok=True)
    parts = [expected, drawn]
    if expected.shape == drawn.shape:
        parts.append(np.clip(np.abs(expected.astype(int) - drawn) * 4, 0, 255).astype(np.uint8))
    height = max(part.shape[0] for part in parts)
    padded = [np.pad(part, ((0, height - part.shape[0]), (0, 8), (0, 0)), constant_values=128) for part in parts]
    Image.fromarray(np.hstack(padded)).save(FAILED / f"{name}.png")
