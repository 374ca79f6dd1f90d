"""What painting costs: the compositor beside plain OpenCV scaling of the same work, without and with overlays.

Jobs as in `docs`: J1 4x720p30 -> 720p25, J2 16x360p15 -> 720p25, J3 9x360p15 -> 1080p30, J4 2x720p30 -> 360p15. Frames
are made beforehand; nothing is decoded or encoded. CPU of this process, variants in turn, the best of the rounds.
What overlays add to a whole mix is `bench.overlays`. `--seconds` of media per round, `--json` for data.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from bench.dressing import Walls, dressed, with_clock
from openmpu.media.canvas import Canvas, planes_of
from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.video import ShownFrame
from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect, to_pixels
from openmpu.model.ids import LayoutId, TrackId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.overlays import Fit
from openmpu.model.scene import PaneLayer, Scene

SECOND = 1_000_000_000
KEPT_FRAMES = 12


@dataclass(frozen=True)
class Job:
    """Inputs of one size and rate, mixed into a layout of one size and rate."""

    inputs: int
    source: tuple[int, int]
    source_fps: int
    target: tuple[int, int]
    fps: int
    layout: int


JOBS = {
    "J1": Job(4, (1280, 720), 30, (1280, 720), 25, 6),
    "J2": Job(16, (640, 360), 15, (1280, 720), 25, 9016),
    "J3": Job(9, (640, 360), 15, (1920, 1080), 30, 11),
    "J4": Job(2, (1280, 720), 30, (640, 360), 15, 2),
}


def frames(size: tuple[int, int]) -> list[av.VideoFrame]:
    """Soft textures."""
    random = np.random.default_rng(1)
    made = []
    for _ in range(KEPT_FRAMES):
        frame = av.VideoFrame(*size, "yuv420p")
        for plane in frame.planes:
            coarse = random.integers(40, 200, (plane.height // 8, plane.line_size // 8), dtype=np.uint8)
            plane.update(cv2.resize(coarse, (plane.line_size, plane.height)).tobytes())
        made.append(frame)
    return made


def scene(job: Job) -> Scene:
    """The job's layout with a track in each pane."""
    canvas = PixelRect(0, 0, *job.target)
    panes = tuple(
        PaneLayer(
            pane.pane_id, to_pixels(pane.rect, canvas), pane.rect, 0, Fit.CONTAIN, track_id=TrackId(str(pane.pane_id))
        )
        for pane in BUILT_IN[LayoutId(job.layout)].panes
    )
    return Scene(*job.target, job.layout, Colour(10, 20, 60), panes=panes)


def newest(job: Job, pool: list[av.VideoFrame], tick: int) -> dict[TrackId, ShownFrame]:
    """What each input shows at a tick; inputs begin at different moments, as people do."""
    shown = {}
    for number in range(job.inputs):
        serial = tick * job.source_fps // job.fps if number % 2 else (tick * job.source_fps + number) // job.fps
        shown[TrackId(str(number))] = ShownFrame(pool[(serial + number) % KEPT_FRAMES], serial)
    return shown


Paint = Callable[[int, Mapping[TrackId, ShownFrame]], object]


def scaling_only(job: Job) -> Paint:
    """What a loop over `cv2.resize` would do: the same sizes and steps, no decisions, no colour conversion."""
    canvas, serials = Canvas(*job.target), [-1] * job.inputs
    views = [canvas.cut(pane.rect) for pane in scene(job).panes]

    def paint(_: int, shown: Mapping[TrackId, ShownFrame]) -> None:
        for number, view in enumerate(views):
            frame = shown[TrackId(str(number))]
            if frame.serial != serials[number]:
                serials[number] = frame.serial
                for source, target in zip(planes_of(frame.frame), view, strict=True):
                    _shrink(source, target)

    return paint


def _shrink(source: np.ndarray, target: np.ndarray) -> None:
    height, width = target.shape
    while source.shape[0] > 2 * height and source.shape[1] > 2 * width:
        source = cv2.resize(source, (source.shape[1] // 2, source.shape[0] // 2), interpolation=cv2.INTER_AREA)
    half = source.shape == (2 * height, 2 * width)
    cv2.resize(source, (width, height), dst=target, interpolation=cv2.INTER_AREA if half else cv2.INTER_LINEAR)


def compositing(asked: Scene, overlays: Overlays) -> Paint:
    """The compositor as a worker uses it."""
    return Compositor(asked, overlays).paint


def measure(job: Job, paint: Paint, pool: list[av.VideoFrame], seconds: int) -> float:
    """CPU milliseconds per tick."""
    ticks = seconds * job.fps
    inputs = [newest(job, pool, tick) for tick in range(ticks + 1)]
    paint(0, inputs[0])
    begun = time.process_time()
    for tick in range(1, ticks + 1):
        paint(tick * SECOND // job.fps, inputs[tick])
    return (time.process_time() - begun) / ticks * 1000


def run(job: Job, seconds: int, rounds: int) -> dict[str, float]:
    """All variants in turn, the best round of each."""
    pool, overlays, plain = frames(job.source), Overlays(Walls(), Fonts()), scene(job)
    for prepared in (dressed(plain), with_clock(plain)):
        overlays.prepare(prepared, 0)
    variants = {
        "scaling": lambda: scaling_only(job),
        "compositor": lambda: compositing(plain, overlays),
        "with a clock": lambda: compositing(with_clock(plain), overlays),
        "with overlays": lambda: compositing(dressed(plain), overlays),
    }
    best = dict.fromkeys(variants, float("inf"))
    for _ in range(rounds):
        for name, make in variants.items():
            best[name] = min(best[name], measure(job, make(), pool, seconds))
    return best


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json")
    options = parser.parse_args()
    results = {name: run(job, options.seconds, options.rounds) for name, job in JOBS.items()}
    variants = ("scaling", "compositor", "with a clock", "with overlays")
    print(f"{'CPU ms per tick':16}" + "".join(f"{variant:>15}" for variant in variants))
    for name, best in results.items():
        print(f"{name:16}" + "".join(f"{best[variant]:15.3f}" for variant in variants))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
