"""What a full scene's overlays, and one clock, add to a whole mix of video.

Everything: 8 images, 8 texts, 2 backgrounds, 3 watermarks, 2 clocks. First three whole pipelines (plain, with a clock,
with everything) go through the same seconds of media in turn, so that whatever else the machine does hits all three;
this has the encoder in it, whose work moves with what is on the picture. Then the compositor alone paints decoded frames,
the same three in turn: what it takes more, as a share of the whole plain mix, is steady to some tenths of a per cent.
Medians of paired seconds. `--seconds` of media, `--jobs`, `--json` for data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bench import compositor
from bench.dressing import Walls, dressed, with_clock
from bench.jobs import JOBS, inputs_of, people_of, scene_of, spec_of
from bench.worker import Mix, seconds
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays

WARM = 2
GOALS = {"with a clock": 0.01, "with everything": 0.05}

Values = dict[str, list[float]]
Second = Callable[[int], None]
"""Goes through the media second of that number."""


def in_turn(runners: Mapping[str, Second], length: int, clock: Callable[[], float]) -> Values:
    """CPU seconds of each second; nobody always comes after the dearest."""
    found: Values = {name: [] for name in runners}
    for second in range(WARM + length):
        for name, run in list(runners.items())[:: 1 if second % 2 else -1]:
            begun = clock()
            run(second)
            found[name].append(clock() - begun)
    return {name: values[WARM:] for name, values in found.items()}


def mixes(name: str, length: int) -> dict[str, Second]:
    """Whole pipelines, the same people in three scenes."""
    job = JOBS[name]
    inputs = inputs_of(job, "h264", WARM + length + 1)
    plain, clock, full = (Mix(replace(job, overlays=many), inputs, "h264", sound=False) for many in (False, True, True))
    clock.pipeline.set_scene(with_clock(scene_of(job, people_of(job, "h264", sound=False))), spec_of(job))
    found = zip(("plain", *GOALS), (plain, clock, full), strict=True)
    return {scene: lambda second, mix=mix: mix.run(seconds(second + 1)) for scene, mix in found}  # type: ignore[misc]


def paintings(name: str) -> dict[str, Second]:
    """The compositor alone."""
    job = compositor.JOBS[name]
    plain, overlays, pool = compositor.scene(job), Overlays(Walls(), Fonts()), compositor.frames(job.source)

    def runner(paint: compositor.Paint) -> Second:
        def run(second: int) -> None:
            for tick in range(second * job.fps, (second + 1) * job.fps):
                paint(tick * compositor.SECOND // job.fps, compositor.newest(job, pool, tick))

        return run

    scenes = zip(("plain", *GOALS), (plain, with_clock(plain), dressed(plain)), strict=True)
    return {scene: runner(compositor.compositing(asked, overlays)) for scene, asked in scenes}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--jobs", nargs="*", default=["J1", "J2"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = {}
    for name in options.jobs:
        whole = in_turn(mixes(name, options.seconds), options.seconds, time.process_time)
        painted = in_turn(paintings(name), 3 * options.seconds, time.thread_time)
        plain = statistics.median(whole["plain"])
        print(f"{name}  plain {plain:.3f} CPU s/s, painting {statistics.median(painted['plain']):.4f}")
        for scene, goal in GOALS.items():
            total = statistics.median(more / less for more, less in zip(whole[scene], whole["plain"], strict=True)) - 1
            more = statistics.median(more - less for more, less in zip(painted[scene], painted["plain"], strict=True))
            print(
                f"    {scene:16} painting adds {more / plain:6.2%} (goal {goal:.0%}); the whole mix took {total:6.2%} more"
            )
        data[name] = {"whole": whole, "painted": painted}
    if options.json:
        options.json.write_text(json.dumps(data, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
