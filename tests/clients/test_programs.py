"""Child processes of the demo."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from openmpu.clients.programs import Program
from tests.rig.ports import free_port
from tests.rig.waiting import until

pytestmark = pytest.mark.e2e


def receiver(lines=None):
    """A harmless command that goes on until it is told to end."""
    arguments = ["receive", "--listen", f"rtmp://127.0.0.1:{free_port()}/live/x"]
    return Program("receiver", arguments, lines.append if lines is not None else None)


async def test_a_program_is_heard_and_ended(tmp_path):
    """Its lines come as it writes them, also into the log; it ends when told."""
    lines = []
    program = receiver(lines)
    await program.start(tmp_path / "log")
    await until(lambda: lines)
    assert program.running
    await program.stop()
    assert not program.running
    assert program.last_line
    assert lines[0] in (tmp_path / "log").read_text()


async def test_a_program_that_fails_leaves_its_last_words(tmp_path):
    """A wrong option."""
    program = Program("wrong", ["receive", "--listen", "nonsense"])
    await program.start()
    await until(lambda: not program.running)
    await until(lambda: "listen" in program.last_line)
    await program.stop()


async def test_a_program_that_does_not_end_is_killed(monkeypatch):
    """SIGSTOP makes it deaf to SIGTERM."""
    monkeypatch.setattr("openmpu.clients.programs._STOP_SECONDS", 0.5)
    lines = []
    program = receiver(lines)
    await program.start()
    await until(lambda: lines)
    os.kill(program._process.pid, signal.SIGSTOP)
    await program.stop()
    assert not program.running


async def test_a_program_dies_with_its_parent():
    """Even when the parent is killed without a chance to say so."""
    script = (
        "import asyncio, sys\n"
        "from openmpu.clients.programs import Program\n"
        "async def main():\n"
        f"    program = Program('x', ['receive', '--listen', 'rtmp://127.0.0.1:{free_port()}/live/x'])\n"
        "    await program.start()\n"
        "    print(program._process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
