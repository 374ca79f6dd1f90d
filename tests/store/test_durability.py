"""What was acknowledged survives `kill -9` of the server."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.store.sql import open_store
from tests.store.values import APP, NOW, key, record

ROOT = Path(__file__).resolve().parents[2]
KEEP = 1800 * 10**9


async def write_for_ever(path: str) -> None:
    """What the killed process does: many kinds of writes at once, each told on standard output once acknowledged."""
    async with open_store(f"sqlite:///{path}") as store:

        async def write(worker: int) -> None:
            for number in range(10**9):
                name = f"{worker}-{number}"
                assert await store.use_nonce("key", name, NOW, NOW + KEEP)
                await store.add_task(record(name), 0)
                lease, layout_id = await store.next_lease(key(name)), await store.add_layout(APP, BUILT_IN[LayoutId(1)])
                sys.stdout.write(f"{name} {lease} {layout_id}\n")
                sys.stdout.flush()

        await asyncio.gather(*(write(worker) for worker in range(4)))


def kill_while_it_writes(path: str, after: int) -> list[list[str]]:
    """What such a process acknowledged before it was killed, at least `after` lines."""
    code = f"import asyncio, tests.store.test_durability as t; asyncio.run(t.write_for_ever({path!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(after)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    return [line.split() for line in lines if line.endswith("\n")]


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(3))
async def test_acknowledged_writes_survive_kill_9(tmp_path: Path, seed: int) -> None:
    """Tasks, leases, layout ids and nonces that were acknowledged are there; none is given out again."""
    path = f"{tmp_path}/openmpu.db"
    told = kill_while_it_writes(path, random.Random(seed).randrange(20, 90))
    assert len(told) >= 20
    async with open_store(f"sqlite:///{path}") as store:
        for name, lease, _ in told:
            task = await store.task(key(name))
            assert (task.spec.targets, task.lease) == (record(name).spec.targets, int(lease))
            assert not await store.use_nonce("key", name, NOW, NOW + KEEP)
        kept = {layout.layout_id for layout in await store.layouts(APP)}
        assert {int(layout_id) for _, _, layout_id in told} <= kept
        assert await store.add_layout(APP, BUILT_IN[LayoutId(1)]) > max(kept)
