"""A real server with planted keys, a busy minute of good and bad days, and what can be found of the keys afterwards.

S8 (logs, status, process list), S12 (a publication's own URL), S13 (silent connections), S15 (what workers inherit),
S18 (paths), S23 (metrics).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from openmpu.clients.call import ApiClient
from openmpu.clients.signing import Keys
from openmpu.http.patience import HEAD_WITHIN_S
from openmpu.wire.tokens import make_one_string
from tests.e2e.steps import ALICE, received, receiving, until
from tests.rig.ports import free_port
from tests.rig.processes import APP, APP_KEY, KEY_ID, SECRET, Rig, rig

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

CALLBACK_SECRET, METRICS_TOKEN, ENVIRONMENT = "plantedcallbacksecret", "plantedmetricstoken", "plantedenvironment"
STREAM, SIGN, IMAGE, HOOK, TOKEN = "plantedstream", "plantedsign", "plantedimage", "plantedhook", "plantedtoken"
SERVERS_OWN = {SECRET, APP_KEY, CALLBACK_SECRET, METRICS_TOKEN, ENVIRONMENT}
PLANTED = SERVERS_OWN | {STREAM, SIGN, IMAGE, HOOK, TOKEN}


@dataclass
class Day:
    """What was to be seen while the server was busy."""

    house: Rig
    commands: set[str] = field(default_factory=set)
    answers: list[str] = field(default_factory=list)
    memory: dict[str, set[str]] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    closed_after_s: list[float] = field(default_factory=list)

    def look(self) -> None:
        """At the process list."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and "pytest" not in " ".join(process.cmdline()):
                    self.commands.add(" ".join(process.cmdline()))

    def look_into(self, title: str) -> None:
        """At the memory and the limits of the processes of that title."""
        for pid in self.house.pids(title):
            self.look_at_limits(title, pid)
            self.memory[title] = found_in_memory(pid, SERVERS_OWN)

    def look_at_limits(self, title: str, pid: int) -> None:
        """As the kernel tells them."""
        self.limits[title] = Path(f"/proc/{pid}/limits").read_text()


def found_in_memory(pid: int, words: set[str]) -> set[str]:
    """Which of the words stand in the process's writable memory."""
    pattern = re.compile(b"|".join(re.escape(word.encode()) for word in words))
    found: set[str] = set()
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for begin, end in _writable(pid):
            with contextlib.suppress(OSError):
                memory.seek(begin)
                found |= {match.decode() for match in pattern.findall(memory.read(end - begin))}
    return found


def _writable(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, rights, *_ = line.split()
        if rights.startswith("rw") and "[v" not in line:
            begin, _, end = place.partition("-")
            yield int(begin, 16), int(end, 16)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """Server, publisher, tasks that go well and badly, calls that are refused; everything is over when this returns."""
    settings = f'log_level = "DEBUG"\nlog_json = true\nmetrics_token = "{METRICS_TOKEN}"'
    real = Rig._environment
    with pytest.MonkeyPatch.context() as patch:
        more = {"OPENMPU_STORAGE__URL": "", "OPENMPU_SECURITY__CA_FILE": "", "ALIBABA_SECRET": ENVIRONMENT}
        patch.setattr(Rig, "_environment", lambda self: {**real(self), **more})
        async with rig(tmp_path_factory.mktemp("day"), serve=False, server=settings) as house:
            with house.config.open("a") as file:
                file.write(f'  callback_secret = "{CALLBACK_SECRET}"\n')
            await house.start_server()
            made = Day(house)
            silent = asyncio.create_task(asyncio.to_thread(wait_in_silence, house.port))
            await busy(made)
            made.closed_after_s = await silent
            yield made


async def busy(day: Day) -> None:
    """Everything that may make somebody write something down."""
    house = day.house
    async with receiving(url=f"rtmp://127.0.0.1:0/live/{STREAM}") as cdn:
        await house.call("CreateRtcMPUEventSub", CallbackUrl=f"http://127.0.0.1:{free_port()}/{HOOK}?key={HOOK}")
        publisher = await house.publisher("alice", **ALICE.options())
        await until(lambda: "state=publishing" in publisher.text, "alice publishes")
        await start_tasks(day, cdn.url)
        await received(cdn, 1)
        await refusals(day)
        day.look()
        day.look_into("openmpu: worker rigapp/good")
        day.look_into("openmpu: gateway")
        day.look_into("openmpu: zygote")
        day.look_at_limits("server", house.pids("openmpu: server")[0])
        await ask_about(day)
        os.kill(house.pids("worker rigapp/good")[0], signal.SIGSEGV)
        await until(lambda: cdn.figures().connects == 2, "the next worker pushes")
        for task in ("good", "closed", "nowhere"):
            await house.call("StopMPUTask", TaskId=task)
        await until(lambda: not house.pids("openmpu: worker"), "the workers ended")
        await publisher.stop()


async def start_tasks(day: Day, url: str) -> None:
    """One that works, with a picture that is not there; one to a closed port; one to nowhere; one that cannot be."""
    picture = {"Backgrounds.1.Url": f"http://127.0.0.1:1/{IMAGE}.png?sig={IMAGE}", "Backgrounds.1.Display": 0}
    closed = f"rtmp://127.0.0.1:{free_port()}/live/{STREAM}?sign={SIGN}"
    started = [
        await day.house.start_task("good", f"{url}?sign={SIGN}", **picture),
        await day.house.start_task("closed", closed),
        await day.house.start_task("nowhere", f"rtmp://nowhere.invalid/live/{STREAM}?sign={SIGN}"),
        await day.house.start_task("wrong", f"ftp://127.0.0.1/live/{STREAM}?sign={SIGN}"),
    ]
    assert [answer.status for answer in started] == [200, 200, 200, 400], [answer.text for answer in started]
    day.answers += [answer.text for answer in started]


async def refusals(day: Day) -> None:
    """Wrong signatures, wrong tokens, wrong bodies."""
    house = day.house
    wrong = ApiClient(house.url, Keys(KEY_ID, SECRET + "x"))
    for v1 in (False, True):
        day.answers.append((await wrong.call("StopMPUTask", {"AppId": APP, "TaskId": "good"}, v1=v1)).text)
    await wrong.close()
    good = make_one_string(APP, APP_KEY, "room", "bob", int(time.time()) + 60)
    place = f"{house.url}/whip/{APP}/room/bob"
    async with httpx.AsyncClient(trust_env=False) as http:
        for token, body in ((TOKEN, "v=0"), (good, "no offer"), (good[:-9] + TOKEN, "v=0")):
            headers = {"content-type": "application/sdp", "authorization": f"Bearer {token}"}
            day.answers.append((await http.post(place, content=body, headers=headers)).text)
            day.answers.append((await http.post(f"{place}?token={token}", content=body)).text)
        day.answers.append((await http.get(f"{house.url}/?Action=Nonsense&AccessKeySecret={TOKEN}")).text)


async def ask_about(day: Day) -> None:
    """Status and metrics, once the failing targets have told why."""
    for task in ("closed", "nowhere"):
        await until(lambda task=task: _tells_an_error(day.house, task), f"{task} fails")
    day.answers += [(await day.house.api.task(APP, task)).text for task in ("good", "closed", "nowhere")]
    async with httpx.AsyncClient(trust_env=False) as http:
        headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
        metrics = (await http.get(f"{day.house.url}/metrics", headers=headers)).text
        day.answers.append((await http.get(f"{day.house.url}/metrics")).text)
    assert "openmpu_target_state" in metrics
    day.answers.append(metrics)


async def _tells_an_error(house: Rig, task: str) -> bool:
    status = await house.task(task)
    return bool(status["end_reason"] or (status["targets"] and status["targets"][0].get("last_error")))


def wait_in_silence(port: int) -> list[float]:
    """Open connections that never say a whole header; after how many seconds each was closed.

    In a thread of its own: while memory is searched, the loop stands still.
    """
    began = time.monotonic()
    pair = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(2)]
    pair[1].sendall(b"POST / HTTP/1.1\r\nHost: a\r\n")
    closed = []
    for connection in pair:
        with connection, contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        closed.append(time.monotonic() - began)
    return closed


async def test_s8_no_log_holds_a_secret(day: Day) -> None:
    """Of any process, at the most talkative level: planted keys are nowhere, and there is something to search in."""
    text = "\n".join(path.read_text(errors="replace") for path in day.house.directory.glob("*.log"))
    kinds = {line.get("process", "").split(" ")[0] for line in _json_lines(text)}
    assert {"server", "gateway", "worker"} <= kinds
    assert not found_in(text, PLANTED)


async def test_s8_no_process_list_shows_a_secret(day: Day) -> None:
    """Titles and arguments."""
    text = "\n".join(day.commands)
    assert "openmpu: worker rigapp/good" in text
    assert not found_in(text, PLANTED)


async def test_s8_no_answer_shows_a_secret(day: Day) -> None:
    """Refusals, status, metrics."""
    text = "\n".join(day.answers)
    assert "last_error" in text
    assert not found_in(text, PLANTED)


@pytest.mark.parametrize("title", ["openmpu: worker rigapp/good", "openmpu: gateway", "openmpu: zygote"])
async def test_s15_who_handles_other_peoples_bytes_holds_no_key_of_the_server(day: Day, title: str) -> None:
    """Neither inherited nor told: their whole memory was searched."""
    assert day.memory[title] == set()


async def test_s15_the_search_of_memory_finds_what_is_there(day: Day) -> None:
    """Proof against a blind search: the server itself holds its keys."""
    assert found_in_memory(day.house.pids("openmpu: server")[0], SERVERS_OWN) >= {SECRET, APP_KEY}


@pytest.mark.parametrize("title", ["openmpu: worker rigapp/good", "openmpu: gateway", "openmpu: zygote", "server"])
async def test_s8_nobody_dumps_core(day: Day, title: str) -> None:
    """A dump would hold keys and faces."""
    assert re.search(r"Max core file size +0 ", day.limits[title])


async def test_s15_a_workers_memory_is_bounded(day: Day) -> None:
    """By the kernel."""
    assert re.search(r"Max data size +\d+ ", day.limits["openmpu: worker rigapp/good"])


async def test_s13_silent_connections_are_closed(day: Day) -> None:
    """Within 20 s, by the server as it is really started."""
    assert all(HEAD_WITHIN_S - 1 < seconds < 20 for seconds in day.closed_after_s), day.closed_after_s


async def test_s12_a_guessed_publication_is_not_found(day: Day) -> None:
    """By somebody who may publish, with names of every form."""
    token = make_one_string(APP, APP_KEY, "room", "eve", int(time.time()) + 60)
    head = {"authorization": f"Bearer {token}", "if-match": "*", "content-type": "application/trickle-ice-sdpfrag"}
    async with httpx.AsyncClient(trust_env=False, base_url=day.house.url, headers=head) as http:
        for guess in ("1", "gateway-1", "gateway-1.x", "gateway-1." + "A" * 22, "gateway-2.x", "x" * 300):
            for method in ("PATCH", "DELETE"):
                answer = await http.request(method, f"/whip/{APP}/room/eve/{guess}", content="a=end-of-candidates")
                assert answer.status_code in {400, 404}, (method, guess, answer.status_code, answer.text)


async def test_s18_paths_lead_nowhere(day: Day) -> None:
    """Dots and slashes in every door's path: refused, never a failure inside."""
    doors = ("/whip/{}/room/eve", "/whip/app/{}/eve", "/join/{}/room", "/api/tasks/{}/x", "/api/tasks/app/{}", "/{}")
    async with httpx.AsyncClient(trust_env=False) as http:
        for door in doors:
            for name in ("..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "%ff", "a%0d%0aX-Y:z", "..\\..\\x"):
                answer = await http.get(day.house.url + door.format(name))
                assert answer.status_code < 500, (door, name)
                assert "root:" not in answer.text
                assert "x-y" not in answer.headers


def found_in(text: str, words: set[str]) -> dict[str, str]:
    """The words that stand in it, with what is around."""
    return {word: text[max(0, text.index(word) - 80) : text.index(word) + 40] for word in words if word in text}


def _json_lines(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found
