"""What callers may ask of tasks (operations.md 2 to 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from openmpu.errors import Conflict, Denied, Invalid, Limited, NotFound
from openmpu.model.ids import AppId, LayoutId
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS
from openmpu.model.task import Family, MixSpec, Mode, TaskState
from openmpu.model.urls import IngestUrl
from tests.services.conftest import House
from tests.services.doubles import ACCOUNT, STRANGER, key_of, url, user


async def test_a_task_in_an_empty_channel_waits_without_a_worker(house: House) -> None:
    """The channel need not exist (operations.md 2.2)."""
    await house.start()
    assert await house.state() is TaskState.WAITING
    assert not house.engine.workers


async def test_a_task_in_a_channel_with_somebody_runs_at_once(house: House) -> None:
    """A participant is there: state 1 and a worker."""
    await house.people(user("ann"))
    await house.start()
    assert await house.state() is TaskState.RUNNING
    assert house.lease() == 1


async def test_the_first_participant_starts_a_waiting_task(house: House) -> None:
    """0 to 1 when the first participant joins, even one who publishes nothing yet."""
    await house.start()
    await house.people(user("ann", publishing=False))
    assert await house.state() is TaskState.RUNNING
    assert house.engine.log == [("start", key_of("t1"))]


async def test_the_same_id_twice_is_refused_and_changes_nothing(house: House) -> None:
    """TaskExisted: the existing task is untouched."""
    await house.start()
    with pytest.raises(Conflict) as refused:
        await house.start(targets=(url("other"),))
    assert (refused.value.subject, refused.value.reason) == ("task", "exists")
    assert (await house.tasks.find(ACCOUNT, key_of("t1"))).spec.targets == (url("t1"),)


async def test_two_starts_at_the_same_moment_make_one_task(house: House) -> None:
    """One of two equal calls wins."""
    results = await asyncio.gather(*(house.start() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results].count(Conflict) == 4


async def test_an_id_is_free_again_after_the_end(house: House) -> None:
    """A finished task's id begins a new task, with a worker of its own."""
    await house.people(user("ann"))
    await house.start()
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    await house.start(targets=(url("second"),))
    assert await house.state() is TaskState.RUNNING
    assert house.lease() == 2
    assert [what for what, _ in house.engine.log] == ["start", "stop", "start"]


async def test_a_restart_before_the_engine_followed_still_makes_a_new_worker(house: House) -> None:
    """Stop and start in one breath: the old worker is not turned into the new task's."""
    await house.people(user("ann"))
    await house.start()
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    await house.tasks.start(ACCOUNT, house.spec(targets=(url("second"),)), {})
    await house.tasks.settled()
    assert [what for what, _ in house.engine.log] == ["start", "stop", "start"]


async def test_start_answers_while_the_engine_stands_still(house: House) -> None:
    """A slow engine delays no answer."""
    await house.people(user("ann"))
    house.engine.gate.clear()
    await asyncio.wait_for(house.tasks.start(ACCOUNT, house.spec(), {}), 2)
    assert await house.state() is TaskState.RUNNING
    await asyncio.wait_for(house.tasks.stop(ACCOUNT, key_of("t1")), 2)
    house.engine.gate.set()
    await house.tasks.settled()
    assert not house.engine.workers


async def test_callers_that_go_away_leave_nothing_half_done(house: House) -> None:
    """Whenever start, update or stop are cancelled, the service and its store say the same."""
    await house.people(user("ann"))
    calls = (
        lambda: house.tasks.start(ACCOUNT, house.spec(), {}),
        lambda: house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, targets=(url("b"),)), {}),
        lambda: house.tasks.stop(ACCOUNT, key_of("t1")),
    )
    for steps in range(3, 43, 2):
        for call in calls:
            job = asyncio.create_task(call())
            for _ in range(steps):
                await asyncio.sleep(0)
            job.cancel()
            await asyncio.wait([job])
        await house.tasks.stop(ACCOUNT, key_of("t1"))
        await house.tasks.settled()
        assert await house.store.task_state(key_of("t1")) is await house.state()
        assert not house.engine.workers
        house.clock.go(10)


async def test_stop_ends_a_task_once(house: House) -> None:
    """State 3; a second stop has no effect, an unknown task is not found."""
    await house.people(user("ann"))
    await house.start()
    for _ in range(2):
        await house.tasks.stop(ACCOUNT, key_of("t1"))
    await house.tasks.settled()
    assert await house.state() is TaskState.STOPPED_BY_USER
    assert not house.engine.workers
    assert house.heard.moves == [("t1", None, 1, 0), ("t1", 1, 3, 0)]
    with pytest.raises(NotFound):
        await house.tasks.stop(ACCOUNT, key_of("nobody"))


async def test_a_url_is_used_by_one_task_at_a_time_and_rests_10_s(house: House) -> None:
    """In use, then cooling down, then free; the query does not count."""
    await house.start("t1", targets=(url("same", "?key=1"),))
    with pytest.raises(Conflict) as refused:
        await house.start("t2", targets=(url("same", "?key=2"),))
    assert refused.value.reason == "in_use"
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    house.clock.go(9.999)
    with pytest.raises(Conflict) as refused:
        await house.start("t2", targets=(url("same"),))
    assert refused.value.reason == "cooling_down"
    house.clock.go(0.001)
    await house.start("t2", targets=(url("same"),))


async def test_each_of_several_targets_is_locked_over_all_apps(house: House) -> None:
    """MultiStreamURL: a task of another app with one of the URLs is refused, and takes none."""
    await house.people(user("ann"))
    await house.start("t1", family=Family.LIVE, targets=(url("a"), url("b")))
    with pytest.raises(Conflict):
        await house.start("t2", app_id=AppId("app2"), targets=(url("c"), url("b")))
    await house.start("t3", targets=(url("c"),))


async def test_the_21st_classic_task_is_refused(house: House) -> None:
    """20 unfinished tasks an account; a finished one makes room."""
    for number in range(20):
        await house.start(f"t{number}", app_id=AppId("app" if number % 2 else "app2"))
    with pytest.raises(Limited) as refused:
        await house.start("more")
    assert refused.value.subject == "tasks"
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    await house.start("more")


async def test_live_tasks_are_counted_apart(house: House) -> None:
    """40 mixes and 200 relays per app, not together with the classic ones (operations.md 2.5)."""
    house.limits = replace(house.limits, live_mixes_per_app=2, live_relays_per_app=1, tasks_per_account=1)
    house.tasks = house.service()
    await house.people(user("ann"))

    async def start(name: str, family: Family, mode: Mode) -> None:
        await house.tasks.start(ACCOUNT, house.spec(name, family=family, mode=mode), {})

    await start("m1", Family.LIVE, Mode.MIX)
    await start("m2", Family.LIVE, Mode.MIX)
    await start("r1", Family.LIVE, Mode.RELAY)
    await start("c1", Family.CLASSIC, Mode.RELAY)
    for name, family, mode in (
        ("m3", Family.LIVE, Mode.MIX),
        ("r2", Family.LIVE, Mode.RELAY),
        ("c2", Family.CLASSIC, Mode.MIX),
    ):
        with pytest.raises(Limited):
            await start(name, family, mode)


async def test_tasks_can_be_counted_by_ingest_domain(house: House) -> None:
    """Off by default; on: mixes and relays apart, per host, finished ones not (operations.md 2.5)."""
    house.limits = replace(house.limits, mixes_per_domain=2, relays_per_domain=1)
    house.tasks = house.service()
    starts = [house.tasks.start(ACCOUNT, house.spec(f"t{n}"), {}) for n in range(5)]
    results = await asyncio.gather(*starts, return_exceptions=True)
    refused = [each for each in results if each]
    assert [each.subject for each in refused] == ["ingest_domain"] * 3
    await house.tasks.start(ACCOUNT, house.spec("r1", mode=Mode.RELAY), {})
    elsewhere = IngestUrl.parse("rtmp://other.example/live/x")
    await house.tasks.start(ACCOUNT, house.spec("t9", targets=(elsewhere,)), {})
    with pytest.raises(Limited):
        await house.tasks.start(ACCOUNT, house.spec("r2", mode=Mode.RELAY), {})
    await house.tasks.stop(ACCOUNT, key_of("r1"))
    await house.tasks.start(ACCOUNT, house.spec("r2", mode=Mode.RELAY), {})


async def test_live_into_an_empty_channel_is_refused(house: House) -> None:
    """StartLiveMPUTask wants somebody there."""
    with pytest.raises(Invalid, match="channel not exist"):
        await house.start(family=Family.LIVE)
    with pytest.raises(NotFound):
        await house.state()


async def test_live_has_no_worker_until_somebody_publishes(house: House) -> None:
    """Live-2 pushes nothing before the first track; afterwards it goes on without."""
    await house.people(user("ann", publishing=False))
    await house.start(family=Family.LIVE)
    assert await house.state() is TaskState.RUNNING
    assert not house.engine.workers
    await house.people(user("ann"))
    assert house.lease() == 1
    await house.people(user("ann", publishing=False))
    assert house.lease() == 1


async def test_layouts_are_put_into_the_spec(house: House) -> None:
    """Built-in ids, or one layout for each number of users when none is named."""
    await house.start("t1", mix=MixSpec(layout_ids=(LayoutId(1), LayoutId(2))))
    await house.start("t2")
    first = (await house.tasks.find(ACCOUNT, key_of("t1"))).spec.mix.layouts
    second = (await house.tasks.find(ACCOUNT, key_of("t2"))).spec.mix.layouts
    assert [layout.layout_id for layout in first] == [1, 2]
    assert tuple(layout.layout_id for layout in second) == DEFAULT_LAYOUT_IDS


@pytest.mark.parametrize("ids", [(2, 3), (12,), (10001,), tuple(range(1, 18))])
async def test_bad_layouts_are_refused(house: House, ids: tuple[int, ...]) -> None:
    """Same pane count, unknown, not yet made, too many."""
    with pytest.raises(Invalid) as refused:
        await house.start(mix=MixSpec(layout_ids=tuple(LayoutId(number) for number in ids)))
    assert refused.value.subject == "layouts"


async def test_update_reaches_the_worker_and_keeps_what_is_absent(house: House) -> None:
    """The change function sees the present spec."""
    await house.people(user("ann"))
    await house.start()
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, report_vad=True), {"X": "1"})
    await house.tasks.settled()
    spec, lease = house.engine.workers[key_of("t1")]
    assert (spec.report_vad, spec.targets, lease) == (True, (url("t1"),), 1)
    assert (await house.store.task(key_of("t1"))).request == {"TaskId": "t1", "X": "1"}


async def test_update_of_a_waiting_task_counts_when_it_starts(house: House) -> None:
    """State 0: accepted, used later."""
    await house.start()
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, report_vad=True), {})
    await house.people(user("ann"))
    assert house.engine.workers[key_of("t1")][0].report_vad
    assert house.engine.log == [("start", key_of("t1"))]


async def test_a_refused_update_changes_nothing(house: House) -> None:
    """The URL is in use elsewhere: neither layouts nor URL are taken over."""
    await house.people(user("ann"))
    await house.start("t1")
    await house.start("t2")
    with pytest.raises(Conflict):
        await house.tasks.update(
            ACCOUNT, key_of("t2"), lambda spec: replace(spec, report_vad=True, targets=(url("t1"),)), {}
        )
    await house.tasks.settled()
    assert not house.engine.workers[key_of("t2")][0].report_vad
    assert not (await house.store.task(key_of("t2"))).spec.report_vad


async def test_update_moves_the_url_lock(house: House) -> None:
    """The new URL is taken, the old one is free at once: its task did not end."""
    await house.start("t1")
    await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: replace(spec, targets=(url("new"),)), {})
    with pytest.raises(Conflict):
        await house.start("t2", targets=(url("new"),))
    await house.start("t2", targets=(url("t1"),))


async def test_update_of_finished_and_unknown_tasks(house: House) -> None:
    """Not running, not found."""
    await house.start()
    await house.tasks.stop(ACCOUNT, key_of("t1"))
    with pytest.raises(Conflict) as refused:
        await house.tasks.update(ACCOUNT, key_of("t1"), lambda spec: spec, {})
    assert refused.value.reason == "not_running"
    with pytest.raises(NotFound):
        await house.tasks.update(ACCOUNT, key_of("none"), lambda spec: spec, {})


async def test_foreign_apps_are_not_found(house: House) -> None:
    """Every operation, for a foreign app and for one that never was (security.md S10)."""
    await house.start()
    key = key_of("t1")
    for account, ask in ((STRANGER, key), (ACCOUNT, key_of("t1", "foreign")), (ACCOUNT, key_of("t1", "nobody"))):
        for call in (
            house.tasks.start(account, house.spec(app_id=ask.app_id), {}),
            house.tasks.update(account, ask, lambda spec: spec, {}),
            house.tasks.stop(account, ask),
            house.tasks.state(account, ask),
            house.tasks.details(account, ask.app_id),
            house.tasks.inject_sei(account, ask, "{}"),
            house.tasks.find(account, ask),
        ):
            with pytest.raises(NotFound) as refused:
                await call
            assert refused.value.subject == "app"


async def test_a_disabled_app_starts_nothing(house: House) -> None:
    """Denied, and told as such: the app is the caller's own."""
    with pytest.raises(Denied):
        await house.start(app_id=AppId("off"))


async def test_details_list_unfinished_live_tasks_oldest_first(house: House) -> None:
    """By id or by page; classic and finished ones are not listed."""
    await house.people(user("ann"))
    for name in ("b", "a", "c", "over"):
        house.clock.go(1)
        await house.start(name, family=Family.LIVE)
    await house.start("classic")
    await house.tasks.stop(ACCOUNT, key_of("over"))
    page = await house.tasks.details(ACCOUNT, AppId("app"), page=1, size=2)
    assert [task.spec.task_id for task in page] == ["b", "a"]
    assert [task.spec.task_id for task in await house.tasks.details(ACCOUNT, AppId("app"), page=2, size=2)] == ["c"]
    assert [task.request for task in await house.tasks.details(ACCOUNT, AppId("app"), key_of("a").task_id)] == [
        {"TaskId": "a"}
    ]
    assert await house.tasks.details(ACCOUNT, AppId("app"), key_of("none").task_id) == []


async def test_sei_goes_to_running_tasks_with_video_only(house: House) -> None:
    """Waiting: not running; audio only: no video."""
    await house.start("t1")
    with pytest.raises(Conflict) as refused:
        await house.tasks.inject_sei(ACCOUNT, key_of("t1"), "{}")
    assert refused.value.reason == "not_running"
    await house.people(user("ann"))
    await house.tasks.inject_sei(ACCOUNT, key_of("t1"), '{"a":1}')
    assert house.engine.texts == [(key_of("t1"), '{"a":1}')]
    await house.start("sound", video=None)
    with pytest.raises(Conflict) as refused:
        await house.tasks.inject_sei(ACCOUNT, key_of("sound"), "{}")
    assert refused.value.reason == "no_video"
