"""Tasks and their URLs in the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from openmpu.errors import Conflict, Limited, NotFound
from openmpu.model.ids import AppId
from openmpu.model.task import Family, Mode, TaskState
from openmpu.services.ports import Quota
from openmpu.store.sql import SqlStore, open_store
from tests.store.values import APP, COOLING, NOW, SECOND, full_record, key, record, url


async def test_a_record_comes_back_as_it_was(store: SqlStore) -> None:
    """Every field of record and spec."""
    full = full_record()
    await store.add_task(full, COOLING)
    assert await store.task(full.spec.key) == full
    assert await store.task_state(full.spec.key) is TaskState.RUNNING
    assert list(await store.tasks(unfinished=True)) == [full]


async def test_unknown_tasks(store: SqlStore) -> None:
    """None, and no lease."""
    assert await store.task(key()) is None
    assert await store.task_state(key()) is None
    with pytest.raises(NotFound):
        await store.next_lease(key())


async def test_two_apps_may_use_one_id(store: SqlStore) -> None:
    """The scope of a TaskId is its AppId."""
    await store.add_task(record("t", url("a")), COOLING)
    await store.add_task(record("t", url("b"), app_id="app2"), COOLING)
    with pytest.raises(Conflict) as refused:
        await store.add_task(record("t", url("c")), COOLING)
    assert (refused.value.subject, refused.value.reason) == ("task", "exists")


async def test_save_changes_all_but_the_lease(store: SqlStore) -> None:
    """The lease only rises; a stale record cannot lower it."""
    await store.add_task(record(), COOLING)
    assert [await store.next_lease(key()) for _ in range(3)] == [1, 2, 3]
    changed = record(idle_since=NOW + 5, named_gone_since=NOW + 6, request={"a": "b"})
    await store.save_task(changed, COOLING, NOW)
    assert await store.task(key()) == replace(changed, lease=3)


async def test_leases_are_given_out_once(store: SqlStore) -> None:
    """However many ask at the same moment."""
    await store.add_task(record(), COOLING)
    leases = await asyncio.gather(*(store.next_lease(key()) for _ in range(20)))
    assert sorted(leases) == list(range(1, 21))


async def test_a_finished_task_makes_room_and_hands_its_lease_on(store: SqlStore) -> None:
    """A worker of the old task stays superseded."""
    await store.add_task(record(), COOLING)
    await store.next_lease(key())
    await store.save_task(record(state=TaskState.STOPPED, ended_at=NOW), COOLING, NOW)
    await store.add_task(record("t1", url("new"), created_at=NOW + 1), COOLING)
    assert await store.next_lease(key()) == 2


async def test_tasks_are_listed_oldest_first(store: SqlStore) -> None:
    """By creation, then as they came; finished ones on demand."""
    for name, created in (("b", 2), ("a", 2), ("c", 1)):
        await store.add_task(record(name, created_at=NOW + created), COOLING)
    await store.save_task(record("a", state=TaskState.STOPPED, ended_at=NOW, created_at=NOW + 2), COOLING, NOW)
    assert [each.spec.task_id for each in await store.tasks(unfinished=True)] == ["c", "b"]
    assert [each.spec.task_id for each in await store.tasks(unfinished=False)] == ["c", "b", "a"]


async def test_old_finished_tasks_are_forgotten(store: SqlStore) -> None:
    """Unfinished ones never."""
    await store.add_task(record("runs", created_at=0), COOLING)
    for name, ended in (("old", NOW - 1), ("new", NOW)):
        await store.add_task(record(name), COOLING)
        await store.save_task(record(name, state=TaskState.STOPPED, ended_at=ended), COOLING, NOW)
    assert await store.drop_tasks_ended_before(NOW) == 1
    assert {each.spec.task_id for each in await store.tasks(unfinished=False)} == {"runs", "new"}


async def test_a_url_is_one_tasks_at_a_time(store: SqlStore) -> None:
    """In use; cooling down from the end on; free after that."""
    await store.add_task(record("t1", url("same")), COOLING)
    with pytest.raises(Conflict) as refused:
        await store.add_task(record("t2", url("same"), app_id="app2"), COOLING)
    assert refused.value.reason == "in_use"
    await store.save_task(record("t1", url("same"), state=TaskState.STOPPED, ended_at=NOW), COOLING, NOW)
    with pytest.raises(Conflict) as refused:
        await store.add_task(record("t2", url("same"), created_at=NOW + COOLING - 1), COOLING)
    assert refused.value.reason == "cooling_down"
    await store.add_task(record("t2", url("same"), created_at=NOW + COOLING), COOLING)


async def test_a_refused_start_takes_nothing(store: SqlStore) -> None:
    """Its first URL is free although its second was not; the finished task of that id is still there."""
    await store.add_task(record("t1", url("b")), COOLING)
    await store.add_task(record("t2", url("old")), COOLING)
    over = record("t2", url("old"), state=TaskState.STOPPED, ended_at=NOW)
    await store.save_task(over, COOLING, NOW)
    with pytest.raises(Conflict):
        await store.add_task(record("t2", url("a"), url("b")), COOLING)
    assert await store.task(key("t2")) == over
    await store.add_task(record("t3", url("a")), COOLING)


async def test_an_update_moves_urls(store: SqlStore) -> None:
    """The new one is taken, the old one free at once; a refused update changes nothing."""
    await store.add_task(record("t1", url("a"), url("b")), COOLING)
    await store.save_task(record("t1", url("b"), url("c")), COOLING, NOW)
    await store.add_task(record("t2", url("a")), COOLING)
    with pytest.raises(Conflict):
        await store.save_task(record("t1", url("d"), url("a")), COOLING, NOW)
    assert (await store.task(key("t1"))).spec.targets == (url("b"), url("c"))
    await store.add_task(record("t3", url("d")), COOLING)
    with pytest.raises(Conflict):
        await store.add_task(record("t4", url("b")), COOLING)


async def test_cold_urls_are_forgotten(store: SqlStore) -> None:
    """Those in use and those still warm are not."""
    for name, ended in (("cold", NOW - 1), ("warm", NOW)):
        await store.add_task(record(name), COOLING)
        await store.save_task(record(name, state=TaskState.STOPPED, ended_at=ended), COOLING, NOW)
    await store.add_task(record("used"), COOLING)
    await store.drop_urls_released_before(NOW)
    await store.add_task(record("x", url("cold")), COOLING)
    for name in ("warm", "used"):
        with pytest.raises(Conflict):
            await store.add_task(record("y", url(name)), COOLING)


async def test_of_many_starts_one_gets_the_url(lasting_url: str) -> None:
    """At the same moment, through two servers on one database."""
    async with open_store(lasting_url) as first, open_store(lasting_url) as second:
        stores = (first, second)
        starts = [stores[n % 2].add_task(record(f"t{n}", url("same"), url(f"own{n}")), COOLING) for n in range(12)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 11 + ["NoneType"]
        assert len(await first.tasks(unfinished=True)) == 1


async def test_quotas_hold_under_pressure(lasting_url: str) -> None:
    """20 starts at once for 5 places, through two servers."""
    quota = Quota(5, Family.CLASSIC, account="demo")
    async with open_store(lasting_url) as first, open_store(lasting_url) as second:
        stores = (first, second)
        starts = [stores[n % 2].add_task(record(f"t{n}"), COOLING, quota) for n in range(20)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["Limited"] * 15 + ["NoneType"] * 5


@pytest.mark.parametrize(
    ("quota", "allowed"),
    [
        (Quota(2, Family.CLASSIC, account="demo"), False),
        (Quota(3, Family.CLASSIC, account="demo"), True),
        (Quota(1, Family.CLASSIC, account="other"), True),
        (Quota(1, Family.LIVE, app_id=APP, mode=Mode.MIX), False),
        (Quota(1, Family.LIVE, app_id=APP, mode=Mode.RELAY), True),
        (Quota(1, Family.LIVE, app_id=AppId("app2"), mode=Mode.MIX), True),
        (Quota(0, Family.LIVE), False),
    ],
)
async def test_quotas_count_what_agrees(store: SqlStore, quota: Quota, *, allowed: bool) -> None:
    """Two classic tasks and one live mix run; a finished one does not count."""
    await store.add_task(record("c1"), COOLING)
    await store.add_task(record("c2", app_id="app2"), COOLING)
    await store.add_task(record("over"), COOLING)
    await store.save_task(record("over", state=TaskState.STOPPED, ended_at=NOW - 60 * SECOND), COOLING, NOW)
    await store.add_task(record("l1", family=Family.LIVE, mode=Mode.MIX), COOLING)
    if allowed:
        await store.add_task(record("new"), COOLING, quota)
    else:
        with pytest.raises(Limited):
            await store.add_task(record("new"), COOLING, quota)
