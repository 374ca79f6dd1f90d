"""A soak: a server under random life and random blows, out of a seed, judged at the end. `make soak MINUTES=3`.

Two tasks show one channel. `steady` pushes to a receiver that nobody touches: its stream must not lose a picture
whatever happens. `hurt` pushes through a proxy that misbehaves, and its worker is killed: it must be well again soon.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path

from openmpu.clients.glimpses import Watched
from openmpu.clients.marks import tag_of
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from tests.rig import score as scores
from tests.rig.observing import Census, Station
from tests.rig.processes import Rig, rig
from tests.rig.proxy import FaultProxy
from tests.rig.schedule import Rhythm, plan
from tests.rig.score import Bars, Score
from tests.rig.shim import Weather, bad_weather
from tests.rig.soaking import GUESTS, INPUT_FPS, LIGHT, TONES, USUAL, Encoding, Soak

DETAILS = "details.json"
SETTINGS = {"server": "grace_s = 30", "limits": "push_for_ever = true"}


@contextlib.asynccontextmanager
async def _stage(
    directory: Path, encoding: Encoding, weather: Weather | None, say: Callable[[str], None]
) -> AsyncIterator[Soak]:
    people = {name: Watched(tag_of(name), tone, INPUT_FPS) for name, tone in TONES.items()}
    layouts = [BUILT_IN[LayoutId(number)] for number in range(1, 7)]
    async with Station(people, layouts) as steady, Station(people, layouts) as hurt:
        proxy = FaultProxy(hurt.receiver.port)
        await proxy.start()
        try:
            async with rig(directory, **SETTINGS) as house, _way_in(house, weather) as way_in:
                yield Soak(house, proxy, steady, hurt, encoding, way_in, say)
        finally:
            await proxy.stop()


@contextlib.asynccontextmanager
async def _way_in(house: Rig, weather: Weather | None) -> AsyncIterator[str]:
    if weather is None:
        yield house.url
        return
    async with bad_weather(house.url, weather) as shim:
        yield shim.url


async def soak(
    directory: Path,
    seconds: float,
    seed: int,
    rhythm: Rhythm | None = None,
    encoding: Encoding = USUAL,
    weather: Weather | None = None,
    say: Callable[[str], None] | None = None,
) -> Score:
    """Run one.

    Args:
        directory: An empty one.
        seconds: Of acts; starting and ending come on top.
        seed: Of the schedule.
        rhythm: None: the usual one.
        encoding: Of both streams.
        weather: Between publishers and gateway; None: they are side by side.
        say: Told what happens.

    Raises:
        AssertionError: It did not begin.
    """
    left: list[str] = []
    try:
        async with _stage(directory, encoding, weather, say or _print) as made:
            census = Census(made.house)
            await made.begin()
            watching = [asyncio.create_task(job) for job in (census.run(), made.steady.watch(), made.hurt.watch())]
            await made.play(plan(seed, seconds, GUESTS, rhythm), seconds)
            for job in watching:
                job.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            await made.end()
    except AssertionError as error:
        if "left behind" not in str(error):
            raise
        left.append(str(error))
    seen = {"lives": census.samples(), "steady": made.steady.offsets_ms, "hurt": made.hurt.offsets_ms}
    (directory / DETAILS).write_text(json.dumps(seen), encoding="utf-8")
    for name, station in (("steady", made.steady), ("hurt", made.hurt)):
        made.say(f"{name}: {station.left_out} tags not looked at; sound and picture apart: {station.apart}")
    return _score(made, census, seconds, left)


def _score(made: Soak, census: Census, seconds: float, left: list[str]) -> Score:
    return Score(
        seconds=seconds,
        steady=scores.clock(made.steady.arrivals, made.encoding.fps),
        lips=scores.lips([offset for _, _, offset in made.steady.offsets_ms]),
        lips_hurt=scores.lips([offset for _, _, offset in made.hurt.offsets_ms]),
        back_s=tuple(made.back_s),
        lives=census.lives(),
        painted=made.painted,
        missed_ticks=made.missed_ticks,
        refused=tuple(made.refused),
        left_behind=tuple(left),
    )


def main(arguments: list[str]) -> int:
    """The exit status: 0 if every bar was kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 20))
    parser.add_argument("--loss", type=float, default=0.0, help="per cent of the publishers' datagrams")
    parser.add_argument("--jitter", type=float, default=0.0, help="milliseconds; datagrams then overtake one another")
    parser.add_argument("--duplicate", type=float, default=0.0, help="per cent of the publishers' datagrams")
    parser.add_argument("--light", action="store_true", help="15 pictures a second instead of 30")
    parser.add_argument("--json", type=Path, help="write the score there")
    options = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="openmpu-soak-"))
    _print(f"seed {options.seed}, logs in {directory}")
    weather = _weather(options)
    encoding = LIGHT if options.light else USUAL
    score = asyncio.run(soak(directory, options.minutes * 60, options.seed, encoding=encoding, weather=weather))
    missed = scores.faults(score, Bars())
    _report(score, missed)
    if options.json:
        shutil.copy(directory / DETAILS, options.json.with_suffix(".details.json"))
        options.json.write_text(json.dumps({**asdict(score), "missed": missed}, indent=1), encoding="utf-8")
    if not missed:
        shutil.rmtree(directory)
    return 1 if missed else 0


def _weather(options: argparse.Namespace) -> Weather | None:
    loss, jitter, duplicate = options.loss / 100, options.jitter, options.duplicate / 100
    return Weather("bad", loss=loss, jitter_ms=jitter, duplicate=duplicate) if loss or jitter or duplicate else None


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _report(score: Score, missed: list[str]) -> None:
    for name, life in sorted(score.lives.items()):
        _print(
            f"  {name}: {life.seconds:.0f} s, {life.grown_mb:+.1f} MB ({life.mb_per_h:+.0f} MB/h), fds {life.more_fds:+d}"
        )
    for text in missed:
        _print(f"MISSED {text}")
    _print(scores.line(score))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
