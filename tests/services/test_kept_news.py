"""What happened and what is told of it are saved at once: no `kill -9` falls between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from openmpu.model.ids import AppId
from openmpu.services.accounts import Accounts
from openmpu.services.notices import Notices
from openmpu.services.ports import Notice, Subscription
from openmpu.store.sql import open_store
from tests.services.conftest import House
from tests.services.doubles import ACCOUNT, START, ManualClock, key_of, report, url, user


@dataclass
class Kept:
    """A house whose events are kept and told to nobody.

    Attributes:
        saved: After each change of a task, in the moment it is saved: the events that a next server would find.
    """

    house: House
    saved: list[list[tuple[str, int]]] = field(default_factory=list)

    def watch(self) -> None:
        """Look into the store right behind each change."""
        store: Any = self.house.store
        save = store.save_task

        async def watched(*given: Any) -> None:
            await save(*given)
            self.saved.append([_short(notice) for notice in await store.notices()])

        store.save_task = watched


def _short(notice: Notice) -> tuple[str, int]:
    told = notice.payload
    return ("target", told["EventCode"]) if "EventCode" in told else ("task", told["Status"])


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    """A running service on a database file, with a subscription."""
    async with open_store(f"sqlite:///{tmp_path}/openmpu.db") as store:
        await store.add_subscription(Subscription(AppId("app"), "Sub-1", "http://hooks.example/", (), START))
        clock, nobody = ManualClock(), cast("Any", None)
        house = House(store, clock, heard=cast("Any", Notices(store, nobody, Accounts([ACCOUNT]), clock)))
        made = Kept(house)
        made.watch()
        life = asyncio.create_task(house.tasks.run())
        await asyncio.sleep(0)
        yield made
        life.cancel()
        await asyncio.wait([life])


async def test_the_end_of_a_task_and_of_its_target(kept: Kept) -> None:
    """Stopped while pushing: the target's end and the task's stand in the store with the task's new state, in order."""
    house = kept.house
    await house.people(user("ann"))
    await house.start()
    for state in ("connecting", "pushing"):
        await house.tasks.on_report(report(key_of("t1"), 1, (url("t1"), state, 0)))
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    assert kept.saved[-1] == [("task", 1), ("target", 0), ("target", 1), ("target", 4), ("task", 3)]


async def test_a_target_that_is_taken_away(kept: Kept) -> None:
    """Its end is kept with the new list."""
    house = kept.house
    await house.people(user("ann"))
    await house.start()
    await house.tasks.on_report(report(key_of("t1"), 1, (url("t1"), "pushing", 0)))
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: house.spec(targets=(url("other"),)), {})
    assert kept.saved[-1][-1] == ("target", 4)


async def test_somebody_comes(kept: Kept) -> None:
    """From waiting to running."""
    house = kept.house
    await house.start()
    await house.people(user("ann"))
    assert kept.saved[-1] == [("task", 0), ("task", 1)]
