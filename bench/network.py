"""Headless Chromium publishing 1280x720 at 30 with sound into a real gateway, over a network that is bad in many ways.

For each condition: pictures per second, the longest time without one, the width reached and when, packets of sound,
those that the decoder had to conceal and the longest run of them, NACKs and key frames asked for. Every picture is
decoded: a broken one would be told. The first seconds are left out of all but the time to full size. Needs Debian's
chromium; run from the project's folder as `python -m bench.network`. Prints a table; `--json` for data; `--receiver
gstreamer` puts GStreamer's webrtcbin (Debian) in the gateway's place, behind the same network.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
from tests.gateway.chromium import browser
from tests.gateway.rig import gateway
from tests.gateway.shim import Network, bad_network

from openmpu.model.frames import EncodedFrame

CONDITIONS = (
    Network("clean"),
    Network("2 % loss", loss=0.02),
    Network("5 % loss", loss=0.05),
    Network("10 % loss", loss=0.10),
    Network("5 % in bursts of 5", loss=0.05, burst=5),
    Network("100 ms jitter", delay_ms=20, jitter_ms=100),
    Network("1 Mbit/s", kbps=1_000, delay_ms=20),
)
SECOND = 1_000_000_000
WARM_UP = 3 * SECOND
RECEIVER = ("/usr/bin/python3", str(Path(__file__).parents[1] / "tests" / "gateway" / "gstreamer_receiver.py"))


@dataclass(frozen=True)
class Row:
    """One condition."""

    network: str
    codec: str
    fps: float
    longest_gap_ms: float
    full_size_after_s: float | None
    width: int
    broken: int
    sound_packets: int
    sound_concealed: int
    longest_concealed_ms: int
    longest_sound_gap_ms: float
    nacks: int
    key_frames_asked: int
    kbps: int


async def measure(network: Network, codec: str, seconds: float) -> Row:
    """Publish for so long over that network."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            gateway(Path(folder)) as rig,
            rig.worker() as worker,
            bad_network(rig.server, network) as bad,
            browser(bad) as page,
        ):
            await page.evaluate("publish", {"name": "ann", "kind": "screen", "codec": codec, "sound": True})
            await worker.subscribe(1, "ann", "video", "screen")
            await worker.subscribe(2, "ann", "audio", "screen")
            await asyncio.sleep(seconds + WARM_UP / SECOND)
            tracks = {track["kind"]: track for track in rig.server.figures[-1]["tracks"]}
            return _row(network, codec.lower(), worker.frames[1], worker.frames[2], tracks["video"])


async def measure_gstreamer(network: Network, codec: str, seconds: float) -> Row:
    """The same with webrtcbin as the receiver; it tells no NACKs."""
    receiver = GStreamer()
    try:
        async with bad_network(receiver, network) as bad, browser(bad) as page:
            await page.evaluate("publish", {"name": "ann", "kind": "screen", "codec": codec, "sound": True})
            await asyncio.sleep(seconds + WARM_UP / SECOND)
    finally:
        await receiver.close()
    return _row(network, codec.lower(), receiver.pictures, receiver.sounds, {"nacks": 0, "plis": 0, "bitrate": 0})


class GStreamer:
    """webrtcbin in a process of its own, in a server's place."""

    def __init__(self) -> None:
        self.pictures: list[EncodedFrame] = []
        self.sounds: list[EncodedFrame] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._pts = 0

    async def publish(self, _user: str, offer: str, _source: str) -> dict[str, str]:
        """Its answer to an offer."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*RECEIVER, stdin=pipe, stdout=pipe, limit=1 << 24)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"offer": offer}).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline())
        self._reading = asyncio.create_task(self._read(self._process.stdout))
        return {"sdp": answer["sdp"], "resource": "", "etag": ""}

    async def _read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            kind, arrival, rest = line.split()
            if kind == b"v":
                self.pictures.append(EncodedFrame(0, int(arrival), bytes.fromhex(rest.decode())))
            else:
                missing = max(0, round((int(rest) - self._pts) / 20_000_000) - 1) if self._pts else 0
                self._pts = int(rest)
                self.sounds.append(EncodedFrame(0, int(arrival), b"", lost=missing))

    async def close(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            await self._process.wait()
        if self._reading:
            self._reading.cancel()


def _row(
    network: Network, codec: str, video: list[EncodedFrame], sound: list[EncodedFrame], figures: dict[str, Any]
) -> Row:
    widths, broken = _decode(codec, video)
    began = video[0].arrival
    full = next((frame.arrival - began for frame, width in zip(video, widths, strict=True) if width == 1280), None)
    late = [frame for frame in video if frame.arrival - began > WARM_UP]
    heard = [frame for frame in sound if frame.arrival - began > WARM_UP]
    lasted = (late[-1].arrival - late[0].arrival) / SECOND
    return Row(
        network.name,
        codec,
        round((len(late) - 1) / lasted, 1),
        _longest_gap(late),
        None if full is None else round(full / SECOND, 1),
        widths[-1],
        broken,
        len(heard),
        sum(frame.lost for frame in heard),
        max(frame.lost for frame in heard) * 20,
        _longest_gap(heard),
        figures["nacks"],
        figures["plis"],
        round(figures["bitrate"] / 1000),
    )


def _longest_gap(frames: list[EncodedFrame]) -> float:
    gaps = [after.arrival - before.arrival for before, after in itertools.pairwise(frames)]
    return round(max(gaps) / 1e6, 0)


def _decode(codec: str, frames: list[EncodedFrame]) -> tuple[list[int], int]:
    """The width of each picture (the last known where none comes out), and how many do not decode."""
    context = av.CodecContext.create(codec, "r")
    context.options = {"err_detect": "explode"}
    widths, broken, width = [], 0, 0
    for frame in frames:
        try:
            for picture in context.decode(av.Packet(frame.data)):
                width = picture.width
                broken += bool(picture.is_corrupt)
        except av.FFmpegError:
            broken += 1
        widths.append(width)
    return widths, broken


HEAD = (
    "network              codec   fps  longest gap ms  full size s  width  broken"
    "  sound  concealed  longest ms  sound gap ms  nacks  plis   kbps"
)


def _line(row: Row) -> str:
    full = "-" if row.full_size_after_s is None else f"{row.full_size_after_s:.1f}"
    return (
        f"{row.network:20} {row.codec:5} {row.fps:5.1f} {row.longest_gap_ms:15.0f} {full:>12} {row.width:6}"
        f" {row.broken:7} {row.sound_packets:6} {row.sound_concealed:10} {row.longest_concealed_ms:11}"
        f" {row.longest_sound_gap_ms:13.0f} {row.nacks:6} {row.key_frames_asked:5} {row.kbps:6}"
    )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--codecs", nargs="+", default=["H264", "VP8"])
    arguments.add_argument("--only", default="", help="conditions whose name has this in it")
    arguments.add_argument("--receiver", choices=["gateway", "gstreamer"], default="gateway")
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    run = measure if options.receiver == "gateway" else measure_gstreamer
    print(HEAD)
    rows = []
    for codec in options.codecs:
        for network in CONDITIONS:
            if options.only in network.name:
                rows.append(asyncio.run(run(network, codec, options.seconds)))
                print(_line(rows[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
