"""Troubles of docs/troubles.md that need no process: T34, T44."""

from __future__ import annotations

import pytest

from openmpu.media.decoding.video import DECODERS, VideoDecoder, can_decode
from openmpu.model.task import TaskState
from tests.http.house import RTC, open_house
from tests.services.doubles import user


@pytest.mark.parametrize("codec", [codec for codec in DECODERS if can_decode(codec)])
def test_t34_a_decoder_has_one_thread(codec: str) -> None:
    """Slice threads have dead-locked, and the default takes every core for every publisher."""
    assert VideoDecoder(codec)._context.thread_count == 1


async def test_t44_silence_and_no_camera_are_normal() -> None:
    """Fifteen minutes with somebody there who sends nothing: the task runs; two minutes with nobody: it is over."""
    async with open_house() as house:
        await house.people(user("ann", publishing=False))
        start = {"AppId": "app", "ChannelId": "room", "TaskId": "t1", "StreamURL": "rtmp://a/b/c"}
        await house.ok("StartMPUTask", RTC, **start)
        for _ in range(15):
            await house.tasks.tick(house.clock.go(60))
        assert [record.state for record in house.tasks.unfinished()] == [TaskState.RUNNING]

        await house.people()
        await house.tasks.tick(house.clock.go(119))
        assert house.tasks.unfinished()
        await house.tasks.tick(house.clock.go(2))
        assert not house.tasks.unfinished()
