"""Records for the tests of the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from openmpu.model.colours import Colour
from openmpu.model.encoder import VideoProfile
from openmpu.model.geometry import Rect
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TaskKey, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.overlays import ClockSpec, Display, Fit, ImageSpec, TextSpec, TextStyle
from openmpu.model.roster import Source
from openmpu.model.taking import Lists, NamedUser, Taking, Users
from openmpu.model.task import Family, MixSpec, Mode, PaneSpec, Pin, SeiSpec, SeiText, TaskSpec, TaskState
from openmpu.model.urls import IngestUrl
from openmpu.services.ports import TaskRecord

SECOND = 10**9
NOW = 1_700_000_000 * SECOND
COOLING = 10 * SECOND
APP = AppId("app")


def url(name: str) -> IngestUrl:
    """A target."""
    return IngestUrl.parse(f"rtmp://cdn.example/live/{name}?auth_key=secret-{name}")


def key(task_id: str = "t1", app_id: str = "app") -> TaskKey:
    """A task's key."""
    return TaskKey(AppId(app_id), TaskId(task_id))


def record(task_id: str = "t1", *targets: IngestUrl, app_id: str = "app", **changes: Any) -> TaskRecord:
    """A running task with one target of its own, unless told otherwise."""
    spec = TaskSpec(AppId(app_id), ChannelId("room"), TaskId(task_id), targets=targets or (url(task_id),))
    of_spec = {name: changes.pop(name) for name in ("family", "mode") if name in changes}
    return replace(TaskRecord(replace(spec, **of_spec), "demo", TaskState.RUNNING, NOW), **changes)


def full_record() -> TaskRecord:
    """A task in which nothing is left at its default."""
    style = TextStyle(3, 40, Colour(1, 2, 3), 2, Colour(4, 5, 6), True, Colour(7, 8, 9), 3, 0.5)
    image = ImageSpec(
        "http://pictures.example/x.png?k=1", Rect(0.1, 0.2, 0.3, 0.4), 2, Display.WITHOUT_VIDEO, 0.7, Fit.CROP
    )
    pane = PaneSpec(
        1, Pin(UserId("ann"), Source.SCREEN, ChannelId("stage")), (image,), (TextSpec("héllo 你好", 0.1, 0.2, 1, style),), True,
        Fit.CONTAIN_ON_BLACK, image,
    )  # fmt: skip
    taking = Taking(
        Users(frozenset({UserId("ann"), UserId("bob")})),
        Lists(Users(everybody=True), Users(frozenset({UserId("eve")}))),
        named=(NamedUser(ChannelId("stage"), UserId("ann"), audio=False, source=Source.SCREEN),),
    )
    mix = MixSpec(
        (LayoutId(2), LayoutId(10_001)), (BUILT_IN[LayoutId(2)], replace(BUILT_IN[LayoutId(5)], layout_id=LayoutId(10_001))),
        taking, (pane,), Colour(10, 20, 30), Fit.STRETCH, (image,), (image,), (ClockSpec(0.5, 0.6, 7, style),), True, True, True,
        True, 1,
    )  # fmt: skip
    spec = TaskSpec(
        APP, ChannelId("room"), TaskId("full"), Mode.MIX, Family.LIVE, (url("a"), url("b")), VideoProfile(1280, 720, 25, 1500, 50),
        mix=mix, sei=SeiSpec(100, None, SeiText("x")), vad_interval_ms=500, report_vad=True, max_idle_s=60, notes=("read as 1",),
    )  # fmt: skip
    return TaskRecord(
        spec,
        "demo",
        TaskState.RUNNING,
        NOW,
        NOW + 1,
        NOW + 2,
        None,
        4,
        1005,
        "why",
        {"MultiStreamURL": [{"URL": "rtmp://h/a/b"}], "N": 1},
    )
