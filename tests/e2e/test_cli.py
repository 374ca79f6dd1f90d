"""The commands as a user meets them: the first start, the demo, a call, and one clear sentence for bad input."""

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.steps import ALICE, BOB, until
from tests.rig.analysis import Recording
from tests.rig.ports import free_port
from tests.rig.processes import rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]


@pytest_asyncio.fixture(loop_scope="package")
async def shell(tmp_path):
    """Commands without a server."""
    async with rig(tmp_path, serve=False) as made:
        yield made


async def test_the_demo_ends_by_itself_with_the_right_picture(shell, tmp_path):
    """Exit 0 only after what was received was as expected; the file holds at least the seconds asked for."""
    saved = tmp_path / "out.flv"

    done = await shell.run("demo", "--seconds", "20", "--save", str(saved), within_s=120)

    assert done.status == 0, done.out + done.err
    recording = Recording(saved)
    assert recording.seconds >= 18
    assert recording.cadence(25).perfect, recording.cadence(25)
    assert "alice in pane 0, bob in pane 1, carol in pane 2" in done.out
    assert "alice in pane 0, carol in pane 1" in done.out


async def test_the_first_start_makes_keys(shell, tmp_path, monkeypatch):
    """Without settings: a file readable by the owner alone, and the commands use it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    shell.config.unlink()  # it would be found as ./openmpu.toml
    port = free_port()
    environment = {"OPENMPU_SERVER__LISTEN": f"127.0.0.1:{port}", "OPENMPU_MEDIA__UDP_PORTS": "33000-33050"}
    shell._environment = lambda: {**os.environ, **environment}

    server = await shell.start("serve", log="first.log")
    await until(lambda: "gateway ready" in server.text, f"ready: {server.text}")
    found = tmp_path / "xdg" / "openmpu" / "openmpu.toml"
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    called = await shell.run("call", "GetMPUTaskStatus", "TaskId=none")
    token = await shell.run("token", "--channel", "c", "--user", "u")

    assert str(found) in server.text
    assert (called.status, "InvalidTask.NotFound" in called.out) == (1, True), called
    assert token.status == 0
    assert token.out.startswith("eyJ")
    assert await server.stop() == 0


async def test_titles_tell_what_runs(house):
    """`ps` shows server, gateway and worker by name; the worker with its task."""
    await house.publisher("alice", **ALICE.options())
    await house.start_task("named", f"rtmp://127.0.0.1:{free_port()}/live/x")
    await until(lambda: house.pids("openmpu: worker rigapp/named"), "a worker runs")

    assert house.pids("openmpu: server")
    assert house.pids("openmpu: gateway")
    assert house.pids("openmpu: publisher alice")


async def test_a_call_tells_success_by_its_status(house):
    """0: done; 3: TaskExisted came with 200; 1: refused. V1 and XML too."""
    start = [
        "call",
        "--config",
        str(house.config),
        "StartMPUTask",
        "ChannelId=room",
        "TaskId=t",
        "StreamURL=rtmp://127.0.0.1/a/b",
    ]

    first = await house.run(*start)
    again = await house.run(*start)
    status = await house.run(
        "call", "--config", str(house.config), "--v1", "--format", "xml", "GetMPUTaskStatus", "TaskId=t"
    )
    refused = await house.run("call", "--config", str(house.config), "GetMPUTaskStatus")

    assert (first.status, again.status, status.status, refused.status) == (0, 3, 0, 1)
    assert "TaskExisted" in again.out
    assert "<Status>0</Status>" in status.out
    assert "MissingTaskId" in refused.out


BAD = [
    (["serve", "--config", "nowhere.toml"], "nowhere.toml: no such file"),
    (["publish", "--channel", "a b", "--user", "u", "--server", "http://h", "--app", "a", "--key", "k"], "channel:"),
    (["publish", "--channel", "c", "--user", "u", "--server", "h", "--app", "a", "--key", "k"], "server:"),
    (
        [
            "publish",
            "--channel",
            "c",
            "--user",
            "u",
            "--server",
            "http://h",
            "--app",
            "a",
            "--key",
            "k",
            "--input",
            "no.mp4",
        ],
        "no.mp4",
    ),
    (["publish", "--channel", "c", "--user", "u", "--server", "http://h", "--app", "a", "--token", "a b"], "token:"),
    (
        [
            "publish",
            "--channel",
            "c",
            "--user",
            "u",
            "--server",
            "http://h",
            "--app",
            "a",
            "--key",
            "k",
            "--size",
            "big",
        ],
        "size:",
    ),
    (["receive", "--listen", "http://h/x"], "listen"),
    (
        ["call", "GetMPUTaskStatus", "TaskId", "--endpoint", "http://h", "--access-key", "a", "--secret", "s"],
        "Name=Value",
    ),
    (["call", "X", "--endpoint", "nonsense", "--access-key", "a", "--secret", "s"], "endpoint:"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence"), BAD, ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else ""
)
async def test_bad_input_gets_one_sentence(shell, arguments, sentence):
    """On standard error, with the culprit's name, no trace, and a status that is not 0."""
    done = await shell.run(*arguments)

    assert done.status != 0
    assert sentence in done.err, done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1, done.err


async def test_a_broken_clip_gets_one_sentence(shell, tmp_path):
    """A file that is no media."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not a film" * 100)

    done = await shell.run(
        "publish",
        "--channel",
        "c",
        "--user",
        "u",
        "--server",
        "http://127.0.0.1:1",
        "--app",
        "a",
        "--key",
        "k",
        "--input",
        str(clip),
    )

    assert done.status != 0
    assert "clip.mp4" in done.err
    assert len(done.err.strip().splitlines()) == 1, done.err


async def test_a_second_server_on_the_same_state_is_refused(house):
    """One sentence; the first goes on."""
    done = await house.run("serve", "--config", str(house.config))

    assert done.status != 0
    assert "another openmpu server uses it" in done.err


async def test_the_server_loads_no_decoder(house):
    """Not even when tasks and publishers are there: its memory maps hold no codec library."""
    await house.publisher("bob", **BOB.options())
    await house.start_task("lean", f"rtmp://127.0.0.1:{free_port()}/live/x")
    await until(lambda: house.pids("openmpu: worker"), "a worker runs")

    maps = _maps(house.pids("openmpu: server")[0])
    assert not [name for name in ("libavcodec", "cv2", "libx264") if name in maps]


def _maps(pid):
    return Path(f"/proc/{pid}/maps").read_text()


async def test_a_machine_with_nothing_but_loopback(shell):
    """The publisher, the gateway and the worker find one another there too."""
    inside = f"ip link set lo up && exec {sys.executable} -m openmpu demo --seconds 10"
    try:
        process = await asyncio.create_subprocess_exec(
            "unshare", "-n", "sh", "-c", inside, cwd=shell.directory, stdout=-1, stderr=-2
        )
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    if b"unshare failed" in out:
        pytest.skip("network namespaces are not allowed here")

    assert process.returncode == 0, out.decode()
