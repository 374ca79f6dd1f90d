"""The clients' commands against a real server, as a user types them: results, sentences, exit statuses."""

import asyncio
import time
from dataclasses import dataclass

import pytest

from openmpu.wire.tokens import check_preview, make_one_string
from tests.rig.ports import free_port
from tests.rig.processes import APP, APP_KEY, rig
from tests.rig.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]


def sentence(finished):
    """What was said on standard error: one line of ours, no trace."""
    lines = finished.err.strip().splitlines()
    assert len(lines) == 1, finished.err
    assert lines[0].startswith("openmpu: ")
    return lines[0]


async def test_a_wrong_secret_is_an_answer(tmp_path):
    """Exit status 1 and the server's code."""
    async with rig(tmp_path) as made:
        keys = ["--endpoint", made.url, "--access-key", "rigkey", "--secret", "wrong"]
        finished = await made.run("call", "StopMPUTask", f"AppId={APP}", "TaskId=t", *keys)
        assert finished.status == 1
        assert "SignatureDoesNotMatch" in finished.out


async def test_a_refused_token_is_one_sentence(tmp_path):
    """No token at all, one of another key, one that has expired: the server's word, and the publisher ends."""
    async with rig(tmp_path) as made:
        place = ["publish", "--server", made.url, "--app", APP, "--channel", "c", "--user", "u"]
        expired = make_one_string(APP, APP_KEY, "c", "u", 1_700_000_000)
        cases = ((["--token", "nonsense"], "token"), (["--key", "wrong"], "token"), (["--token", expired], "expired"))
        finished = [await made.run(*place, *proof) for proof, _ in cases]
    for done, (_, word) in zip(finished, cases, strict=True):
        assert done.status != 0
        assert word in sentence(done)


async def test_a_token_for_a_task_opens_it(tmp_path):
    """`token --task` prints a preview token of five minutes; two kinds at once are refused with a sentence."""
    async with rig(tmp_path, serve=False) as made:
        config = ["--config", str(made.config)]
        printed = await made.run("token", "--task", "show", *config)
        check_preview(printed.out.strip(), APP, "show", lambda _: Keys(), time.time() + 290)
        both = await made.run("token", "--task", "show", "--channel", "c", "--user", "u", *config)
        assert (both.status, "--task alone" in sentence(both)) == (2, True)


@dataclass(frozen=True)
class Keys:
    """The rig's app, as tokens know it."""

    keys: tuple[str, ...] = (APP_KEY,)
    role_check: bool = False
    enabled: bool = True


async def test_publisher_and_receiver_meet_in_a_task(tmp_path):
    """`publish` and `receive` as commands; the publisher ends its session when it is told to end."""
    async with rig(tmp_path) as made:
        port = free_port()
        receiver = await made.start(
            "receive", "--listen", f"rtmp://127.0.0.1:{port}/live/x", "--save", str(tmp_path / "x.flv"), log="r.log"
        )
        publisher = await made.publisher("alice", size="640x360")
        await until(lambda: "state=publishing" in publisher.text, within_s=60)
        assert (await made.start_task("t", f"rtmp://127.0.0.1:{port}/live/x")).exit_status == 0
        await until(lambda: "live=True" in receiver.text, within_s=30)
        assert made.pids("openmpu: publisher alice") == [publisher.pid]
        assert made.pids(f"openmpu: worker {APP}/t")
        assert (await made.task("t"))["state"] == "running"
        assert await publisher.stop() == 0
        await asyncio.wait_for(_empty(made), 20)


async def _empty(made):
    """Until the channel has no users any more, by the task's figures."""
    while (await made.task("t"))["figures"].get("users") != 0:
        await asyncio.sleep(0.2)
