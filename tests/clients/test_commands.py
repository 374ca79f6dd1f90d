"""The clients' commands against a real server, as a user types them: results, sentences, exit statuses."""

import asyncio
import json

import pytest

from openmpu.wire.tokens import make_one_string
from tests.rig.ports import free_port
from tests.rig.processes import APP, rig
from tests.rig.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]


def sentence(finished):
    """What was said on standard error: one line of ours, no trace."""
    lines = finished.err.strip().splitlines()
    assert len(lines) == 1, finished.err
    assert lines[0].startswith("openmpu: ")
    return lines[0]


async def test_calls_tell_success_by_their_exit_status(tmp_path):
    """Start 0, start again 3 (TaskExisted), status 0, stop 0, nonsense 1; V1 and XML work too."""
    async with rig(tmp_path) as made:
        config = ["--config", str(made.config)]
        target = f"StreamURL=rtmp://127.0.0.1:{free_port()}/live/x"
        start = ["call", "StartMPUTask", "TaskId=t", "ChannelId=c", "MixMode=1", "MediaEncode=20", target]
        first = await made.run(*start, *config)
        assert (first.status, list(json.loads(first.out))) == (0, ["RequestId"])
        again = await made.run(*start, *config)
        assert (again.status, json.loads(again.out)["Code"]) == (3, "TaskExisted")
        asked = await made.run("call", "GetMPUTaskStatus", "TaskId=t", "--v1", "--format", "xml", *config)
        assert asked.status == 0
        assert "<GetMPUTaskStatusResponse>" in asked.out
        assert (await made.run("call", "StopMPUTask", "TaskId=t", *config)).status == 0
        wrong = await made.run("call", "StopMPUTask", *config)
        assert (wrong.status, "MissingTaskId" in wrong.out) == (1, True)


async def test_a_wrong_secret_is_an_answer(tmp_path):
    """Exit status 1 and the server's code."""
    async with rig(tmp_path) as made:
        keys = ["--endpoint", made.url, "--access-key", "rigkey", "--secret", "wrong"]
        finished = await made.run("call", "StopMPUTask", f"AppId={APP}", "TaskId=t", *keys)
        assert finished.status == 1
        assert "SignatureDoesNotMatch" in finished.out


async def test_publishing_with_what_cannot_be_is_one_sentence(tmp_path):
    """A clip that is none, a file that is not there, a URL that is none, a token that is wrong or expired."""
    (tmp_path / "noise.mp4").write_bytes(b"no media " * 100)
    async with rig(tmp_path) as made:
        place = ["publish", "--server", made.url, "--app", APP, "--channel", "c", "--user", "u"]
        expired = make_one_string(APP, "rigappkey", "c", "u", 1_700_000_000)
        cases = (
            ([*place, "--key", "k", "--input", str(tmp_path / "noise.mp4")], "noise.mp4"),
            ([*place, "--key", "k", "--input", str(tmp_path / "none.mp4")], "none.mp4"),
            ([*place, "--key", "k", "--video", "h266"], "h266"),
            ([*place, "--token", "nonsense"], "token"),
            ([*place, "--token", expired], "expired"),
            (
                ["publish", "--server", "nowhere", "--app", APP, "--channel", "c", "--user", "u", "--key", "k"],
                "nowhere",
            ),
        )
        finished = [await made.run(*arguments) for arguments, _ in cases]
    for done, (_, word) in zip(finished, cases, strict=True):
        assert done.status != 0
        assert word in sentence(done)
        assert "rigappkey" not in done.err


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
