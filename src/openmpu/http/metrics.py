"""`GET /metrics` for Prometheus: what workers and gateways told last, read out when asked; nothing is done per request.

The figures name channels and users, so they are no public matter (security.md S23): answered on this machine only, or
to whoever shows `server.metrics_token`.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openmpu.http import metric_tables as tables
from openmpu.http.addresses import Addresses
from openmpu.http.metric_tables import Row
from openmpu.model.codec import to_plain
from openmpu.model.ids import TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.task import TaskState
from openmpu.services.ports import Notice, TargetEvent, TaskListener, TaskRecord
from openmpu.version import __version__

Samples = Iterable[tuple[Sequence[str], Mapping[str, Any]]]
"""Label values and the figures that they belong to."""
_THROUGH_A_PROXY = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


class MoveCounts:
    """Counts how tasks move, and passes it on: a TaskListener before another."""

    def __init__(self, inner: TaskListener) -> None:
        self.ended: Counter[str] = Counter()
        self.started = 0
        self._inner = inner

    def task_moved(self, record: TaskRecord, previous: TaskState | None, at: int) -> None:
        """Count and pass on."""
        self.started += previous is None
        self._inner.task_moved(record, previous, at)

    def target_changed(self, record: TaskRecord, event: TargetEvent, at: int) -> None:
        """Pass on."""
        self._inner.target_changed(record, event, at)

    def news(self, record: TaskRecord, previous: TaskState, events: Sequence[TargetEvent], at: int) -> Sequence[Notice]:
        """Pass on."""
        return self._inner.news(record, previous, events, at)

    def changed(self, record: TaskRecord, previous: TaskState, news: Sequence[Notice]) -> None:
        """Count and pass on."""
        if record.state.final and record.state is not previous:
            self.ended[record.state.name.lower()] += 1
        self._inner.changed(record, previous, news)

    async def kept(self) -> None:
        """Pass on."""
        await self._inner.kept()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures are.

    Attributes:
        tasks: The unfinished tasks.
        report: The latest report of a task's worker.
        gateways: What each gateway told last.
        calls: API calls by operation and code.
        moves: How tasks moved since this server began.
        addresses: Who holds connections, and whose were too many.
    """

    tasks: Callable[[], Sequence[TaskRecord]]
    report: Callable[[TaskKey], WorkerReport | None]
    gateways: Callable[[], Mapping[str, Mapping[str, Any]]]
    calls: Mapping[tuple[str, str], int]
    moves: MoveCounts
    addresses: Addresses


class Figures(Collector):
    """All figures as metrics, at the moment of asking."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Everything."""
        records = self._sources.tasks()
        told = [(record, report) for record in records if (report := self._sources.report(record.spec.key))]
        gateways = {name: figures for name, figures in self._sources.gateways().items() if figures}
        yield from self._server(records)
        yield from _families(tables.TASK_ROWS, tables.TASK_LABELS, _of_tasks(told))
        yield from _families(tables.PLAYED_ROWS, tables.TASK_LABELS, _of_players(records, gateways))
        yield from _families(tables.INPUT_ROWS, tables.INPUT_LABELS, _of_inputs(told))
        yield _pane_states(told)
        yield from _families(tables.TARGET_ROWS, tables.TARGET_LABELS, _of_targets(told))
        yield _target_states(told)
        yield from _families(tables.TRACK_ROWS, tables.TRACK_LABELS, _of_tracks(gateways))
        yield from _families(tables.GATEWAY_ROWS, tables.GATEWAY_LABELS, _of_gateways(gateways))
        yield from _families(tables.PROCESS_ROWS, tables.PROCESS_LABELS, self._processes(told, gateways))

    def _server(self, records: Sequence[TaskRecord]) -> Iterator[Metric]:
        states = Counter(record.state.name.lower() for record in records)
        unfinished = [((state.name.lower(),), states[state.name.lower()]) for state in TaskState if not state.final]
        moves = self._sources.moves
        ended = [((state.name.lower(),), moves.ended[state.name.lower()]) for state in TaskState if state.final]
        yield _gauge("build", "The version that runs", ("version",), [((__version__,), 1)])
        yield _gauge("tasks", "Unfinished tasks", ("state",), unfinished)
        yield _counter("tasks_started", "Tasks that were accepted", (), [((), moves.started)])
        yield _counter("tasks_ended", "Tasks that ended, by their last state", ("state",), ended)
        calls = sorted(self._sources.calls.items())
        refused = self._sources.addresses.refused
        yield _counter("http_connections_refused", "Connections too many of one address", (), [((), refused)])
        yield _counter("api_calls", "API calls answered", ("operation", "code"), calls)

    def _processes(
        self, told: Sequence[tuple[TaskRecord, WorkerReport]], gateways: Mapping[str, Mapping[str, Any]]
    ) -> Samples:
        yield ("server", ""), self._own()
        for name, figures in gateways.items():
            yield ("gateway", name), figures["process"]
        for record, report in told:
            yield ("worker", str(record.spec.key)), report.figures

    def _own(self) -> dict[str, float]:
        with self._process.oneshot():
            times = self._process.cpu_times()
            return {
                "cpu_seconds": times.user + times.system,
                "memory_mb": self._process.memory_info().rss / tables.MEGABYTE,
                "threads": self._process.num_threads(),
                "open_files": self._process.num_fds(),
            }


def metrics_routes(sources: Sources, token: str) -> list[Route]:
    """The route.

    Args:
        sources: Where the figures are.
        token: The bearer that must be shown; empty: none, but only this machine is answered.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(sources))

    async def handle(request: Request) -> Response:
        refusal = _refusal(request, token)
        if refusal:
            return refusal
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return [Route("/metrics", handle, methods=["GET"])]


def _refusal(request: Request, token: str) -> Response | None:
    if token:
        return None if _shows(request, token) else _no(401, "show the metrics token as a bearer")
    return None if _is_local(request) else _no(403, "answered on this machine only; see server.metrics_token")


def _shows(request: Request, token: str) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())


def _is_local(request: Request) -> bool:
    """Whether it comes from this machine and means it: not through a proxy here, nor by a web page's rebound name."""
    if any(name in request.headers for name in _THROUGH_A_PROXY):
        return False
    return bool(request.client and _is_loopback(request.client.host)) and _is_loopback(_asked_host(request))


def _asked_host(request: Request) -> str:
    host = request.headers.get("host", "")
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or bool(address.version == 6 and address.ipv4_mapped and address.ipv4_mapped.is_loopback)


def _no(status: int, message: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": "metrics", "message": message}, status, headers)


def _of_tasks(told: Sequence[tuple[TaskRecord, WorkerReport]]) -> Samples:
    return [(_task(record), report.figures) for record, report in told]


def _of_players(records: Sequence[TaskRecord], gateways: Mapping[str, Mapping[str, Any]]) -> Samples:
    told = {
        (entry["app_id"], entry["task_id"]): entry
        for figures in gateways.values()
        for entry in figures.get("played", ())
    }
    keys = [(record, (record.spec.app_id, record.spec.task_id)) for record in records]
    return [(_task(record), told[key]) for record, key in keys if key in told]


def _of_inputs(told: Sequence[tuple[TaskRecord, WorkerReport]]) -> Samples:
    """Figures named `track.<user>.<source>.<kind>.<what>`, brought together by track."""
    tracks: dict[tuple[str, ...], dict[str, Any]] = {}
    for record, report in told:
        for name, value in report.figures.items():
            match name.split("."):
                case "track", user, source, kind, what:
                    tracks.setdefault((*_task(record), user, source, kind), {})[what] = value
    return tracks.items()


def _pane_states(told: Sequence[tuple[TaskRecord, WorkerReport]]) -> Metric:
    values = []
    for record, report in told:
        states = Counter(value for name, value in report.figures.items() if name.startswith("pane."))
        values += [((*_task(record), state), states[state]) for state in tables.PANE_STATES]
    return _gauge("task_panes", "How many panes show what", (*tables.TASK_LABELS, "state"), values)


def _of_targets(told: Sequence[tuple[TaskRecord, WorkerReport]]) -> Samples:
    return [
        ((*_task(record), str(target.place)), to_plain(target)) for record, report in told for target in report.targets
    ]


def _of_tracks(gateways: Mapping[str, Mapping[str, Any]]) -> Samples:
    names = ("app_id", "channel_id", "user_id", "source", "kind")
    tracks = [track for figures in gateways.values() for track in figures.get("tracks", ())]
    latest = {tuple(track[name] for name in names): track for track in tracks}  # one is replacing the other: one counts
    return latest.items()


def _of_gateways(gateways: Mapping[str, Mapping[str, Any]]) -> Samples:
    return [((name,), figures["process"]) for name, figures in gateways.items()]


def _target_states(told: Sequence[tuple[TaskRecord, WorkerReport]]) -> Metric:
    values = [
        ((*_task(record), str(target.place), state), int(target.state == state))
        for record, report in told
        for target in report.targets
        for state in tables.TARGET_STATES
    ]
    return _gauge("target_state", "1 for the state that the target is in", (*tables.TARGET_LABELS, "state"), values)


def _task(record: TaskRecord) -> tuple[str, str, str]:
    return record.spec.app_id, record.spec.channel_id, record.spec.task_id


def _families(rows: Sequence[Row], labels: Sequence[str], samples: Samples) -> Iterator[Metric]:
    known = list(samples)
    for row in rows:
        values = [(names, value) for names, figures in known if (value := row.value(figures)) is not None]
        if values:
            yield (_counter if row.rises else _gauge)(row.name, row.help, labels, values)


def _gauge(name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"openmpu_{name}", text, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = CounterMetricFamily(f"openmpu_{name}", text, labels=labels)
    for names, value in values:
        family.add_metric(names, value)
    return family
