"""The life of a task (operations.md 2.2): pure functions from what happened, and the time, to the next record.

Whoever calls them stores the result. A finished record is never changed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from openmpu.model.roster import Roster
from openmpu.model.task import Family, TaskSpec, TaskState, move
from openmpu.services.ports import TaskRecord
from openmpu.services.quotas import SECOND, TaskLimits

RESUMED_LEAST = 30 * SECOND
"""What is left of a timer at least when a server starts: publishers of a gateway that went with it come back within."""
LAYOUT_DELETED = 2002
WAITED_TOO_LONG = 2003
ENGINE_FAILED = 2001

FAILURES: Mapping[int, TaskState] = MappingProxyType(
    {
        **dict.fromkeys((1002, 1003, 1005, 1006), TaskState.NETWORK_FAILED),
        **dict.fromkeys((1001, 1004, 1007), TaskState.URL_FAILED),
    }
)
"""ErrorCode -> state it leads to (callbacks.md 2.4); all others: STOPPED."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What a task's life needs to know about its channels.

    Attributes:
        somebody: A participant is there.
        publishing: One of them publishes a track.
        named: One of the users that the task names is there; true for a task that names none.
    """

    somebody: bool
    publishing: bool
    named: bool


def presence(spec: TaskSpec, roster: Roster) -> Presence:
    """The presence for `spec` in a roster of all its channels."""
    names = {(entry.channel_id, entry.user_id) for entry in spec.mix.taking.named}
    return Presence(
        somebody=bool(roster.users),
        publishing=any(user.tracks for user in roster.users),
        named=not names or any((user.channel_id, user.user_id) in names for user in roster.users),
    )


def begin(spec: TaskSpec, account: str, request: dict[str, Any], seen: Presence, now: int) -> TaskRecord:
    """A new task: waiting, or running at once when somebody is there."""
    return observe(TaskRecord(spec, account, TaskState.WAITING, now, request=request), seen, now)


def observe(record: TaskRecord, seen: Presence, now: int) -> TaskRecord:
    """Who is there now: the first participant starts a waiting task; timers of a running one begin or are cancelled."""
    if record.state is TaskState.WAITING and seen.somebody:
        record = replace(record, state=move(record.state, TaskState.RUNNING))
    if record.state is not TaskState.RUNNING:
        return record
    busy = seen.somebody if record.spec.max_idle_s is None else seen.publishing
    named_gone = not seen.named and (seen.somebody or record.named_gone_since is not None)
    return replace(
        record,
        idle_since=None if busy else _since(record.idle_since, now),
        named_gone_since=_since(record.named_gone_since, now) if named_gone else None,
    )


def _since(moment: int | None, now: int) -> int:
    return now if moment is None else moment


def pass_time(record: TaskRecord, limits: TaskLimits, now: int) -> TaskRecord:
    """What the time alone does: nobody came, or nobody came back."""
    if record.state is TaskState.WAITING and now - record.created_at >= limits.waiting:
        return end(record, TaskState.STOPPED, now, WAITED_TOO_LONG, f"nobody came within {limits.waiting_days:g} days")
    if record.state is not TaskState.RUNNING:
        return record
    if _over(record.idle_since, _idle(record, limits), now):
        return end(record, TaskState.CHANNEL_ENDED, now)
    if _over(record.named_gone_since, limits.idle, now):
        return end(record, TaskState.CHANNEL_ENDED, now)
    return record


def _idle(record: TaskRecord, limits: TaskLimits) -> int:
    return limits.idle if record.spec.max_idle_s is None else record.spec.max_idle_s * SECOND


def _over(since: int | None, length: int, now: int) -> bool:
    return since is not None and now - since >= length


def end(record: TaskRecord, state: TaskState, now: int, code: int = 0, reason: str = "") -> TaskRecord:
    """The end, in one of the final states; a finished record stays as it is."""
    if record.state.final:
        return record
    return replace(
        record,
        state=move(record.state, state),
        ended_at=now,
        idle_since=None,
        named_gone_since=None,
        end_code=code,
        end_reason=reason,
    )


def fail(record: TaskRecord, code: int, reason: str, now: int) -> TaskRecord:
    """The end by a failure, in the state that its code leads to."""
    return end(record, FAILURES.get(code, TaskState.STOPPED), now, code, reason)


def resume(record: TaskRecord, limits: TaskLimits, now: int) -> TaskRecord:
    """An unfinished task at the start of a server: its timers went on, but nothing ends before people can be seen.

    Gateways dial in after the server, and publishers after a gateway: none of them is gone because nobody told of them.
    """
    return replace(
        record,
        idle_since=_resumed(record.idle_since, _idle(record, limits), now),
        named_gone_since=_resumed(record.named_gone_since, limits.idle, now),
    )


def _resumed(since: int | None, length: int, now: int) -> int | None:
    if since is None:
        return None
    return min(now, max(since, now - length + min(length, RESUMED_LEAST)))


def needs_worker(record: TaskRecord, seen: Presence, *, had_one: bool) -> bool:
    """Whether a worker should run: Live-2 pushes nothing until one of the users publishes (operations.md 2.2)."""
    if record.state is not TaskState.RUNNING:
        return False
    return record.spec.family is Family.CLASSIC or had_one or seen.publishing
