"""Headless Chromium publishing 1280x720 at 30 with sound into a real gateway, over a network that is bad in many ways.

For each condition: pictures per second, the longest time without one and the longest between two when shown (held as a
worker holds them: `timing/playout.py`), the delay from the capture of a picture to its
being read (median and 95th percentile), the width reached and when, packets of sound, those that the decoder had to
conceal and the longest run of them, NACKs and key frames asked for. Times are those of a reader behind the link. Every
picture is decoded: a broken one would be told. The first seconds are left out of all but the time to full size. Needs
Debian's chromium; run from the project's folder as `python -m bench.network`. Prints the medians of `--repeat` runs;
`--json` for data; `--receiver gstreamer` puts GStreamer's webrtcbin (Debian) in the gateway's place, behind the same
network.
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
from tests.gateway.rig import Worker, gateway
from tests.gateway.shim import Network, bad_network

from openmpu.timing.playout import PlayoutDelay

CONDITIONS = (
    Network("clean", delay_ms=20),
    Network("2 % loss", loss=0.02, delay_ms=20),
    Network("5 % loss", loss=0.05, delay_ms=20),
    Network("10 % loss", loss=0.10, delay_ms=20),
    Network("5 % in bursts of 5", loss=0.05, burst=5, delay_ms=20),
    Network("100 ms jitter", delay_ms=20, jitter_ms=100),
    Network("1 Mbit/s", kbps=1_000, delay_ms=20),
)
"""Each with a round trip of 40 ms."""
SECOND = 1_000_000_000
WARM_UP = 3 * SECOND
RECEIVER = ("/usr/bin/python3", str(Path(__file__).parents[1] / "tests" / "gateway" / "gstreamer_receiver.py"))


@dataclass(frozen=True)
class Piece:
    """A picture, or a packet of sound, as it was read.

    Attributes:
        at: When; nanoseconds of the wall clock.
        captured: When its sender captured it, by the same clock; None while not known.
        arrival: When its last packet came; it may have waited for others.
        missing: Packets of sound right before it that the decoder must conceal.
    """

    at: int
    captured: int | None = None
    arrival: int = 0
    data: bytes = b""
    missing: int = 0


@dataclass(frozen=True)
class Row:
    """One condition."""

    network: str
    codec: str
    fps: float
    longest_gap_ms: float
    shown_gap_ms: float | None
    delay_ms: float | None
    delay_95_ms: float | None
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


async def measure(network: Network, codec: str, seconds: float, kind: str) -> Row:
    """Publish for so long over that network."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            gateway(Path(folder)) as rig,
            rig.worker() as worker,
            bad_network(rig.server, network) as bad,
            browser(bad) as page,
        ):
            await page.evaluate("publish", {"name": "ann", "kind": kind, "codec": codec, "sound": True})
            await worker.subscribe(1, "ann", "video", kind)
            await worker.subscribe(2, "ann", "audio", kind)
            await asyncio.sleep(seconds + WARM_UP / SECOND)
            tracks = {track["kind"]: track for track in rig.server.figures[-1]["tracks"]}
            return _row(network, codec.lower(), _pieces(worker, 1), _pieces(worker, 2), tracks["video"])


def _pieces(worker: Worker, number: int) -> list[Piece]:
    read = zip(worker.frames[number], worker.read_at[number], strict=True)
    return [Piece(at, frame.ntp, frame.arrival, frame.data, frame.lost) for frame, at in read]


async def measure_gstreamer(network: Network, codec: str, seconds: float, kind: str) -> Row:
    """The same with webrtcbin as the receiver; it tells no NACKs, and holds everything for 200 ms."""
    receiver = GStreamer()
    try:
        async with bad_network(receiver, network) as bad, browser(bad) as page:
            await page.evaluate("publish", {"name": "ann", "kind": kind, "codec": codec, "sound": True})
            await asyncio.sleep(seconds + WARM_UP / SECOND)
    finally:
        await receiver.close()
    return _row(network, codec.lower(), receiver.pictures, receiver.sounds, {"nacks": 0, "plis": 0, "bitrate": 0})


class GStreamer:
    """webrtcbin in a process of its own, in a server's place."""

    def __init__(self) -> None:
        self.pictures: list[Piece] = []
        self.sounds: list[Piece] = []
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
            kind, at, rest = line.split()
            if kind == b"v":
                self.pictures.append(Piece(int(at), data=bytes.fromhex(rest.decode())))
            else:
                missing = max(0, round((int(rest) - self._pts) / 20_000_000) - 1) if self._pts else 0
                self._pts = int(rest)
                self.sounds.append(Piece(int(at), missing=missing))

    async def close(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            await self._process.wait()
        if self._reading:
            self._reading.cancel()


def _row(network: Network, codec: str, video: list[Piece], sound: list[Piece], figures: dict[str, Any]) -> Row:
    widths, broken = _decode(codec, video)
    began = video[0].at
    full = next((piece.at - began for piece, width in zip(video, widths, strict=True) if width == 1280), None)
    late = [piece for piece in video if piece.at - began > WARM_UP]
    heard = [piece for piece in sound if piece.at - began > WARM_UP]
    delays = sorted(piece.at - piece.captured for piece in late if piece.captured is not None)
    return Row(
        network.name,
        codec,
        round((len(late) - 1) * SECOND / (late[-1].at - late[0].at), 1),
        _longest_gap(late),
        _longest_shown(video, began + WARM_UP),
        _share(delays, 0.5),
        _share(delays, 0.95),
        None if full is None else round(full / SECOND, 1),
        widths[-1],
        broken,
        len(heard),
        sum(piece.missing for piece in heard),
        max(piece.missing for piece in heard) * 20,
        _longest_gap(heard),
        figures["nacks"],
        figures["plis"],
        round(figures["bitrate"] / 1000),
    )


def _share(delays: list[int], share: float) -> float | None:
    return round(delays[int(len(delays) * share)] / 1e6) if delays else None


def _longest_gap(pieces: list[Piece]) -> float:
    """Between two, less what the decoder was told to conceal."""
    pairs = itertools.pairwise(pieces)
    return round(max(after.at - before.at - 20_000_000 * after.missing for before, after in pairs) / 1e6)


def _longest_shown(pieces: list[Piece], since: int) -> float | None:
    """Between showing one and the next when each is held for the delay that a worker learns; None: no times are told."""
    told = [(piece.at, piece.captured, piece.arrival) for piece in pieces if piece.captured is not None]
    if not told:
        return None
    base, delay, shown = min(arrival - captured for _, captured, arrival in told), PlayoutDelay(), []
    for at, captured, arrival in told:
        due = captured + base
        shown.append(max(at, due + delay.hear(arrival - due, at)))
    late = [at for at in shown if at > since]
    return round(max(after - before for before, after in itertools.pairwise(late)) / 1e6)


def _medians(rows: list[Row]) -> Row:
    """The median of each figure; a size that was never reached counts as never."""
    columns = {name: [asdict(row)[name] for row in rows] for name in asdict(rows[0])}
    middle = len(rows) // 2
    keyed = {name: sorted(values, key=lambda value: (value is None, value)) for name, values in columns.items()}
    return Row(**{name: values[middle] for name, values in keyed.items()})


def _decode(codec: str, frames: list[Piece]) -> tuple[list[int], int]:
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
    "network              codec   fps  longest gap ms  shown ms  delay ms  95 %  full size s  width  broken"
    "  sound  concealed  longest ms  sound gap ms  nacks  plis   kbps"
)


def _line(row: Row) -> str:
    return (
        f"{row.network:20} {row.codec:5} {row.fps:5.1f} {row.longest_gap_ms:15.0f} {_or_dash(row.shown_gap_ms):>9} {_or_dash(row.delay_ms):>9}"
        f" {_or_dash(row.delay_95_ms):>5} {_or_dash(row.full_size_after_s):>12} {row.width:6} {row.broken:7}"
        f" {row.sound_packets:6} {row.sound_concealed:10} {row.longest_concealed_ms:11}"
        f" {row.longest_sound_gap_ms:13.0f} {row.nacks:6} {row.key_frames_asked:5} {row.kbps:6}"
    )


def _or_dash(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:g}"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--codecs", nargs="+", default=["H264", "VP8"])
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--only", default="", help="conditions whose name has this in it")
    arguments.add_argument("--kind", choices=["screen", "camera"], default="screen", help="noise, or a test picture")
    arguments.add_argument("--receiver", choices=["gateway", "gstreamer"], default="gateway")
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    run = measure if options.receiver == "gateway" else measure_gstreamer
    print(HEAD)
    rows = []
    for codec in options.codecs:
        for network in CONDITIONS:
            if options.only in network.name:
                runs = [asyncio.run(run(network, codec, options.seconds, options.kind)) for _ in range(options.repeat)]
                rows.append(_medians(runs))
                print(_line(rows[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
