"""What `/metrics` tells, whom it answers, and that every figure it knows by name is really told by somebody."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from openmpu.gateway.figures import TrackFigures
from openmpu.gateway.players import Audience, played
from openmpu.http import metric_tables as tables
from openmpu.http.addresses import Addresses
from openmpu.http.app import make_app
from openmpu.http.metrics import MoveCounts, Sources, metrics_routes
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskId, TaskKey, TrackId, UserId
from openmpu.model.reports import TargetReport, WorkerReport
from openmpu.model.roster import Kind, Source, Track
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.ports import TaskRecord
from openmpu.wire.rtp.figures import TrackStatistics
from openmpu.wire.tokens import make_preview
from tests.e2e.steps import ALICE, enter, received, receiving, until
from tests.http.house import RTC, RpcHouse
from tests.rig.processes import APP, APP_KEY, Rig, rig
from tests.services.doubles import HeardEvents
from tests.wire.whip_forms import FIREFOX_PLAYS

ROOM = ChannelKey(AppId("app"), ChannelId("room"))
SPEC = TaskSpec(ROOM.app_id, ROOM.channel_id, TaskId("t1"))
RECORD = TaskRecord(SPEC, "demo", TaskState.RUNNING, 0)
TASK = {"app": "app", "channel": "room", "task": "t1"}
REPORT = WorkerReport(
    SPEC.key,
    3,
    targets=(TargetReport("rtmp://h/live/{x…}", state="pushing", connects=2, bytes_sent=9000, queue_ms=40),),
    figures={
        "ticks": 250,
        "av_offset_ms": -12.5,
        "frame_age_ms": None,
        "memory_mb": 2.0,
        "degraded": True,
        "note": "text",
        "track.alice.camera.video.age_ms": 40,
        "track.alice.camera.video.codec": "h264",
        "track.alice.camera.audio.lost": 2,
        "pane.0": "video",
        "pane.1": "frozen",
        "pane.2": "frozen",
    },
)

ROWS = (
    *tables.TASK_ROWS,
    *tables.PLAYED_ROWS,
    *tables.INPUT_ROWS,
    *tables.TARGET_ROWS,
    *tables.TRACK_ROWS,
    *tables.GATEWAY_ROWS,
    *tables.PROCESS_ROWS,
)


def track(statistics: TrackStatistics) -> dict[str, Any]:
    """What a gateway tells of alice's camera."""
    published = Track(TrackId("7"), Kind.VIDEO, Source.CAMERA, "h264", 0)
    return TrackFigures(ROOM, UserId("alice"), published, statistics, readers=2, dropped=4).plain()


def sources(**changes: Any) -> Sources:
    """One running task, one gateway with one track."""
    process = {"cpu_seconds": 1.5, "memory_mb": 30.0, "peers": 1, "links": 2}
    gateways = {"gateway-1": {"process": process, "tracks": [track(TrackStatistics(jitter_ms=3.0, lost=-1))]}}
    whole: dict[str, Any] = {
        "tasks": lambda: [RECORD],
        "report": lambda key: REPORT if key == SPEC.key else None,
        "gateways": lambda: gateways,
        "calls": {("StartMPUTask", "OK"): 5},
        "moves": MoveCounts(HeardEvents()),
        "addresses": Addresses(256),
    }
    return Sources(**{**whole, **changes})


async def ask(
    given: Sources, token: str = "", *, client: str = "127.0.0.1", host: str = "127.0.0.1:8080", **headers: str
) -> httpx.Response:
    """GET /metrics from an address."""
    transport = httpx.ASGITransport(make_app(metrics_routes(given, token)), client=(client, 4711))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        return await http.get("/metrics", headers=named)


def samples(text: str) -> list[Sample]:
    """Every sample in an answer."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(text: str, name: str, /, **labels: str) -> float | None:
    """The one sample of a name with exactly these labels."""
    found = [sample.value for sample in samples(text) if (sample.name, sample.labels) == (f"openmpu_{name}", labels)]
    assert len(found) <= 1
    return found[0] if found else None


async def test_figures_come_in_base_units_with_their_owners() -> None:
    """Milliseconds become seconds, megabytes bytes; labels say whose they are."""
    text = (await ask(sources())).text
    alice = {"app": "app", "channel": "room", "user": "alice", "source": "camera", "kind": "video"}
    assert value(text, "task_ticks_total", **TASK) == 250
    assert value(text, "task_av_offset_seconds", **TASK) == -0.0125
    assert value(text, "task_degraded", **TASK) == 1
    assert value(text, "target_queue_seconds", **TASK, target="0") == 0.04
    assert value(text, "track_jitter_seconds", **alice) == 0.003
    assert value(text, "track_packets_lost", **alice) == -1
    assert value(text, "process_memory_bytes", process="worker", name="app/t1") == 2 * 1024 * 1024
    assert value(text, "process_cpu_seconds_total", process="gateway", name="gateway-1") == 1.5
    assert value(text, "gateway_links", gateway="gateway-1") == 2
    assert value(text, "api_calls_total", operation="StartMPUTask", code="OK") == 5
    assert value(text, "tasks", state="running") == 1


async def test_what_is_not_known_is_left_out() -> None:
    """A figure that is None is no 0; words are no metrics."""
    text = (await ask(sources())).text
    assert "openmpu_task_frame_age_seconds" not in text
    assert "openmpu_track_round_trip_seconds" not in text
    assert "note" not in text


async def test_a_target_is_in_one_state() -> None:
    """One line a state, one of them 1."""
    text = (await ask(sources())).text
    states = {state: value(text, "target_state", **TASK, target="0", state=state) for state in tables.TARGET_STATES}
    assert states.pop("pushing") == 1
    assert set(states.values()) == {0}


async def test_users_and_panes_of_a_task() -> None:
    """Whose picture is old, and how many panes stand still."""
    text = (await ask(sources())).text
    camera = {**TASK, "user": "alice", "source": "camera"}
    assert value(text, "task_track_frame_age_seconds", **camera, kind="video") == 0.04
    assert value(text, "task_track_lost_frames_total", **camera, kind="audio") == 2
    assert [value(text, "task_panes", **TASK, state=state) for state in tables.PANE_STATES] == [1, 2, 0, 0, 0]


async def test_players_of_a_task() -> None:
    """As its gateway tells it; of a task that is over nothing is told."""
    played = {"app_id": "app", "task_id": "t1", "players": 3, "played_bytes": 4_000, "played_pauses": 1}
    told = {"process": {}, "tracks": [], "played": [played, played | {"task_id": "gone"}]}
    text = (await ask(sources(gateways=lambda: {"gateway-1": told}))).text
    assert value(text, "task_players", **TASK) == 3
    assert value(text, "task_played_bytes_total", **TASK) == 4_000
    assert "gone" not in text


async def test_no_series_is_told_twice() -> None:
    """Also while a user's new connection replaces the old one: Prometheus refuses doubles."""
    process = {"cpu_seconds": 1.0, "memory_mb": 1.0, "peers": 2, "links": 0}
    both = [track(TrackStatistics(frames=9)), track(TrackStatistics(frames=1))]
    given = sources(gateways=lambda: {"gateway-1": {"process": process, "tracks": both}})
    counted = Counter(
        (sample.name, tuple(sorted(sample.labels.items()))) for sample in samples((await ask(given)).text)
    )
    assert set(counted.values()) == {1}


async def test_a_gateway_that_says_nothing_yet_hurts_nobody() -> None:
    """It was only just started."""
    text = (await ask(sources(gateways=lambda: {"gateway-1": {}}, tasks=list))).text
    assert value(text, "process_cpu_seconds_total", process="server", name="") is not None
    assert "gateway-1" not in text


def test_every_metric_has_a_name_of_its_own() -> None:
    """Over all tables."""
    assert max(Counter(row.name for row in ROWS).values()) == 1


def test_targets_tracks_and_gateways_tell_what_is_asked_of_them() -> None:
    """A field that is renamed there must be renamed here."""
    target = TargetReport.__dataclass_fields__
    assert {row.figure for row in tables.TARGET_ROWS} <= set(target)
    assert {row.figure for row in tables.TRACK_ROWS} <= set(track(TrackStatistics()))
    playing = played(TaskKey(AppId("app"), TaskId("t1")), Audience(set(), set()), 0)
    assert {row.figure for row in tables.PLAYED_ROWS} <= set(playing)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 200),
        ({"client": "::1", "host": "[::1]:8080"}, 200),
        ({"client": "::ffff:127.0.0.1", "host": "localhost:8080"}, 200),
        ({"client": "192.0.2.7"}, 403),
        ({"client": "192.0.2.7", "host": "localhost"}, 403),
        ({"host": "rebound.example"}, 403),
        ({"x_forwarded_for": "127.0.0.1"}, 403),
        ({"forwarded": "for=127.0.0.1"}, 403),
        ({"via": "1.1 proxy"}, 403),
    ],
)
async def test_s23_without_a_token_only_this_machine_is_answered(asked: dict[str, str], status: int) -> None:
    """Neither strangers, nor a proxy of this machine on their behalf, nor a web page under a rebound name."""
    answer = await ask(sources(), **asked)
    assert answer.status_code == status
    assert ("openmpu_tasks" in answer.text) == (status == 200)


@pytest.mark.parametrize(
    ("shown", "status"),
    [("Bearer s3cret", 200), ("bearer s3cret", 200), ("Bearer s3cre", 401), ("Basic s3cret", 401), ("", 401)],
)
async def test_s23_with_a_token_whoever_shows_it_is_answered(shown: str, status: int) -> None:
    """From anywhere, and nobody else: not even this machine."""
    for client in ("192.0.2.7", "127.0.0.1"):
        answer = await ask(sources(), "s3cret", client=client, host="mpu.example", authorization=shown)
        assert answer.status_code == status


async def test_calls_are_counted_by_operation_and_code(house: RpcHouse) -> None:
    """By the door itself; what is no operation has no name, so strangers make no series."""
    rpc = house.rpc
    await house.ok("StartMPUTask", RTC, AppId="app", ChannelId="room", TaskId="t1", StreamURL="rtmp://a/b/c")
    await house.refusal("GetMPUTaskStatus", RTC, AppId="app", TaskId="t2")
    await house.http.get("/?Action=Nonsense")
    assert rpc.calls[("StartMPUTask", "OK")] == 1
    assert rpc.calls[("GetMPUTaskStatus", "InvalidTask.NotFound")] == 1
    assert {name for name, _ in rpc.calls} == {"StartMPUTask", "GetMPUTaskStatus", ""}


def test_moves_are_counted_and_passed_on() -> None:
    """By the state that a task ends in."""
    heard = HeardEvents()
    moves = MoveCounts(heard)
    moves.task_moved(RECORD, None, 0)
    moves.changed(TaskRecord(SPEC, "demo", TaskState.URL_FAILED, 0), TaskState.RUNNING, ())
    moves.changed(TaskRecord(SPEC, "demo", TaskState.RUNNING, 0), TaskState.RUNNING, ())
    assert (moves.started, moves.ended) == (1, Counter(url_failed=1))
    assert len(heard.moves) == 2


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    """docs/grafana/openmpu.json is JSON, and every name in its queries is one of ours."""
    path = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "openmpu.json"
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    known = {f"openmpu_{row.name}{'_total' * row.rises}" for row in ROWS}
    known |= {
        f"openmpu_{name}" for name in ("build", "tasks", "tasks_started_total", "tasks_ended_total", "task_panes")
    }
    known |= {"openmpu_api_calls_total", "openmpu_target_state"}
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked = {word for query in queries for word in _names(query)}
    assert asked
    assert asked <= known


def _names(query: str) -> set[str]:
    cleaned = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in query)
    return {word for word in cleaned.split() if word.startswith("openmpu_")}


RELAY_ONLY = {"relayed", "transcoded", "passed_over"}
TOLD_LATER = {"av_offset_ms", "frame_age_ms", "rtt_ms", "level"}
"""Told once there is something to tell; a track has width or level, not both."""


@pytest.mark.e2e
async def test_a_running_server_tells_every_metric(tmp_path: Path) -> None:
    """A mix and a relay of one publisher, and a player: each row of each table has at least one sample."""
    async with rig(tmp_path) as house, receiving() as mixed, receiving() as relayed:
        await enter(house, ALICE)
        await house.start_task("mix", mixed.url)
        await house.start_task("relay", relayed.url, MixMode=0)
        await received(mixed, 1)
        await received(relayed, 1)
        assert (await _watch(house, "mix")).status_code == 201
        told = await until(lambda: _complete(house), "every metric is told")
    assert value(told, "task_users", app=APP, channel="room", task="mix") == 1
    assert value(told, "api_calls_total", operation="StartMPUTask", code="OK") == 2


async def _watch(house: Rig, task: str) -> httpx.Response:
    headers = {
        "Content-Type": "application/sdp",
        "Authorization": f"Bearer {make_preview(APP, APP_KEY, task, int(time.time()) + 300)}",
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(f"{house.url}/whep/{APP}/{task}", content=FIREFOX_PLAYS, headers=headers)


async def _complete(house: Rig) -> str | None:
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{house.url}/metrics")).text
    names = {sample.name for sample in samples(text)}
    wanted = [row for row in ROWS if row.figure not in TOLD_LATER]
    missing = [row.name for row in wanted if f"openmpu_{row.name}{'_total' * row.rises}" not in names]
    return None if missing else text
