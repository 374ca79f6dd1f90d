"""What a participant costs the gateway: 720p30 at 1.5 Mbit/s (H.264 or VP8) with Opus, over real ICE, DTLS and SRTP.

A gateway process of its own on one core takes 1 to 50 senders (`gateway_senders.py`, another process) on loopback and
hands every track to one reader; its CPU and memory are read from the system, and what it lost is counted: by the
packets' own numbers, by the kernel, and by the reader. Prints a table; `--json` for data. Beside it: aiortc with its
decoder by-passed and no link, measured before this was built: H.264 .0191, VP8 .0175; its leanest hook .0072 to .0090.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvloop

from openmpu.gateway.options import GatewayOptions
from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, ChannelId, ChannelKey
from openmpu.processes.channel import ControlChannel
from openmpu.wire import link

CHANNEL = ChannelKey(AppId("bench"), ChannelId("bench"))
SETTLE_S = 11.0
"""Feedback goes out twice as often in a sender's first ten seconds."""


class Server:
    """The gateway's server, and its one reader."""

    def __init__(self) -> None:
        self.channel: ControlChannel | None = None
        self.ready = asyncio.Event()
        self.frames = self.lost = 0
        self.tracks: list[dict[str, Any]] = []
        self._told = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The control socket."""
        self.channel = ControlChannel(reader, writer, self._take)
        await self.channel.run()

    async def _take(self, message: dict[str, Any]) -> None:
        if "hello" in message:
            self.ready.set()
        elif message.get("tell") == "figures":
            self.tracks = message["tracks"]
            self._told.set()

    async def figures_again(self) -> None:
        """Wait for figures that are newer than those of now."""
        self._told.clear()
        await self._told.wait()

    async def publish(self, user: str, offer: str) -> str:
        """The answer to an offer."""
        assert self.channel
        given = {"channel": to_plain(CHANNEL), "user_id": user, "source": "camera", "offer": offer}
        return str((await self.channel.ask("publish", **given))["sdp"])

    async def read(self, path: Path) -> None:
        """Read every track."""
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(link.encode_message(link.Watch(CHANNEL)))
        messages = link.LinkReader()
        known: set[str] = set()
        while data := await reader.read(1 << 18):
            for message in messages.feed(data):
                if isinstance(message, link.Media):
                    self.frames += 1
                    self.lost += message.frame.lost
                elif isinstance(message, link.RosterChanged):
                    for track_id in {track.track_id for user in message.roster.users for track in user.tracks} - known:
                        known.add(track_id)
                        writer.write(link.encode_message(link.Subscribe(len(known), CHANNEL, track_id)))


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        sent: Packets that the participants sent, all told.
        lost: Of those, packets that the gateway never saw.
        dropped: Datagrams that the kernel threw away because the gateway did not read in time.
        skipped: Frames that the reader did not get.
        wakes_per_second: Times that the gateway was woken.
        late_ms: How late the participants themselves sent, at worst.
    """

    codec: str
    participants: int
    core: float
    core_per_participant: float
    memory_mb: float
    memory_mb_per_participant: float
    frames_per_second: float
    wakes_per_second: float
    sent: int
    lost: int
    dropped: int
    skipped: int
    late_ms: int


async def measure(codec: str, participants: int, seconds: float, settle: float) -> Row:
    """A gateway with so many participants, over so many seconds, once they have been there for `settle`."""
    with tempfile.TemporaryDirectory() as folder:
        server, path = Server(), Path(folder)
        door = await asyncio.start_unix_server(server.serve, path=path / "control.sock")
        options = GatewayOptions("bench", str(path / "control.sock"), (f"unix:{path / 'link.sock'}",), ("127.0.0.1",))
        gateway = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "openmpu.gateway", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        assert gateway.stdin
        gateway.stdin.write(json.dumps(to_plain(options)).encode() + b"\n")
        gateway.stdin.close()
        _put_on_one_core(gateway.pid)
        await server.ready.wait()
        try:
            return await _run(server, path / "link.sock", gateway.pid, codec, participants, seconds, settle)
        finally:
            gateway.terminate()
            await gateway.wait()
            door.close()


def _put_on_one_core(pid: int) -> None:
    """The gateway gets the first core for itself, as far as this benchmark goes."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, cores[:1])
    os.sched_setaffinity(0, cores[1:] or cores)


async def _run(
    server: Server, path: Path, pid: int, codec: str, participants: int, seconds: float, settle: float
) -> Row:
    process, empty = psutil.Process(pid), psutil.Process(pid).memory_info().rss
    reading = asyncio.create_task(server.read(path))
    senders = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.gateway_senders", codec, str(participants), str(settle + seconds + 1)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert senders.stdin
    assert senders.stdout
    number = 0
    while "offer" in (said := json.loads(await senders.stdout.readline())):
        answer = {"sdp": await server.publish(f"user{number}", said["offer"])}
        senders.stdin.write(json.dumps(answer).encode() + b"\n")
        number += 1
    await asyncio.sleep(settle)
    began, cpu, frames, wakes = time.monotonic(), _cpu(process), server.frames, _wakes(process)
    await asyncio.sleep(seconds)
    elapsed, used, frames = time.monotonic() - began, _cpu(process) - cpu, server.frames - frames
    wakes = _wakes(process) - wakes
    memory, dropped = process.memory_info().rss, _dropped(process)
    await asyncio.sleep(1.5)
    await server.figures_again()
    senders.stdin.close()
    said = json.loads(await senders.stdout.readline())
    await senders.wait()
    reading.cancel()
    return Row(
        codec,
        participants,
        round(used / elapsed, 4),
        round(used / elapsed / participants, 5),
        round(memory / (1 << 20), 1),
        round((memory - empty) / participants / (1 << 20), 2),
        round(frames / elapsed, 1),
        round(wakes / elapsed, 1),
        said["sent"],
        sum(track["lost"] for track in server.tracks),
        dropped,
        server.lost,
        said["late_ms"],
    )


def _dropped(process: psutil.Process) -> int:
    """Datagrams that found the sockets of that process full; the last column of the kernel's table."""
    ports = {each.laddr.port for each in process.net_connections("udp")}
    lines = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sum(int(words[-1]) for words in lines if int(words[1].rpartition(":")[2], 16) in ports)


def _cpu(process: psutil.Process) -> float:
    """Seconds, to the nanosecond where the kernel tells them."""
    try:
        return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        times = process.cpu_times()
        return float(times.user + times.system)


def _wakes(process: psutil.Process) -> int:
    """How often it went to sleep, and so was woken."""
    return int(process.num_ctx_switches().voluntary)


HEAD = (
    "codec  participants   core  core/participant  memory MB  MB/participant  frames/s  wakes/s"
    "    sent  lost  dropped  skipped  late ms"
)


def _line(row: Row) -> str:
    return (
        f"{row.codec:6} {row.participants:12} {row.core:6.3f} {row.core_per_participant:17.5f} {row.memory_mb:10.1f}"
        f" {row.memory_mb_per_participant:15.2f} {row.frames_per_second:9.1f} {row.wakes_per_second:8.1f} {row.sent:7} {row.lost:5}"
        f" {row.dropped:8} {row.skipped:8} {row.late_ms:8}"
    )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--participants", type=int, nargs="+", default=[1, 4, 8, 16, 32, 50])
    arguments.add_argument("--codecs", nargs="+", default=["h264", "vp8"])
    arguments.add_argument("--seconds", type=float, default=8)
    arguments.add_argument("--settle", type=float, default=SETTLE_S, help="seconds before measuring")
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    print(HEAD)
    rows = []
    for codec in options.codecs:
        for participants in options.participants:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows.append(runner.run(measure(codec, participants, options.seconds, options.settle)))
            print(_line(rows[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps([to_plain(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
