"""What publishers and networks do, seen in the received stream: frozen or empty, never broken; the clock untouched.

Three publishers at a time share a task, each with a fault of its own, and an honest one sits among them all the while.
All rounds are recorded once (a minute), then each fault is judged in its own pane and by its own tone.
"""

import random
from itertools import pairwise

import pytest
import pytest_asyncio

from tests.e2e.steps import LONG
from tests.rig.analysis import Recording
from tests.rig.odd_stage import OUTPUT_FPS, Case, Stage, Stay
from tests.rig.processes import Rig
from tests.rig.rtp_faults import Delay, Fault, Loss, LyingReports, NoKeyFrames, NoReports, OtherSender, TimeLeap
from tests.rig.sounds import sound_gaps

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="package")]

MOMENT = 3.0
"""Seconds: when most faults begin."""
AWAY = 30.0 if LONG else 5.0
ENTRY = 2.0
"""Seconds within which somebody new is seen and heard; measured: 0.5."""
BACK = 12.0 if LONG else 5.0
"""Seconds within which somebody whose cable is in again is seen: the longer it was out, the rarer are tries (at most 10 s
apart); measured: 1.5 to 3.5 after 5 s, 4.7 after 30 s."""
FROZEN = 3.2
"""Seconds that a last picture stands (layouts.md 5.1), and three ticks."""
LIPS_MS = 100.0

FIRST = (
    Case("no key frame for 10 s", NoKeyFrames(0, 0.0, 10.0, hole_s=0.0), unseen=(0.0, 11.5)),
    Case(
        "absence", away=(MOMENT, MOMENT + AWAY), unseen=(MOMENT, MOMENT + AWAY + BACK),
        unheard=(MOMENT, MOMENT + AWAY + BACK),
    ),
    Case("5 to 60 fps", pictures={"steps": (1, 12, 2, 6)}),
)  # fmt: skip
KEYS = (
    Case("key frames dropped", NoKeyFrames(0, MOMENT, MOMENT + 5), video="vp8", unseen=(MOMENT, MOMENT + 6.5)),
    Case("ICE restart", restart_s=MOMENT),
    Case("DTX", sound={"dtx": True}),
)
TIMES = (
    Case("an hour ahead", TimeLeap(0, MOMENT, 1)),
    Case("an hour back", TimeLeap(0, MOMENT, -1), video="vp8"),
    Case("another SSRC", OtherSender(0, MOMENT), still_s=1.0),
)
REPORTS = (
    Case("no reports", NoReports()),
    Case("reports that lie", LyingReports(0, MOMENT, 2)),
    Case("8 to 48 kHz", sound={"rates": (8000, 48_000, 12_000, 24_000, 16_000)}),
)
LOSSES = (
    Case("loss of 5 %", Loss()),
    Case("loss of 5 %, VP8", Loss(chance=random.Random(7)), video="vp8"),
    Case("burst loss of 10 %", Loss(share=0.1, burst=5), still_s=1.0),
)
PATHS = (
    Case("reorder of 5 %", Delay(share=0.05, least_s=0.02, most_s=0.06)),
    Case("jitter of 100 ms", Delay(), unheard=(0.0, ENTRY + 1), silent_s=0.25),  # so long the wait for it is learned
    Case(
        "another size each second",
        pictures={"sizes": ((320, 180), (256, 144), (480, 270), (224, 126))},
        off=60.0,  # small pictures are enlarged by other filters here and there
    ),
)
ROUNDS = (
    (MOMENT + AWAY + BACK + 4, FIRST),
    (MOMENT + 7.0, KEYS),
    (MOMENT + 4, TIMES),
    (MOMENT + 4, REPORTS),
    (6.0, LOSSES),
    (8.0, PATHS),
)
CASES = [case for _, cases in ROUNDS for case in cases]
every_case = pytest.mark.parametrize("name", [case.name for case in CASES])


class Kept:
    """The recording that all tests of this file look at."""

    stage: Stage | None = None
    stays: dict[str, Stay] | None = None


@pytest_asyncio.fixture(loop_scope="package")
async def kept(request, shared_server: Rig, tmp_path_factory) -> Kept:
    """Made for the first test, and made anew for a test that is repeated because it failed."""
    if Kept.stage is None or getattr(request.node, "execution_count", 1) > 1:
        Kept.stage = Stage(shared_server, tmp_path_factory.mktemp("inputs") / "inputs.flv")
        await Kept.stage.play(ROUNDS)
        await shared_server.clear()
        Kept.stays = Kept.stage.stays()
    return Kept


@every_case
async def test_never_broken(kept, name):
    """Each picture in the pane is, in every block of it, one that was sent, and none is older than the one before."""
    stay = kept.stays[name]
    shown = [one for one in stay.seen if one.number is not None]
    assert [one for one in stay.seen if one.off > stay.case.off] == []
    assert all(before.number <= after.number for before, after in pairwise(shown))
    assert len({one.number for one in shown if one.pts > stay.seen[-1].pts - 10**9}) >= 4, "they move at the end"
    assert stay.case.fault.struck or type(stay.case.fault) is Fault, "the fault never struck"


@every_case
async def test_frozen_or_empty(kept, name):
    """Pictures stand and panes are empty while the fault does not let anything else, and at no other time."""
    stay = kept.stays[name]
    assert _outside(stay.still, stay.case.unseen, stay.case.still_s) == []
    assert _outside(stay.empty, (0.0, ENTRY), 0.0, stay.case.unseen) == []
    assert max((end - start for start, end in stay.still), default=0.0) <= FROZEN


@pytest.mark.parametrize(
    ("name", "least_s"),
    [("no key frame for 10 s", 9.5), ("key frames dropped", 1.5), ("absence", AWAY - FROZEN)],
)
async def test_the_placeholder_stands_for_who_cannot_be_shown(kept, name, least_s):
    """Not the last picture for ever, not a broken one, not a picture that waits to be finished."""
    assert max(end - start for start, end in kept.stays[name].empty) >= least_s


@every_case
async def test_sound_is_concealed(kept, name):
    """No hole in the hum that anybody would hear, a beep in each second, in time with its flash."""
    stay = kept.stays[name]
    if stay.case.hums:
        assert _outside(stay.silent, (0.0, ENTRY), stay.case.silent_s, stay.case.unheard) == []
    heard = [beep for beep in stay.beeps if beep > ENTRY and not _within(beep, stay.case.unheard)]
    gone = min(stay.seconds, stay.case.unheard[1]) - min(stay.seconds, stay.case.unheard[0])
    assert len(heard) >= stay.seconds - ENTRY - gone - 1.5
    settled = min(max(ENTRY, stay.case.unseen[1] + 1, stay.case.unheard[1] + 1), stay.seconds - 2)
    assert abs(stay.lips_ms(settled)) <= LIPS_MS


async def test_the_output_clock_is_untouched(kept):
    """A picture on every tick, block after block of sound, one connection, from the first round to the last."""
    recording = Recording(kept.stage.save)
    assert recording.cadence(OUTPUT_FPS).perfect
    assert sound_gaps(recording.audio) == []
    assert kept.stage.connects == 1


async def test_who_sits_beside_them_notices_nothing(kept):
    """The honest one is whole and moves all the time."""
    honest = kept.stays["honest"]
    assert max(one.off for one in honest.seen) <= honest.case.off
    assert _outside(honest.empty, (0.0, ENTRY), 0.0) == []
    assert max((end - start for start, end in honest.still), default=0.0) <= honest.case.still_s


def _outside(spans, allowed, longest_s, also=(0.0, 0.0)):
    """The spans that are longer than they may be and neither within one of two others nor ending there."""
    found = [span for span in spans if span[1] - span[0] > longest_s]
    return [span for span in found if not any(low <= span[0] and span[1] <= high for low, high in (allowed, also))]


def _within(moment, span):
    return span[0] <= moment <= span[1]
