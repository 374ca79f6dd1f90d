"""What a soak is judged by: figures out of what was seen, and bars that they must keep. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

SECOND = 1_000_000_000
SETTLED = 0.5
"""Share of a process's life after which its memory counts: before, caches fill."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One picture at the receiver: when it came (monotonic), and its own time; nanoseconds."""

    at: int
    pts: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at one moment."""

    at_s: float
    rss_mb: float
    fds: int


@dataclass(frozen=True, slots=True)
class Life:
    """What became of a process's memory and descriptors.

    Attributes:
        grown_mb: From the middle of its life to its end, between medians.
        mb_per_h: Slope over the second half of its life.
    """

    seconds: float
    grown_mb: float
    mb_per_h: float
    more_fds: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The output clock, as pictures tell it.

    Attributes:
        present: Share of ticks that have a picture.
        longest_gap: Missing ticks in a row.
        doubles: Pictures whose tick had one already, or that go back.
        off_grid: Pictures on no tick at all.
        drift_ms: By how much the stream ran away from the wall clock; positive: it fell behind.
    """

    frames: int
    present: float
    longest_gap: int
    doubles: int
    off_grid: int
    drift_ms: float


@dataclass(frozen=True, slots=True)
class Lips:
    """Sound against picture over many windows, in milliseconds; positive: sound comes later."""

    windows: int
    p50: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class Score:
    """A whole soak.

    Attributes:
        steady: The task whose receiver nobody touches.
        lips: Of that task; `lips_hurt`: of the one whose receiver and worker are.
        back_s: How long each blow was felt: (what, seconds); None: for ever.
        lives: By name of process.
        painted: Share of the steady task's pictures that were painted anew in time.
        missed_ticks: Pictures that its worker says it left out because the machine stood still.
    """

    seconds: float
    steady: Clock
    lips: Lips | None
    lips_hurt: Lips | None
    back_s: Sequence[tuple[str, float | None]]
    lives: Mapping[str, Life]
    painted: float = 1.0
    missed_ticks: int = 0
    refused: Sequence[str] = ()
    left_behind: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """What a soak must keep.

    Attributes:
        forgive_missed: A machine that others keep busy may stand still: pictures left out for that count as present,
            and so does the gap that they make.
        lips_p95_ms: Infinite: lips are not judged.
    """

    present: float = 0.9995
    forgive_missed: bool = False
    longest_gap: int = 2
    drift_ms: float = 40.0
    lips_p95_ms: float = 40.0
    back_s: Mapping[str, float] = field(
        default_factory=lambda: {
            "fault": 11.0,
            "kill worker": 2.0,
            "stop worker": 5.0,
            "kill gateway": 5.0,
            "kill server": 5.0,
        }
    )
    grown_mb: float = 20.0
    mb_per_h: float = 1.0
    slope_from_s: float = 1800.0
    """Slopes of shorter lives are noise: only growth is judged."""
    more_fds: int = 4


def clock(arrivals: Sequence[Arrival], fps: int) -> Clock:
    """How well pictures keep to a constant rate, and to the wall clock.

    Raises:
        ValueError: There are fewer than two.
    """
    if len(arrivals) < 2:
        raise ValueError("too few pictures")
    first = arrivals[0].pts
    ticks = [round((arrival.pts - first) * fps / SECOND) for arrival in arrivals]
    off = sum(
        abs(arrival.pts - first - tick * SECOND / fps) > 1_500_000
        for arrival, tick in zip(arrivals, ticks, strict=True)
    )
    steps = [after - before for before, after in pairwise(ticks)]
    return Clock(
        frames=len(arrivals),
        present=len(set(ticks)) / (max(ticks) + 1),
        longest_gap=max(0, *(step - 1 for step in steps)),
        doubles=sum(step < 1 for step in steps),
        off_grid=off,
        drift_ms=drift_ms(arrivals),
    )


def drift_ms(arrivals: Sequence[Arrival], window: int = 10 * SECOND) -> float:
    """Least delay at the end minus least delay at the beginning: network and load only ever add."""
    begin, end = arrivals[0].at, arrivals[-1].at
    window = min(window, (end - begin) // 2)
    early = min(arrival.at - arrival.pts for arrival in arrivals if arrival.at - begin <= window)
    late = min(arrival.at - arrival.pts for arrival in arrivals if end - arrival.at <= window)
    return (late - early) / 1e6


def lips(offsets_ms: Sequence[float]) -> Lips | None:
    """Offsets of many windows taken together; percentiles are of their size."""
    if not offsets_ms:
        return None
    sizes = sorted(abs(offset) for offset in offsets_ms)
    return Lips(len(sizes), statistics.median(offsets_ms), sizes[max(0, round(len(sizes) * 0.95) - 1)], sizes[-1])


def life(samples: Sequence[Sample]) -> Life:
    """What became of one process.

    Raises:
        ValueError: There are fewer than two samples.
    """
    if len(samples) < 2:
        raise ValueError("too few samples")
    begin, end = samples[0].at_s, samples[-1].at_s
    settled = [sample for sample in samples if sample.at_s >= begin + SETTLED * (end - begin)]
    third = max(1, len(settled) // 3)
    early, late = settled[:third], settled[-third:]
    grown = statistics.median(s.rss_mb for s in late) - statistics.median(s.rss_mb for s in early)
    more = min(s.fds for s in late) - max(s.fds for s in early)
    return Life(end - begin, grown, _slope(settled) * 3600, more)


def _slope(samples: Sequence[Sample]) -> float:
    if len({sample.at_s for sample in samples}) < 2:
        return 0.0
    return statistics.linear_regression([s.at_s for s in samples], [s.rss_mb for s in samples]).slope


def faults(score: Score, bars: Bars) -> list[str]:
    """Which bars were missed; empty: none."""
    return [
        *_clock_faults(_forgiven(score, bars), bars),
        *_back_faults(score, bars),
        *_life_faults(score, bars),
        *_others(score, bars),
    ]


def _forgiven(score: Score, bars: Bars) -> Clock:
    seen = score.steady
    if not (bars.forgive_missed and score.missed_ticks):
        return seen
    present = min(1.0, seen.present + score.missed_ticks * seen.present / seen.frames)
    return replace(seen, present=present, longest_gap=max(0, seen.longest_gap - score.missed_ticks))


def _clock_faults(seen: Clock, bars: Bars) -> list[str]:
    checks = (
        (seen.present >= bars.present, f"{seen.present:.4%} of the pictures came, not {bars.present:.2%}"),
        (seen.longest_gap <= bars.longest_gap, f"a gap of {seen.longest_gap} pictures"),
        (not seen.doubles, f"{seen.doubles} pictures came twice or went back"),
        (not seen.off_grid, f"{seen.off_grid} pictures stand on no tick"),
        (abs(seen.drift_ms) <= bars.drift_ms, f"drift of {seen.drift_ms:.0f} ms"),
    )
    return [text for kept, text in checks if not kept]


def _back_faults(score: Score, bars: Bars) -> list[str]:
    found = []
    for what, seconds in score.back_s:
        most = next((most for kind, most in bars.back_s.items() if what.startswith(kind)), 10.0)
        if seconds is None:
            found.append(f"{what}: never well again")
        elif seconds > most:
            found.append(f"{what}: well again after {seconds:.1f} s, not {most:g} s")
    return found


def _life_faults(score: Score, bars: Bars) -> list[str]:
    found = []
    for name, life_ in score.lives.items():
        if life_.grown_mb > bars.grown_mb:
            found.append(f"{name} grew by {life_.grown_mb:.1f} MB")
        if life_.seconds >= bars.slope_from_s and life_.mb_per_h > bars.mb_per_h:
            found.append(f"{name} grows by {life_.mb_per_h:.1f} MB an hour")
        if life_.more_fds > bars.more_fds:
            found.append(f"{name} has {life_.more_fds} more descriptors")
    return found


def _others(score: Score, bars: Bars) -> list[str]:
    found = [f"refused: {text}" for text in score.refused] + [f"left behind: {text}" for text in score.left_behind]
    if math.isinf(bars.lips_p95_ms):
        return found
    if score.lips is None:
        found.append("sound and picture were never seen together")
    elif score.lips.p95 > bars.lips_p95_ms:
        found.append(f"sound and picture {score.lips.p95:.0f} ms apart (p95)")
    return found


def line(score: Score) -> str:
    """The score in one line."""
    seen, backs = score.steady, [seconds for _, seconds in score.back_s if seconds is not None]
    heaviest = max(score.lives.values(), key=lambda one: one.grown_mb, default=None)
    parts = [
        f"soak {score.seconds:.0f} s",
        f"present {seen.present:.4%}",
        f"gap {seen.longest_gap}",
        f"painted {score.painted:.2%} missed {score.missed_ticks}",
        f"a/v {_lips(score.lips)} hurt {_lips(score.lips_hurt)}",
        f"drift {seen.drift_ms:+.1f} ms",
        f"back {min(backs, default=0):.1f}..{max(backs, default=0):.1f} s of {len(score.back_s)}",
        f"rss {heaviest.grown_mb:+.1f} MB at most" if heaviest else "rss ?",
        f"fds {max((one.more_fds for one in score.lives.values()), default=0):+d}",
    ]
    return " | ".join(parts)


def _lips(seen: Lips | None) -> str:
    return f"{seen.p50:+.0f}/{seen.p95:.0f}/{seen.most:.0f} ms in {seen.windows}" if seen else "?"
