"""A short fuzzing of a running server; `make fuzz` runs long ones."""

from dataclasses import replace

import pytest

from tests.rig.fuzz import BARS, fuzz

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]
DOORS = {"api", "http", "whip", "udp", "rtp", "rtmp"}
HUNG_MS = 2000.0
"""Drift of a stream that is watched while attackers take the machine: only a stream that stands still is judged here."""


async def test_garbage_at_every_door_is_not_noticed_beside_it(tmp_path):
    """No 500, no page, no traceback, nobody dies, the other stream has all its pictures."""
    verdict = await fuzz(tmp_path, seconds=12, seed=11, bars=replace(BARS, drift_ms=HUNG_MS))

    assert verdict.faults == ()
    assert set(verdict.sent) >= DOORS
    assert min(verdict.sent[door] for door in DOORS) >= 5
    assert {"api 200", "api 400", "whip 201", "whip 400", "publish 201"} <= set(verdict.answers)
