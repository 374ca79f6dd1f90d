"""What the services need from the outside, declared by the one who needs it; `bootstrap.py` puts in the real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from openmpu.model.ids import AppId, ChannelId, ChannelKey, LayoutId, TaskKey, UserId
from openmpu.model.layouts import Layout
from openmpu.model.reports import Publication, TargetReport, WorkerReport
from openmpu.model.roster import Roster, Source
from openmpu.model.task import Family, Mode, TaskSpec, TaskState
from openmpu.model.urls import IngestUrl
from openmpu.wire.callbacks import VoiceReport


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> int:
        """Nanoseconds of Unix time."""
        ...


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as the store holds it: what is wanted, and how its life stands.

    Attributes:
        account: The owner's name: quotas are counted per account.
        created_at: Nanoseconds of Unix time, like all times here.
        idle_since: When the last participant left a running task; None while somebody is there.
        named_gone_since: Live-2: when the last of the users that it names left; None while one is there.
        ended_at: When it reached a final state.
        lease: Number of the latest start of a worker for it; a worker with a lower one must stop.
        end_code: ErrorCode of callbacks.md 2.4 that it ended with; 0: none.
        request: The parameters as they were given, for ListRtcMPUTaskDetail.
    """

    spec: TaskSpec
    account: str
    state: TaskState
    created_at: int
    idle_since: int | None = None
    named_gone_since: int | None = None
    ended_at: int | None = None
    lease: int = 0
    end_code: int = 0
    end_reason: str = ""
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many unfinished tasks that agree in all that is given (operations.md 2.5)."""

    most: int
    family: Family
    account: str | None = None
    app_id: AppId | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where the relay events of an app go (operations.md 7). `channels` empty: all."""

    app_id: AppId
    sub_id: str
    callback_url: str
    channels: tuple[ChannelId, ...]
    created_at: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver one event (operations.md 7, ListRtcMPUEventSubRecord)."""

    app_id: AppId
    sub_id: str
    msg_id: str
    callback_url: str
    body: str
    http_status: int | None
    cost_ms: int
    at: int


@dataclass(frozen=True, slots=True)
class Notice:
    """An event on its way to the customer (callbacks.md 2).

    Attributes:
        msg_id: The same on every attempt.
        attempts: How many were made by the servers before this one.
    """

    key: TaskKey
    channel_id: ChannelId
    event_type: int
    payload: dict[str, Any]
    msg_id: str
    attempts: int = 0


class Store(Protocol):
    """What survives a restart. Every method is one transaction; what it acknowledged is kept after `kill -9`."""

    async def add_task(self, record: TaskRecord, cooling: int, quota: Quota | None = None) -> None:
        """Put in a new task, in place of a finished one of the same key, and take its URLs (operations.md 2.4).

        The lease of a finished predecessor is carried on: a worker of its that still runs stays superseded.

        Args:
            record: With `created_at` as the present time.
            cooling: Nanoseconds for which a URL may not be used after the end of the task that had it.
            quota: What must hold before it is put in.

        Raises:
            Conflict: `task`/`exists`: an unfinished task has that key; `ingest_url`/`in_use` or `cooling_down`.
            Limited: `tasks`: the quota is used up.
        """
        ...

    async def task(self, key: TaskKey) -> TaskRecord | None:
        """The task of that key."""
        ...

    async def task_state(self, key: TaskKey) -> TaskState | None:
        """Its state alone: what callers poll for."""
        ...

    async def save_task(self, record: TaskRecord, cooling: int, now: int, news: Sequence[Notice] = ()) -> None:
        """Replace the record of its key, but for its lease, which only rises; its URLs follow.

        A final state releases its URLs at `ended_at`; a changed list of targets takes the new and frees the old ones.
        `news` of it is kept with it, as by `keep_notice`: both, or neither.

        Raises:
            Conflict: `ingest_url`/`in_use` or `cooling_down`: nothing was changed.
        """
        ...

    async def next_lease(self, key: TaskKey) -> int:
        """Raise the task's lease by one and give it: atomic, over all servers of the store."""
        ...

    async def tasks(self, *, unfinished: bool) -> Sequence[TaskRecord]:
        """All tasks, or only those in state 0 or 1; oldest first."""
        ...

    async def drop_tasks_ended_before(self, moment: int) -> int:
        """Forget finished tasks (kept 24 h); how many."""
        ...

    async def drop_urls_released_before(self, moment: int) -> None:
        """Forget URLs that have cooled down."""
        ...

    async def add_layout(self, app_id: AppId, layout: Layout) -> LayoutId:
        """Keep a custom layout under a new id above 10000, given out upwards and never again."""
        ...

    async def layouts(self, app_id: AppId) -> Sequence[Layout]:
        """The app's custom layouts, ascending by id."""
        ...

    async def save_layout(self, app_id: AppId, layout: Layout) -> None:
        """Replace the app's layout of that id."""
        ...

    async def drop_layout(self, app_id: AppId, layout_id: LayoutId) -> bool:
        """Forget it; whether there was one."""
        ...

    async def add_subscription(self, subscription: Subscription) -> None:
        """Keep an app's subscription.

        Raises:
            Conflict: subject `subscription`, reason `exists`.
        """
        ...

    async def subscription(self, app_id: AppId) -> Subscription | None:
        """The app's subscription."""
        ...

    async def save_subscription(self, subscription: Subscription) -> None:
        """Replace it."""
        ...

    async def drop_subscription(self, app_id: AppId) -> bool:
        """Forget it; whether there was one."""
        ...

    async def keep_notice(self, notice: Notice) -> bool:
        """Keep an event until it is told, if its app has a subscription; whether it has."""
        ...

    async def drop_notice(self, msg_id: str) -> None:
        """Forget it."""
        ...

    async def notices(self) -> Sequence[Notice]:
        """Those that are still to be told, oldest first."""
        ...

    async def add_delivery(self, delivery: Delivery, *, last: bool = False) -> None:
        """Log one attempt, and count it for its event; `last`: the event is forgotten."""
        ...

    async def deliveries(
        self, app_id: AppId, since: int, until: int, sub_id: str | None, offset: int, limit: int
    ) -> tuple[int, Sequence[Delivery]]:
        """How many attempts there were in that time, and one page of them, newest first."""
        ...

    async def drop_deliveries(self, before: int, most: int) -> int:
        """Forget attempts older than `before` (kept 7 days), and all but the latest `most`; how many."""
        ...

    async def use_nonce(self, access_key_id: str, nonce: str, now: int, keep_until: int) -> bool:
        """Remember a nonce; False if it was there already and is still kept. Bounded; old ones go on the way."""
        ...


@dataclass(frozen=True, slots=True)
class TargetEvent:
    """One target entered a state: EventCode and ErrorCode of callbacks.md 2.3 and 2.4.

    Attributes:
        url: The target itself; whoever tells it takes its public form.
        message: Own words, without secrets; empty without an error.
    """

    url: IngestUrl
    code: int
    error_code: int = 0
    message: str = ""


class Engine(Protocol):
    """Places and supervises workers. Brings a crashed one back by itself (same key, next lease), with back-off."""

    async def start(self, spec: TaskSpec, lease: int) -> None:
        """Run a worker for the spec, or take over one that runs already with this lease or an older one."""
        ...

    async def update(self, spec: TaskSpec) -> None:
        """Hand the running worker a new spec; its task's key and targets' connections stay where equal."""
        ...

    async def stop(self, key: TaskKey) -> None:
        """End the worker in good order (stream ended properly) within some seconds; no error if there is none."""
        ...

    async def inject_sei(self, key: TaskKey, text: str) -> None:
        """Put `text` into the next video frame, once (operations.md 6.5).

        Raises:
            NotFound: No worker runs for it now.
        """
        ...

    def report(self, key: TaskKey) -> WorkerReport | None:
        """The latest report of the running worker."""
        ...

    def running(self) -> Sequence[TaskKey]:
        """The tasks that have a worker now, adopted ones included."""
        ...


class Gateways(Protocol):
    """Where people come in."""

    def roster(self, channel: ChannelKey) -> Roster:
        """Who is in the channel now; empty if it does not exist."""
        ...

    def channels(self, app_id: AppId) -> Sequence[ChannelId]:
        """The app's channels that somebody is in."""
        ...

    async def publish(self, channel: ChannelKey, user_id: UserId, source: Source, offer: str) -> Publication:
        """Answer a WHIP offer.

        Raises:
            Invalid: The SDP cannot be read or offers nothing that we take.
            Busy: No gateway is there.
        """
        ...

    async def trickle(self, resource: str, fragment: str, etag: str | None, task: TaskKey | None = None) -> Publication:
        """Take an SDP fragment (RFC 8840): candidates, or an ICE restart, which changes the ETag.

        Args:
            resource: Which session.
            fragment: SDP.
            etag: Of the ICE session that is meant; None: of any.
            task: Whose player speaks; None: a publisher does.

        Raises:
            NotFound: No such publication.
        """
        ...

    async def unpublish(self, resource: str, task: TaskKey | None = None) -> None:
        """End a publication, or with `task` the session of one of its players.

        Raises:
            NotFound: No such session.
        """
        ...

    async def play(self, channel: ChannelKey, task: TaskKey, offer: str, most: int) -> Publication:
        """Answer the offer of somebody who plays what a task makes, on the gateway of its channel.

        Args:
            channel: The task's own.
            task: Which.
            offer: SDP.
            most: Players of the task; 0: any number.

        Raises:
            Invalid: The SDP cannot be read, or would receive nothing.
            Unsupported: `codec`: it does not take what the task makes.
            Limited: `players`.
            NotFound: `programme`: the task makes nothing now.
            Busy: No gateway is there.
        """
        ...

    async def remove_user(self, channel: ChannelKey, user_id: UserId) -> bool:
        """End all publications of the user; whether they were there."""
        ...

    async def close_channel(self, channel: ChannelKey) -> None:
        """End all publications of the channel; no error if there is none."""
        ...


class Poster(Protocol):
    """Sends callbacks through the guarded client."""

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        """Send once; the answer's HTTP status.

        Raises:
            DestinationFailed: No answer, or the address is not allowed.
        """
        ...


class TaskListener(Protocol):
    """Hears what happens to tasks. Never waits and never fails: telling others is its own business."""

    def task_moved(self, record: TaskRecord, previous: TaskState | None, at: int) -> None:
        """The task entered `record.state`; `previous` None: it is new."""
        ...

    def target_changed(self, record: TaskRecord, event: TargetEvent, at: int) -> None:
        """A target of the task entered a state."""
        ...

    def news(self, record: TaskRecord, previous: TaskState, events: Sequence[TargetEvent], at: int) -> Sequence[Notice]:
        """What there is to tell of a change that is about to be saved; the store keeps it with the change."""
        ...

    def changed(self, record: TaskRecord, previous: TaskState, news: Sequence[Notice]) -> None:
        """The change is saved, and so is its news, which is told from now on."""
        ...

    async def kept(self) -> None:
        """What was heard so far survives the end of this process, if it can be kept at all."""
        ...


RosterListener = Callable[[ChannelKey, Roster], Awaitable[None]]
ReportListener = Callable[[WorkerReport], Awaitable[None]]
VoiceListener = Callable[[TaskKey, ChannelId, VoiceReport], None]
"""Hears of each interval in which somebody spoke in a task. Never waits and never fails."""

__all__ = [
    "Clock",
    "Delivery",
    "Engine",
    "Gateways",
    "Poster",
    "Publication",
    "ReportListener",
    "RosterListener",
    "Store",
    "Subscription",
    "TargetReport",
    "TaskRecord",
    "VoiceListener",
    "WorkerReport",
]
