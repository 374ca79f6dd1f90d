"""Signed API calls per second, and how long each takes: one server process, asked by a second one.

The server is the whole RPC door on the real services and an SQLite file, with no gateway and no workers behind it.
Calls are signed beforehand and sent over a few connections that are kept open, each waiting for its answer before the
next. Cases: StartMPUTask (refused as a duplicate), GetMPUTaskStatus, and an UpdateMPUTask of some 3.5 KiB that names
everything, each with signature V1 and V3. Goal: 500 calls a second with p99 up to 20 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import uvicorn
import uvloop

from openmpu.clients.signing import Keys, Once, Request, sign_v1, sign_v3
from openmpu.http.app import make_app
from openmpu.http.patience import PatientProtocol
from openmpu.http.rpc import RpcDoor, rpc_routes
from openmpu.model.ids import AppId, ChannelKey, TaskKey
from openmpu.model.roster import Roster
from openmpu.model.task import TaskState
from openmpu.processes.logs import set_up_logs
from openmpu.processes.memory import keep_what_is
from openmpu.services.accounts import AccessKey, Account, Accounts, App
from openmpu.services.channels import Channels
from openmpu.services.layouts import Layouts
from openmpu.services.limits import RateLimits
from openmpu.services.ports import TaskRecord
from openmpu.services.quotas import TaskLimits
from openmpu.services.subscriptions import Subscriptions
from openmpu.services.tasks import Tasks
from openmpu.store.sql import open_store

KEYS = Keys("benchid", "benchsecret")
VERSION = "2018-01-11"
TASK = {"AppId": "app", "TaskId": "t1"}
START = {**TASK, "ChannelId": "room", "StreamURL": "rtmp://cdn.example/live/t1?auth_key=1700000000-0-0-abcdef"}
ACTIONS = ("StartMPUTask", "GetMPUTaskStatus", "UpdateMPUTask")
UNLIMITED = "1000000/second"
GOAL_PER_S, GOAL_P99_MS = 500, 20


class Nobody:
    """Gateways and an engine with nobody there: what is measured is the talk half alone."""

    def roster(self, _channel: ChannelKey) -> Roster:
        """Nobody is in any channel."""
        return Roster()

    def running(self) -> Sequence[TaskKey]:
        """No worker runs."""
        return ()

    def task_moved(self, record: TaskRecord, previous: TaskState | None, at: int) -> None:
        """Nobody listens."""

    async def kept(self) -> None:
        """Nor is anything to be kept."""

    def now(self) -> int:
        """The wall clock."""
        return time.time_ns()


def serve(pipe: Connection) -> None:
    """The server's process: tells its port, then runs until it is ended."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # refusals are logged as the server logs them
    set_up_logs("server", json=True)
    uvloop.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    nobody: Any = Nobody()
    account = Account("bench", (AccessKey(KEYS.key_id, KEYS.secret),), (App(AppId("app"), ("k",)),))
    accounts = Accounts((account,))
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(f"sqlite:///{folder}/bench.db") as store:
            tasks = Tasks(store, nobody, nobody, nobody, nobody, TaskLimits())
            door = RpcDoor(
                accounts=accounts,
                tasks=tasks,
                layouts=Layouts(store, tasks),
                subscriptions=Subscriptions(store, nobody),
                channels=Channels(accounts, nobody, tasks, nobody, "http://bench.example"),
                rates=RateLimits({(VERSION, name): UNLIMITED for name in ("*", *ACTIONS)}),
                nonces=store,
                clock=nobody,
            )
            keep_what_is()
            listener = socket.create_server(("127.0.0.1", 0))
            pipe.send(listener.getsockname()[1])
            app = make_app(rpc_routes(door))
            options: dict[str, Any] = {"http": PatientProtocol, "ws": "none", "access_log": False, "log_config": None}
            await uvicorn.Server(uvicorn.Config(app, lifespan="off", **options)).serve([listener])


def everything() -> dict[str, str]:
    """An update that names everything there is: about 3.5 KiB on the wire."""
    flat = {
        **TASK,
        "MediaEncode": "20",
        "BackgroundColor": "255",
        "CropMode": "1",
        "LayoutIds.1": "1",
        "LayoutIds.2": "2",
    }
    letters = {
        "FontType": "0",
        "FontSize": "24",
        "FontColor": "16777215",
        "Box": "True",
        "Alpha": "0.75",
        "ZOrder": "2",
    }
    place = {"X": "0.05", "Y": "0.85", "Width": "0.9", "Height": "0.1", "ZOrder": "1"}
    for pane in (1, 2):
        flat |= {f"UserPanes.{pane}.PaneId": str(pane - 1), f"UserPanes.{pane}.UserId": f"user{pane}"}
        for item in (1, 2):
            image = {"Url": "https://www.example.com/image.jpg?a=1&b=2", "Display": "2", **place}
            text = {"Text": "主播 A & co. ~*'(1+1)%", "X": "0.05", "Y": "0.85", **letters}
            flat |= {f"UserPanes.{pane}.Images.{item}.{name}": value for name, value in image.items()}
            flat |= {f"UserPanes.{pane}.Texts.{item}.{name}": value for name, value in text.items()}
    for name in ("Backgrounds.1", "Watermarks.1", "Watermarks.2"):
        flat |= {f"{name}.{key}": value for key, value in {"Url": "https://www.example.com/bg.png", **place}.items()}
    return flat | {f"ClockWidgets.1.{key}": value for key, value in {"X": "0.7", "Y": "0.02", **letters}.items()}


@dataclass(frozen=True)
class Case:
    """One kind of call."""

    name: str
    action: str
    parameters: dict[str, str]
    v3: bool

    def requests(self, count: int, host: str) -> Iterator[bytes]:
        """Signed, as bytes for the socket."""
        for _ in range(count):
            once = Once(time.time(), uuid.uuid4().hex)
            if self.v3:
                yield raw(sign_v3("POST", "/", self.parameters, KEYS, once, host, (self.action, VERSION)), host)
            else:
                common = {"Action": self.action, "Version": VERSION, "Format": "JSON", **self.parameters}
                yield raw(sign_v1("POST", "/", common, KEYS, once, host), host)


CASES = [
    Case(f"{name} {'V3' if v3 else 'V1'}", action, parameters, v3)
    for name, action, parameters in (
        ("StartMPUTask, duplicate", "StartMPUTask", START),
        ("GetMPUTaskStatus", "GetMPUTaskStatus", TASK),
        ("UpdateMPUTask, everything", "UpdateMPUTask", everything()),
    )
    for v3 in (False, True)
]


def raw(request: Request, host: str) -> bytes:
    """A request as it goes over the socket."""
    target = f"/?{request.query}" if request.query else "/"
    headers = {"host": host, **{name.lower(): value for name, value in request.headers.items()}}
    headers["content-length"] = str(len(request.body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + request.body


@dataclass(frozen=True)
class Server:
    """The process that is measured."""

    port: int
    process: psutil.Process

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Seconds of CPU that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


async def ask(host: str, requests: Iterator[bytes], times: list[float]) -> None:
    """One connection: a request, its answer, the next."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    for request in requests:
        begin = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        times.append(time.perf_counter() - begin)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"the server said {head[:20]!r} {body[:300]!r}")
    writer.close()


async def measure(server: Server, case: Case, count: int, connections: int) -> dict[str, Any]:
    """Calls per second, times, and the server's CPU time of one case."""
    host = server.host
    requests = list(case.requests(count, host))
    times: list[float] = []
    begin, used, own = time.perf_counter(), server.cpu_s(), time.process_time()
    await asyncio.gather(*(ask(host, iter(requests[place::connections]), times) for place in range(connections)))
    seconds = time.perf_counter() - begin
    cuts = statistics.quantiles(times, n=100)
    return {
        "case": case.name,
        "bytes": len(requests[0]),
        "per_second": count / seconds,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "cpu_ms": (server.cpu_s() - used) * 1000 / count,
        "client_cpu_ms": (time.process_time() - own) * 1000 / count,
    }


async def measure_all(server: Server, count: int, connections: int, rounds: int) -> list[dict[str, Any]]:
    """Every case, after a start that all of them need and a short warm-up; of several rounds the quickest counts."""
    await measure(server, CASES[0], 200, connections)
    told = [[await measure(server, case, count, connections) for case in CASES] for _ in range(rounds)]
    return [max(rows, key=lambda row: float(row["per_second"])) for rows in zip(*told, strict=True)]


def run(count: int, connections: int, rounds: int) -> list[dict[str, Any]]:
    """Start the server's process, measure, end it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        return uvloop.run(measure_all(Server(ours.recv(), psutil.Process(server.pid)), count, connections, rounds))
    finally:
        server.terminate()
        server.join()


def verdict(row: dict[str, Any]) -> str:
    """Whether a case meets the goal."""
    return "met" if row["per_second"] >= GOAL_PER_S and row["p99_ms"] <= GOAL_P99_MS else "missed"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=3000, help="per case")
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=1, help="on a machine that others use too")
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    rows = run(options.calls, options.connections, options.rounds)
    print(f"goal: {GOAL_PER_S} calls/s with p99 up to {GOAL_P99_MS} ms; CPU per call of the server, and of this client")
    print(f"{'case':30} {'bytes':>6} {'calls/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'CPU ms':>7} {'client':>7}")
    for row in rows:
        print(
            f"{row['case']:30} {row['bytes']:6} {row['per_second']:8.0f} {row['p50_ms']:7.2f} {row['p99_ms']:7.2f}"
            f" {row['cpu_ms']:7.2f} {row['client_cpu_ms']:7.2f}   {verdict(row)}"
        )
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
