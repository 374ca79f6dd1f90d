"""A soak of less than a minute: the structure holds. Times are for `make soak`, on a machine that does nothing else."""

import math

import pytest

from tests.rig.schedule import Rhythm
from tests.rig.score import Bars, faults, line
from tests.rig.soak import soak
from tests.rig.soaking import BACK_WITHIN_S, LIGHT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="package")]

LENIENT = Bars(
    present=0.999,
    forgive_missed=True,
    drift_ms=1500.0,
    lips_p95_ms=math.inf,
    back_s=dict.fromkeys(("fault", "kill", "stop"), BACK_WITHIN_S),
    grown_mb=60.0,
)
"""What a machine that is busy with other things may cost: never a picture out of time, never a process left."""


async def test_a_short_soak_holds_its_bars(tmp_path):
    """Joins, leaves, updates, a killed gateway, a receiver that falls silent: the steady stream does not lose its rhythm."""
    score = await soak(tmp_path, 40.0, 8, Rhythm(churn_s=4.0, update_s=3.0, blow_s=12.0, quiet_s=4.0), LIGHT)
    assert faults(score, LENIENT) == [], line(score)
    assert len(score.back_s) == 2
    assert score.steady.frames + score.missed_ticks > 40 * LIGHT.fps
