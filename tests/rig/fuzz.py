"""Fuzzing a running house at every door, beside a stream that must not notice. `make fuzz MINUTES=60`.

`steady` shows one honest publisher and pushes to an honest receiver. Meanwhile the API gets random calls and spoiled
requests, WHIP spoiled offers, the media ports noise, another channel publishers with broken encoders and packetisers,
and another task a receiver that lies. Judged: whatever must not be answered, who died, the stream, memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from tests.rig import score as scores
from tests.rig.fuzzers import SICK, Attack, LyingReceiver, Toll
from tests.rig.observing import Census, Station
from tests.rig.processes import Rig, rig
from tests.rig.score import Bars, Clock, Life
from tests.rig.soaking import LIGHT

STAGE, HONEST = "stage", "anchor"
"""Channel and user of the stream that must not notice: no random call names them."""
SETTINGS = {"limits": "push_for_ever = true", "server": 'log_level = "info"'}
BARS = Bars(grown_mb=30.0, forgive_missed=True)
_SHORT_LIVED = ("worker", "publish")
"""What may come and go: random calls start and stop tasks."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What fuzzing did.

    Attributes:
        sent: Pieces of garbage by door; `answers`: statuses by door.
        faults: What must not be; empty: all is well.
        crashes: Workers of attacked tasks that died and were replaced.
    """

    seconds: float
    sent: Mapping[str, int]
    answers: Mapping[str, int]
    steady: Clock
    lives: Mapping[str, Life]
    crashes: int
    faults: tuple[str, ...]


async def fuzz(directory: Path, seconds: float, seed: int, bars: Bars = BARS) -> Verdict:
    """Run one.

    Args:
        directory: An empty one.
        seconds: Of attack.
        seed: Of all that is random; what the machine does in which order is not.
        bars: For the stream and the processes.

    Raises:
        AssertionError: The house did not begin, or left something behind.
    """
    chance, toll = random.Random(seed), Toll()
    async with (
        Station({}, [BUILT_IN[LayoutId(1)]]) as station,
        LyingReceiver(chance, toll) as liar,
        rig(directory, **SETTINGS) as house,
    ):
        await _begin(house, station, liar)
        before, census = _lasting(house), Census(house)
        await _attack(Attack(house, chance, toll), census, seconds)
        died = [title for title in before if title not in _lasting(house)]
        missed = int((await house.task("steady"))["figures"]["missed_ticks"])
        await house.call("StopMPUTask", TaskId="steady")
        said = house.server.text if house.server else ""
        clock = scores.clock(station.arrivals, LIGHT.fps)
    lives = {
        name: life for name, life in census.lives().items() if not name.startswith(_SHORT_LIVED) or "steady" in name
    }
    faults = [*toll.faults, *(f"died: {title}" for title in died)]
    faults += [f"in the log: {trace}" for trace in re.findall(r"Traceback(?:.|\n){0,2000}", said)]
    judged = scores.Score(seconds, clock, None, None, (), lives, missed_ticks=missed)
    faults += scores.faults(judged, replace(bars, lips_p95_ms=float("inf")))
    return Verdict(
        seconds,
        dict(toll.sent),
        dict(sorted(toll.answers.items())),
        clock,
        lives,
        said.count("worker lost"),
        tuple(faults),
    )


async def _begin(house: Rig, station: Station, liar: LyingReceiver) -> None:
    await house.publisher(HONEST, channel=STAGE, video="h264", size="320x180", fps=15)
    honest = f"rtmp://127.0.0.1:{station.receiver.port}/live/x"
    tasks = (
        ("steady", honest, {"channel": STAGE, "MediaEncode": LIGHT.number}),
        ("lied_to", liar.url, {"channel": STAGE, "MediaEncode": LIGHT.number}),
        ("sick_mix", f"{liar.url}-mix", {"channel": SICK, "MediaEncode": LIGHT.number}),
        ("sick_relay", f"{liar.url}-relay", {"channel": SICK, "MixMode": 0, "SubSpecUsers.1": "sick"}),
    )
    for name, url, more in tasks:
        answer = await house.start_task(name, url, **more)
        assert answer.exit_status == 0, f"{name}: {answer.text}"
    deadline = time.monotonic() + 30
    while len(station.arrivals) < 2 * LIGHT.fps:
        assert time.monotonic() < deadline, "no stream"
        await asyncio.sleep(0.1)


async def _attack(attack: Attack, census: Census, seconds: float) -> None:
    jobs = [asyncio.ensure_future(attacker()) for attacker in attack.attackers()]
    jobs.append(asyncio.ensure_future(census.run()))
    done, running = await asyncio.wait(jobs, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for job in running:
        job.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for job in done:
        job.result()  # an attacker that broke down proves nothing


def _lasting(house: Rig) -> set[str]:
    """Processes that must live through it: title and process id."""
    names = ("openmpu: server", "openmpu: gateway", "openmpu: worker rigapp/steady")
    return {f"{name} [{pid}]" for name in names for pid in house.pids(name)}


def main(arguments: list[str]) -> int:
    """The exit status: 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 20))
    parser.add_argument("--json", type=Path, help="write the verdict there")
    options = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="openmpu-fuzz-"))
    sys.stdout.write(f"seed {options.seed}, logs in {directory}\n")
    verdict = asyncio.run(fuzz(directory, options.minutes * 60, options.seed))
    text = json.dumps(asdict(verdict), indent=1)
    sys.stdout.write(text + "\n")
    if options.json:
        options.json.write_text(text, encoding="utf-8")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
