"""What can wait a moment waits for the beat."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from openmpu.gateway.beat import BEAT_S, on_beat

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_timers_fall_on_beats(loop):
    """Whatever was asked for, it is not early, and not later than the beat after it."""

    async def planned():
        running, delays = asyncio.get_running_loop(), [0, 0.003, 0.0042, BEAT_S, 0.1237]
        began = running.time()
        handles = [on_beat(delay, lambda: None) for delay in delays]
        return [
            (handle.when() - began, handle.when() / BEAT_S, delay)
            for handle, delay in zip(handles, delays, strict=True)
        ]

    with asyncio.Runner(loop_factory=loop) as runner:
        for waited, beats, delay in runner.run(planned()):
            assert delay < waited < delay + BEAT_S + 0.003
            assert beats == pytest.approx(round(beats), abs=0.101)  # uvloop tells whole milliseconds


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_one_wake_up_does_for_all(loop):
    """Timers that were set at different times, for different times of one beat, go off together."""

    async def gone_off():
        came, over = [], asyncio.Event()
        running = asyncio.get_running_loop()
        wanted = (running.time() // BEAT_S + 20.5) * BEAT_S
        for _ in range(4):
            on_beat(wanted - running.time(), lambda: came.append(running.time()))
            await asyncio.sleep(0.002)
        on_beat(wanted + BEAT_S - running.time(), over.set)
        await over.wait()
        return came

    with asyncio.Runner(loop_factory=loop) as runner:
        came = runner.run(gone_off())
    assert len(came) == 4
    assert came[-1] - came[0] < BEAT_S / 2
