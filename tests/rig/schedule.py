"""What happens in a soak, out of a seed: who comes and goes, what is changed, what breaks. Pure; `soak.py` plays it.

Everything that is measured by how soon things are well again ("blows") is kept apart in time, and each kind comes
before any comes twice. One user, the anchor, never leaves, so that there is always somebody to be seen and heard.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.rig.proxy import Fault


class What(StrEnum):
    """Kinds of acts."""

    JOIN = "join"
    LEAVE = "leave"
    VANISH = "vanish"
    """SIGKILL: nobody says goodbye."""
    FREEZE = "freeze"
    """SIGSTOP for a while: the network of the user is gone."""
    UPDATE = "update"
    FAULT = "fault"
    """Of the way to the receiver of the second task."""
    KILL_WORKER = "kill worker"
    STOP_WORKER = "stop worker"
    """SIGSTOP."""
    KILL_GATEWAY = "kill gateway"
    KILL_SERVER = "kill server"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happens.

    Attributes:
        at_s: Since the beginning.
        who: The user, of acts that have one.
        value: How they publish (JOIN), which fault (FAULT), or the number of the update.
    """

    at_s: float
    what: What
    who: str = ""
    value: str = ""
    lasts_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Mean seconds between acts of a kind; `quiet_s` at the beginning and the end.

    Attributes:
        blow_s: Least time from one blow to the next: each must be over by then.
    """

    churn_s: float = 8.0
    update_s: float = 7.0
    blow_s: float = 20.0
    quiet_s: float = 8.0


BLOWS: tuple[tuple[What, str], ...] = (
    (What.FAULT, Fault.RESET),
    (What.KILL_WORKER, ""),
    (What.FAULT, Fault.STALL),
    (What.KILL_GATEWAY, ""),
    (What.FAULT, Fault.REJECT),
    (What.KILL_SERVER, ""),
    (What.FAULT, Fault.DROP),
    (What.STOP_WORKER, ""),
    (What.FAULT, Fault.SILENT),
    (What.FAULT, Fault.THROTTLE),
)
PUBLISHING = ("h264", "vp8", "h264", "none")
"""Codecs that guests come with; `none`: sound only."""


def plan(seed: int, seconds: float, guests: Sequence[str], rhythm: Rhythm | None = None) -> tuple[Act, ...]:
    """All acts in order. The same for the same arguments.

    Args:
        seed: Of chance.
        seconds: Length of the soak.
        guests: Users who come and go; the anchor is not among them.
        rhythm: None: the usual one.
    """
    pace = rhythm or Rhythm()
    chance = random.Random(seed)
    acts = [*_churn(chance, seconds, guests, pace), *_updates(chance, seconds, pace), *_blows(chance, seconds, pace)]
    return tuple(sorted(acts, key=lambda act: act.at_s))


def _moments(chance: random.Random, seconds: float, mean_s: float, pace: Rhythm) -> Iterator[float]:
    at = pace.quiet_s
    while at < seconds - pace.quiet_s:
        yield round(at, 2)
        at += mean_s * chance.uniform(0.4, 1.6)


def _churn(chance: random.Random, seconds: float, guests: Sequence[str], pace: Rhythm) -> Iterator[Act]:
    here: list[str] = []
    for at in _moments(chance, seconds, pace.churn_s, pace):
        away = [guest for guest in guests if guest not in here]
        if away and (not here or chance.random() < 0.55):
            who = chance.choice(away)
            here.append(who)
            yield Act(at, What.JOIN, who, chance.choice(PUBLISHING))
            continue
        who = chance.choice(here)
        what = chance.choice((What.LEAVE, What.VANISH, What.FREEZE))
        if what is What.FREEZE:
            yield Act(at, what, who, lasts_s=round(chance.uniform(0.5, 4.0), 1))
        else:
            here.remove(who)
            yield Act(at, what, who)


def _updates(chance: random.Random, seconds: float, pace: Rhythm) -> Iterator[Act]:
    for at in _moments(chance, seconds, pace.update_s, pace):
        yield Act(at, What.UPDATE, value=str(chance.randrange(1 << 16)))


def _blows(chance: random.Random, seconds: float, pace: Rhythm) -> Iterator[Act]:
    bag: list[tuple[What, str]] = []
    at = pace.quiet_s + 2.0
    while at < seconds - pace.quiet_s - pace.blow_s / 2:
        if not bag:
            bag = chance.sample(BLOWS, len(BLOWS))
        what, value = bag.pop()
        lasts_s = round(chance.uniform(3.0, 7.0), 1) if what is What.FAULT and value != Fault.RESET else 0.0
        yield Act(round(at, 2), what, value=value, lasts_s=lasts_s)
        at += pace.blow_s * chance.uniform(1.0, 1.3)
