"""The life of a task, purely: who is there, and what the time does (operations.md 2.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openmpu.model.ids import AppId, ChannelId, TaskId, UserId
from openmpu.model.roster import Roster
from openmpu.model.taking import NamedUser, Taking
from openmpu.model.task import Family, MixSpec, TaskSpec, TaskState
from openmpu.services import life
from openmpu.services.life import Presence
from openmpu.services.ports import TaskRecord
from openmpu.services.quotas import DAY, SECOND, TaskLimits
from tests.services.doubles import START, user

LIMITS = TaskLimits()
NOBODY = Presence(somebody=False, publishing=False, named=True)
SILENT = Presence(somebody=True, publishing=False, named=True)
THERE = Presence(somebody=True, publishing=True, named=True)
OTHERS = Presence(somebody=True, publishing=True, named=False)


def task(state: TaskState = TaskState.RUNNING, **changes: object) -> TaskRecord:
    """A record in that state."""
    spec = TaskSpec(AppId("app"), ChannelId("room"), TaskId("t"))
    record = TaskRecord(spec, "demo", state, START)
    spec_changes = {name: changes.pop(name) for name in ("family", "max_idle_s") if name in changes}
    return replace(record, spec=replace(spec, **spec_changes), **changes)


def after(record: TaskRecord, seen: Presence, seconds: float) -> TaskRecord:
    """The record when that presence holds and so much time has passed since the start."""
    now = START + round(seconds * SECOND)
    return life.pass_time(life.observe(record, seen, now), LIMITS, now)


@pytest.mark.parametrize(("seen", "state"), [(NOBODY, 0), (SILENT, 1), (THERE, 1), (OTHERS, 1)])
def test_begin(seen: Presence, state: int) -> None:
    """Waiting while nobody is in the channel, else running."""
    assert life.begin(task().spec, "demo", {}, seen, START).state == state


def test_waiting_ends_after_30_days() -> None:
    """0 to 2 with code 2003, not a moment earlier."""
    waiting = task(TaskState.WAITING)
    assert after(waiting, NOBODY, 30 * 86_400 - 0.001).state is TaskState.WAITING
    over = after(waiting, NOBODY, 30 * 86_400)
    assert (over.state, over.end_code, over.ended_at) == (TaskState.STOPPED, 2003, START + 30 * DAY)


def test_idle_120_seconds() -> None:
    """1 to 4 when the last participant left 120 s ago and none came back."""
    idle = after(task(), NOBODY, 10)
    assert after(idle, NOBODY, 129.999).state is TaskState.RUNNING
    assert after(idle, NOBODY, 130).state is TaskState.CHANNEL_ENDED


def test_who_returns_cancels_the_timer() -> None:
    """The 120 s begin anew with the next absence; silent participants count (troubles.md 44)."""
    back = after(after(task(), NOBODY, 0), SILENT, 119)
    assert back.idle_since is None
    assert after(after(back, NOBODY, 200), NOBODY, 319).state is TaskState.RUNNING


def test_max_idle_time_counts_publishing_users() -> None:
    """Live-2 with MaxIdleTime: so many seconds without a publishing user, instead of 120."""
    record = task(family=Family.LIVE, max_idle_s=10)
    assert after(after(record, SILENT, 0), SILENT, 9.9).state is TaskState.RUNNING
    assert after(after(record, SILENT, 0), SILENT, 10).state is TaskState.CHANNEL_ENDED
    patient = task(family=Family.LIVE, max_idle_s=3600)
    assert after(after(patient, NOBODY, 0), NOBODY, 3599).state is TaskState.RUNNING


def test_named_users_gone_though_others_remain() -> None:
    """Live-2: 120 s after the last named user left."""
    gone = after(task(family=Family.LIVE), OTHERS, 0)
    assert after(gone, OTHERS, 119).state is TaskState.RUNNING
    assert after(gone, OTHERS, 120).state is TaskState.CHANNEL_ENDED
    assert after(after(gone, THERE, 100), OTHERS, 219).state is TaskState.RUNNING


def test_presence_of_named_users_in_their_channels() -> None:
    """A user of the same name in another channel is somebody else."""
    named = Taking(named=(NamedUser(ChannelId("stage"), UserId("ann")),))
    spec = replace(task().spec, family=Family.LIVE, mix=MixSpec(taking=named))
    assert not life.presence(spec, Roster.of(user("ann"))).named
    assert life.presence(spec, Roster.of(user("ann", channel="stage"))).named
    assert life.presence(spec, Roster.of(user("bob", publishing=False))) == Presence(True, False, False)
    assert life.presence(spec, Roster()) == Presence(False, False, False)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (1001, 6),
        (1002, 5),
        (1003, 5),
        (1004, 6),
        (1005, 5),
        (1006, 5),
        (1007, 6),
        (2001, 2),
        (2002, 2),
        (2004, 2),
        (9, 2),
    ],
)
def test_failures_lead_to_their_states(code: int, state: int) -> None:
    """callbacks.md 2.4."""
    over = life.fail(task(), code, "why", START + 5)
    assert (over.state, over.end_code, over.end_reason, over.ended_at) == (state, code, "why", START + 5)


@pytest.mark.parametrize("state", [state for state in TaskState if state.final])
def test_a_finished_task_is_never_changed(state: TaskState) -> None:
    """Whatever happens afterwards."""
    record = task(state, ended_at=START)
    assert after(record, THERE, 1) == after(record, NOBODY, 10**8) == record
    assert life.end(record, TaskState.STOPPED_BY_USER, START + 1) == record
    assert life.fail(record, 1002, "", START + 1) == record


@pytest.mark.parametrize(("away", "left"), [(20, 100), (90, 30), (500, 30)])
def test_timers_go_on_while_no_server_runs(away: int, left: int) -> None:
    """But people get 30 s to be seen again, since nobody could tell of them."""
    record = task(idle_since=START, named_gone_since=None)
    now = START + away * SECOND
    again = life.resume(record, LIMITS, now)
    assert again.named_gone_since is None
    assert life.pass_time(again, LIMITS, now + left * SECOND - 1).state is TaskState.RUNNING
    assert life.pass_time(again, LIMITS, now + left * SECOND).state is TaskState.CHANNEL_ENDED


def test_a_short_idle_time_begins_anew_at_a_start() -> None:
    """MaxIdleTime may be below the 30 s; a clock that went back makes no timer longer."""
    record = task(idle_since=START)
    record = replace(record, spec=replace(record.spec, max_idle_s=10))
    assert life.resume(record, LIMITS, START + 500 * SECOND).idle_since == START + 500 * SECOND
    assert life.resume(record, LIMITS, START - 500 * SECOND).idle_since == START - 500 * SECOND
