"""Ten targets of one task through the whole system: those that are dead, frozen or slow cost the others nothing."""

import contextlib
import json
from urllib.parse import urlsplit

import pytest

from tests.clients.clips import write_clip
from tests.e2e.steps import received, receiving, until
from tests.rig.nals import pictures_of
from tests.rig.ports import free_port
from tests.rig.proxy import Fault, FaultProxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(200), pytest.mark.asyncio(loop_scope="package")]
SECONDS = 6


@contextlib.asynccontextmanager
async def behind(url, fault, kbps=0):
    """A receiver behind a door that misbehaves; its URL."""
    target = urlsplit(url)
    door = FaultProxy(target.port)
    await door.start()
    await door.set(fault, kbps)
    try:
        yield f"rtmp://127.0.0.1:{door.port}{target.path}"
    finally:
        await door.stop()


def _to(*urls):
    return {"MultiStreamURL": json.dumps([{"URL": url} for url in urls])}


async def test_ten_targets_of_which_three_are_sick(house, tmp_path):
    """One is not there, one takes nothing, one half the rate: the other seven get every slice, on one connection.

    Two of the seven come later and find the rest untouched; one more takes the place of the dead one.
    """
    clip = write_clip(tmp_path / "clip.mp4", seconds=SECONDS, gop=25, size=(640, 360))
    half = round(clip.stat().st_size * 8 / SECONDS / 1000 / 2)
    files = [tmp_path / f"target{number}.flv" for number in range(8)]
    async with contextlib.AsyncExitStack() as stack:
        good = [await stack.enter_async_context(receiving(file)) for file in files]
        lame = [await stack.enter_async_context(receiving()) for _ in range(2)]
        frozen = await stack.enter_async_context(behind(lame[0].url, Fault.STALL))
        slow = await stack.enter_async_context(behind(lame[1].url, Fault.THROTTLE, half))
        sick = (f"rtmp://127.0.0.1:{free_port()}/live/dead", frozen, slow)
        program = await house.publisher("ann", input=clip)
        await until(lambda: "state=publishing" in program.text, f"ann publishes: {program.text[-300:]}")
        usual = {"TaskId": "many", "ChannelId": "room"}
        more = {"MixMode": 0, "SingleSubParams": json.dumps({"UserId": "ann"})}
        urls = [cdn.url for cdn in good]
        assert (await house.call("StartLiveMPUTask", **usual, **more, **_to(*sick, *urls[:5]))).status == 200
        await received(good[0], 2)
        assert (await house.call("UpdateLiveMPUTask", **usual, **_to(*sick, *urls[:7]))).status == 200
        for cdn in good[:7]:
            await received(cdn, 4)
        told = (await house.task("many"))["targets"]
        assert (await house.call("UpdateLiveMPUTask", **usual, **_to(*sick[1:], *urls))).status == 200
        await received(good[7], 2)
        figures = [cdn.figures() for cdn in good]

    assert [target["state"] for target in told[3:]] == ["pushing"] * 7
    assert [target["dropped"] for target in told[3:]] == [0] * 7
    assert told[0]["error_code"] == 1002  # cannot connect
    assert told[1]["error_code"] in {0, 1003}  # its handshake has no end
    published = [picture.slices for picture in pictures_of(clip)] * 30
    for file, figure in zip(files, figures, strict=True):
        came = [picture.slices for picture in pictures_of(file)]
        start = published.index(came[0])
        assert came == published[start : start + len(came)]
        assert figure.connects == 1
