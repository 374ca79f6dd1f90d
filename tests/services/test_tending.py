"""What happens to tasks by themselves: rosters, time, reports, restarts; days in milliseconds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from openmpu.errors import NotFound
from openmpu.model.ids import AppId, ChannelId, ChannelKey, LayoutId, UserId
from openmpu.model.layouts import BUILT_IN, Layout
from openmpu.model.reports import WorkerReport
from openmpu.model.roster import Roster
from openmpu.model.taking import NamedUser, Taking
from openmpu.model.task import Family, MixSpec, TaskState
from openmpu.services.layouts import Layouts
from tests.services.conftest import House
from tests.services.doubles import ACCOUNT, CHANNEL, key_of, report, url, user

DAY = 86_400


async def test_a_task_nobody_comes_to_ends_after_30_days(house: House) -> None:
    """State 2, told with code 2003."""
    await house.start()
    await house.wait(30 * DAY - 1)
    assert await house.state() is TaskState.WAITING
    await house.wait(1)
    assert await house.state() is TaskState.STOPPED
    assert house.heard.moves[-1] == ("t1", 0, 2, 2003)


async def test_everybody_left_for_120_seconds(house: House) -> None:
    """The worker goes on meanwhile, then ends; its target has ended as wanted."""
    await house.people(user("ann"))
    await house.start()
    await house.tasks.on_report(report(key_of("t1"), house.lease(), (url("t1"), "pushing", 0)))
    await house.people()
    await house.wait(119)
    assert house.lease() == 1
    await house.wait(1)
    assert await house.state() is TaskState.CHANNEL_ENDED
    assert not house.engine.workers
    assert [code for _, code, _ in house.heard.targets] == [1, 4]


async def test_who_returns_within_120_seconds_finds_the_task_running(house: House) -> None:
    """The timer is cancelled, and begins anew at the next absence."""
    await house.people(user("ann"))
    await house.start()
    await house.people()
    await house.wait(119)
    await house.people(user("bob"))
    await house.wait(1000)
    await house.people()
    await house.wait(29)
    assert await house.state() is TaskState.RUNNING


async def test_lost_news_of_a_roster_is_found_by_the_next_tick(house: House) -> None:
    """Nobody told that somebody joined."""
    await house.start()
    house.gateways.rosters[CHANNEL] = Roster.of(user("ann"))
    await house.wait(0.5)
    assert await house.state() is TaskState.RUNNING


async def test_max_idle_time(house: House) -> None:
    """Live-2: 10 s without a publishing user."""
    await house.people(user("ann"))
    await house.start(family=Family.LIVE, max_idle_s=10)
    await house.people(user("ann", publishing=False))
    await house.wait(9)
    assert await house.state() is TaskState.RUNNING
    await house.wait(1)
    assert await house.state() is TaskState.CHANNEL_ENDED


async def test_named_users_of_two_channels_gone(house: House) -> None:
    """Live-2 over two channels: the task ends 120 s after the last of its users left, though others remain."""
    stage = ChannelKey(AppId("app"), ChannelId("stage"))
    named = (NamedUser(CHANNEL.channel_id, UserId("ann")), NamedUser(stage.channel_id, UserId("bob")))
    await house.people(user("ann"), user("other"))
    await house.people(user("bob", channel="stage"), channel=stage)
    await house.start(family=Family.LIVE, mix=MixSpec(taking=Taking(named=named)))
    await house.people(user("other"))
    await house.wait(500)
    assert await house.state() is TaskState.RUNNING
    await house.people(channel=stage)
    await house.wait(119)
    assert await house.state() is TaskState.RUNNING
    await house.wait(1)
    assert await house.state() is TaskState.CHANNEL_ENDED


async def test_a_finished_task_is_known_for_24_hours(house: House) -> None:
    """Then it is not found."""
    await house.start()
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    await house.wait(DAY)
    assert await house.state() is TaskState.STOPPED_BY_USER
    await house.wait(60)
    with pytest.raises(NotFound):
        await house.state()


@pytest.mark.parametrize(("code", "state"), [(1004, TaskState.URL_FAILED), (1005, TaskState.NETWORK_FAILED)])
async def test_a_target_given_up_ends_the_task(house: House, code: int, state: TaskState) -> None:
    """5 or 6 by its error; the worker is stopped; the URL is free after 10 s."""
    await house.people(user("ann"))
    await house.start()
    for target_state, error in (("connecting", 0), ("interrupted", code), ("given_up", code)):
        await house.tasks.on_report(report(key_of("t1"), house.lease(), (url("t1"), target_state, error)))
    await house.tasks.settled()
    assert await house.state() is state
    assert not house.engine.workers
    assert house.heard.targets == [
        (url("t1").public, number, error) for number, error in ((0, 0), (2, code), (3, code))
    ]
    assert house.heard.moves[-1] == ("t1", 1, int(state), code)


async def test_several_targets_end_the_task_with_the_last(house: House) -> None:
    """Every target reports by itself; the last one to be given up gives the state."""
    await house.people(user("ann"))
    await house.start(family=Family.LIVE, targets=(url("a"), url("b")))
    lease = house.lease()
    await house.tasks.on_report(report(key_of("t1"), lease, (url("a"), "given_up", 1004), (url("b"), "pushing", 0)))
    assert await house.state() is TaskState.RUNNING
    await house.tasks.on_report(report(key_of("t1"), lease, (url("a"), "given_up", 1004), (url("b"), "given_up", 1002)))
    assert await house.state() is TaskState.NETWORK_FAILED
    assert [code for _, code, _ in house.heard.targets] == [3, 1, 3]


async def test_t11_three_cuts_are_told_as_three_losses_and_three_returns(house: House) -> None:
    """The customer counts what the stream went through: each loss (2) and each return (1), no more and no less."""
    await house.people(user("ann"))
    await house.start()
    cut = ("interrupted", "connecting", "pushing")
    for state in ("connecting", "pushing", *cut, *cut, *cut):
        for _ in range(3):  # a worker reports each second, whether or not anything has changed
            await house.tasks.on_report(report(key_of("t1"), house.lease(), (url("t1"), state, 0)))
            house.clock.go(2)
    codes = [code for _, code, _ in house.heard.targets]
    assert [code for code in codes if code in (1, 2)] == [1, 2, 1, 2, 1, 2, 1]


async def test_connecting_is_told_at_most_once_in_5_seconds(house: House) -> None:
    """A target that flaps does not flood the receiver."""
    await house.people(user("ann"))
    await house.start()
    for _ in range(6):
        for state in ("connecting", "interrupted"):
            await house.tasks.on_report(report(key_of("t1"), house.lease(), (url("t1"), state, 0)))
        house.clock.go(2)
    assert [code for _, code, _ in house.heard.targets].count(0) == 2


async def test_reports_of_a_superseded_worker_are_ignored(house: House) -> None:
    """A lower lease, an unknown task, a task that is over, or a target that is no longer the task's."""
    await house.people(user("ann"))
    await house.start()
    key, lease = key_of("t1"), house.lease()
    await house.tasks.on_report(report(key, lease - 1, (url("t1"), "given_up", 1004)))
    await house.tasks.on_report(report(key_of("none"), 5, (url("t1"), "given_up", 1004)))
    await house.tasks.on_report(report(key, lease, (url("another"), "given_up", 1004)))
    assert await house.state() is TaskState.RUNNING
    await house.tasks.on_report(report(key, lease + 2, (url("t1"), "pushing", 0)))
    await house.tasks.on_report(report(key, lease, (url("t1"), "given_up", 1004)))
    assert await house.state() is TaskState.RUNNING
    await house.tasks.stop(ACCOUNT, key)
    await house.start(targets=(url("y"),))
    await house.tasks.on_report(WorkerReport(key, lease, failed=(2001, "crashed")))
    assert await house.state() is TaskState.RUNNING


async def test_a_worker_that_gives_up_ends_the_task(house: House) -> None:
    """A crash loop ends in a state with a reason (security.md S24)."""
    await house.people(user("ann"))
    await house.start()
    await house.tasks.on_report(WorkerReport(key_of("t1"), house.lease(), failed=(2001, "crashed 6 times")))
    record = await house.tasks.find(ACCOUNT, key_of("t1"))
    assert (record.state, record.end_code, record.end_reason) == (TaskState.STOPPED, 2001, "crashed 6 times")


async def test_an_update_ends_the_old_target(house: House) -> None:
    """Code 4 for the one that went, nothing for the one that stays."""
    await house.people(user("ann"))
    await house.start(family=Family.LIVE, targets=(url("a"), url("b")))
    await house.tasks.on_report(report(key_of("t1"), 1, (url("a"), "pushing", 0), (url("b"), "pushing", 0)))
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, targets=(url("b"), url("c"))), {})
    assert house.heard.targets[2:] == [(url("a").public, 4, 0)]
    await house.tasks.on_report(report(key_of("t1"), 1, (url("b"), "pushing", 0), (url("c"), "connecting", 0)))
    assert house.heard.targets[3:] == [(url("c").public, 0, 0)]


async def test_closing_a_channel_ends_running_tasks_at_once(house: House) -> None:
    """Waiting ones, and tasks that only borrow users of it, stay (operations.md 10.6)."""
    other = ChannelKey(AppId("app"), ChannelId("other"))
    borrows = MixSpec(taking=Taking(named=(NamedUser(CHANNEL.channel_id, UserId("ann")),)))
    await house.start("waits", channel_id=other.channel_id)
    await house.people(user("ann"))
    await house.start("runs")
    await house.start("borrows", channel_id=ChannelId("third"), mix=borrows, family=Family.LIVE)
    await house.tasks.on_channel_closed(CHANNEL)
    await house.tasks.on_channel_closed(other)
    states = [await house.state(name) for name in ("runs", "borrows", "waits")]
    assert states == [TaskState.CHANNEL_ENDED, TaskState.RUNNING, TaskState.WAITING]


async def test_a_deleted_layout_interrupts_its_tasks(house: House) -> None:
    """State 2 with code 2002, waiting or running; others are untouched, and the id is unknown from then on."""
    layouts = Layouts(house.store, house.tasks)
    made = await layouts.create(ACCOUNT, AppId("app"), replace(BUILT_IN[LayoutId(1)], name="mine"))
    assert made == 10_001
    await house.start("t1", mix=MixSpec(layout_ids=(made, LayoutId(2))))
    await house.start("t2")
    await layouts.delete(ACCOUNT, AppId("app"), made)
    assert await house.state("t1") is TaskState.STOPPED
    assert await house.state("t2") is TaskState.WAITING
    assert house.heard.moves[-1] == ("t1", 0, 2, 2002)


async def test_a_modified_layout_reaches_running_tasks(house: House) -> None:
    """Also when it has then as many panes as another of the task: it was not the task's caller who did that."""
    layouts = Layouts(house.store, house.tasks)
    made = await layouts.create(ACCOUNT, AppId("app"), BUILT_IN[LayoutId(1)])
    await house.people(user("ann"))
    await house.start(mix=MixSpec(layout_ids=(made, LayoutId(2))))

    def two_panes(layout: Layout) -> Layout:
        return replace(layout, panes=BUILT_IN[LayoutId(13)].panes)

    await layouts.modify(ACCOUNT, AppId("app"), made, two_panes)
    await house.tasks.settled()
    assert [len(layout.panes) for layout in house.engine.workers[key_of("t1")][0].mix.layouts] == [2, 2]
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, report_vad=True), {})


async def test_a_new_server_brings_its_tasks_back(house: House) -> None:
    """Running ones get a worker with a higher lease, waiting ones wait on, finished ones stay over; strays are ended."""
    await house.people(user("ann"))
    for name in ("runs", "over"):
        await house.start(name)
    await house.start("waits", channel_id=ChannelId("other"))
    await house.tasks.stop(ACCOUNT, key_of("over"))
    await house.tasks.settled()
    house.engine.workers = {key_of("stray"): (house.spec("stray"), 7)}
    house.tasks = house.service()
    run = asyncio.create_task(house.tasks.run())
    while house.engine.workers.keys() != {key_of("runs")}:
        await asyncio.sleep(0.01)
    assert house.lease("runs") == 2
    assert await house.state("waits") is TaskState.WAITING
    assert await house.state("over") is TaskState.STOPPED_BY_USER
    run.cancel()
    await asyncio.wait([run])


async def test_a_server_that_was_away_gives_people_time_to_be_seen(house: House) -> None:
    """The 120 s went on, but the task ends 30 s after the start at the earliest."""
    await house.people(user("ann"))
    await house.start()
    await house.people()
    house.clock.go(1000)
    house.tasks = house.service()
    run = asyncio.create_task(house.tasks.run())
    while ("start", key_of("t1")) not in house.engine.log[1:]:
        await asyncio.sleep(0.01)
    await house.wait(29)
    assert await house.state() is TaskState.RUNNING
    await house.wait(1)
    assert await house.state() is TaskState.CHANNEL_ENDED
    run.cancel()
    await asyncio.wait([run])


async def test_a_waiting_task_survives_days_of_restarts(house: House) -> None:
    """30 days are counted from its start, whatever servers did meanwhile."""
    await house.start()
    await house.wait(29 * DAY)
    house.tasks = house.service()
    run = asyncio.create_task(house.tasks.run())
    await asyncio.sleep(0.05)
    await house.wait(DAY)
    assert await house.state() is TaskState.STOPPED
    run.cancel()
    await asyncio.wait([run])


async def test_an_engine_that_stumbles_is_asked_again(house: House) -> None:
    """Two failures, then it works: the task never left state 1."""
    await house.people(user("ann"))
    house.engine.failing = 2
    await house.start()
    assert house.lease() == 3
    assert await house.state() is TaskState.RUNNING


async def test_an_engine_that_never_works_ends_the_task(house: House) -> None:
    """Six tries, then state 2 with a reason; other tasks are steered on."""
    await house.people(user("ann"))
    house.engine.failing = 6
    await house.start("t1")
    await house.start("t2")
    assert await house.state("t1") is TaskState.STOPPED
    assert (await house.tasks.find(ACCOUNT, key_of("t1"))).end_code == 2001
    assert house.lease("t2") == 1


async def test_a_failing_store_does_not_end_the_life_of_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One task cannot be saved: the tick goes on with the next, and tries again later."""
    await house.start("t1")
    await house.start("t2")
    save = house.store.save_task

    async def failing(record, cooling, now, news):
        if record.spec.task_id == "t1":
            raise OSError("disk full")
        await save(record, cooling, now, news)

    monkeypatch.setattr(house.store, "save_task", failing)
    await house.people(user("ann"))
    assert [await house.state(name) for name in ("t1", "t2")] == [TaskState.WAITING, TaskState.RUNNING]
    monkeypatch.undo()
    await house.wait(1)
    assert await house.state("t1") is TaskState.RUNNING
