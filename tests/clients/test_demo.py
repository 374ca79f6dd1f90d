"""How the demo ends when it is not left to itself; that it plays is a scenario of tests/e2e."""

import signal

import pytest

from tests.rig.processes import rig
from tests.rig.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]


async def test_the_demo_ends_in_order_when_told(tmp_path):
    """SIGINT in the middle: server, publishers and task are taken down, the verdict is given; it said where to watch."""
    async with rig(tmp_path, serve=False) as made:
        demo = await made.start("demo", log="demo.log")
        await until(lambda: "users 2" in demo.text, within_s=60)
        assert "/play/demo/demo#token=preview." in demo.text
        demo.kill(signal.SIGINT)
        status = await demo.wait(within_s=30)
        assert status in (0, 1), demo.text
        assert "as expected" in demo.text
        assert not made.processes()


async def test_a_demo_that_is_killed_leaves_nothing(tmp_path):
    """`kill -9` of the demo alone: all that it started ends by itself."""
    async with rig(tmp_path, serve=False) as made:
        demo = await made.start("demo", log="demo.log")
        await until(lambda: "users 2" in demo.text, within_s=60)
        demo.kill()
        await demo.wait()
        assert not await made.left_behind(within_s=20)


async def test_an_output_that_cannot_be_written_is_told_at_once(tmp_path):
    """One sentence, exit status 2 or 1, nothing started."""
    async with rig(tmp_path, serve=False) as made:
        finished = await made.run("demo", "--seconds", "5", "--save", str(tmp_path / "no" / "such" / "place.flv"))
    assert finished.status != 0
    assert "place.flv" in finished.err
