"""What a mix costs beside its floor, and beside FFmpeg's filter graph and GStreamer's compositor on the same work.

The worker's own pipeline goes through a job in slices, as fast as it can; after each slice the floor (decoding every
input once, encoding the very pictures that the mix painted) goes through the same slice, so that whatever else the
machine does hits both. The peers are programs of their own, run in turn with it round by round, their CPU read between
two marks in their output: starting up is free for everybody. CPU seconds (all threads) per second of media; median
[least..most] of slices or rounds. Quality is PSNR and SSIM of the encoded picture against Lanczos scaling of the
decoded inputs. Besides: the same from publishers that make their pictures no larger than they are shown, over the naive
floor (decoding what they would send otherwise, and x264's `veryfast`). `--paced` runs the worker by the clock besides. `--untold` takes cameras that do not say their colours,
as browsers' do: the worker converts them, the floor and the peers do not.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.floor import Decoding, Encoding, Sound
from bench.jobs import JOBS, Inputs, Job, inputs_of
from bench.peers import PEERS, targets, versions
from bench.quality import Quality, judge
from bench.worker import Mix, seconds
from openmpu.clients.fitting import Form

WARM_S = 1.0
"""Before counting begins: first key frames, a full buffer of the encoder."""
SLICE_S = 0.5

Values = dict[str, list[float]]


def cpu(work: Callable[[int], None], until: int) -> float:
    """CPU seconds that it takes."""
    begun = time.process_time()
    work(until)
    return time.process_time() - begun


def in_step(job: Job, inputs: Inputs, codec: str, length: float) -> Values:
    """CPU seconds per second of each slice, everybody in turn."""
    warm = seconds(WARM_S)
    pictures = Mix(job, inputs, codec, sound=False).painted(warm, seconds(WARM_S + length))
    runners: dict[str, Callable[[int], None]] = {
        "decode": Decoding(inputs, codec).run,
        "encode": Encoding(job, pictures, warm).run,
        "encode veryfast": Encoding(same_preset(job), pictures, warm).run,
        "video": Mix(job, inputs, codec, sound=False).run,
        "sound floor": Sound(inputs).run,
        "all": Mix(job, inputs, codec).run,
    }
    if (smaller := willing(job)) != job:
        runners["willing"] = Mix(smaller, inputs_of(smaller, codec, WARM_S + length + 1), codec, sound=False).run
    for run in runners.values():
        run(warm)
    found: Values = {name: [] for name in runners}
    for number in range(1, round(length / SLICE_S) + 1):
        for name, run in runners.items():
            found[name].append(cpu(run, warm + seconds(number * SLICE_S)) / SLICE_S)
    return found


def with_ratios(found: Values) -> Values:
    """Besides: how much more than the floor."""
    picture = ratios(found["video"], found["decode"], found["encode"])
    whole = ratios(found["all"], found["decode"], found["encode"], found["sound floor"])
    naive = (found["decode"], found["encode veryfast"])
    found = found | {"video ratio": picture, "ratio": whole, "naive ratio": ratios(found["video"], *naive)}
    return found | ({"willing ratio": ratios(found["willing"], *naive)} if "willing" in found else {})


def willing(job: Job) -> Job:
    """The job as publishers send it that make pictures no larger than they are shown."""
    full = Form("h264", *job.size, job.fps, job.kbps)
    form = full.fitted(max(rect.width * rect.height for rect in targets(job)))
    return replace(job, size=(form.width, form.height), kbps=form.bitrate_kbps)


def same_preset(job: Job) -> Job:
    """With x264's `veryfast` as it is, which the peers use too; the product's own settings look for less."""
    return replace(job, video=replace(job.video, preset="veryfast"))


def ratios(of: list[float], *to: list[float]) -> list[float]:
    """One for each slice."""
    return [value / sum(parts) for value, *parts in zip(of, *to, strict=True)]


def beside_peers(job: Job, inputs: Inputs, codec: str, length: float, rounds: int) -> Values:
    """The worker and every peer in turn: CPU seconds per second, and over the worker's with the same preset."""
    peers = {name: peer for name, peer in PEERS.items() if peer.installed() and not job.overlays}
    workers = {"worker": job, "same preset": same_preset(job)}
    found: Values = {name: [] for name in (*workers, *peers)}
    for _ in range(rounds if peers else 0):
        for name, mine in workers.items():
            mix = Mix(mine, inputs, codec, sound=False)
            mix.run(seconds(WARM_S))
            found[name].append(cpu(mix.run, seconds(WARM_S + length)) / length)
        for name, peer in peers.items():
            found[name].append(peer.measure(job, inputs, codec, WARM_S, length))
    return found | {f"{name} ratio": ratios(found[name], found["same preset"]) for name in ("worker", *peers)}


def qualities(job: Job, inputs: Inputs, codec: str, length: float) -> dict[str, Quality]:
    """Of the encoded pictures of everybody."""
    if job.overlays:
        return {}
    found = {}
    for name, mine in {"worker": job, "same preset": same_preset(job)}.items():
        mix = Mix(mine, inputs, codec, sound=False)
        mix.sink.keep = True
        mix.run(seconds(WARM_S + length))
        found[name] = judge(job, inputs, codec, b"".join(mix.sink.pictures))
    for name, peer in PEERS.items():
        if peer.installed():
            found[name] = judge(job, inputs, codec, peer.encoded(job, inputs, codec))
    return found


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one job."""
    job, codec, length = JOBS[name], options.codec, options.seconds
    inputs = inputs_of(job, codec, WARM_S + length + 1, told=not options.untold)
    found: dict[str, Any] = dict(with_ratios(in_step(job, inputs, codec, length)))
    if options.peers:
        found |= beside_peers(job, inputs, codec, length, options.rounds)
        found["quality"] = {who: value.as_dict() for who, value in qualities(job, inputs, codec, length).items()}
    if options.paced:
        found["paced"] = Mix(job, inputs, codec).paced(WARM_S, length)
    return found


def show(name: str, found: dict[str, Any]) -> None:
    """One job's lines."""
    middle = {key: statistics.median(found[key]) for key in ("decode", "encode", "video", "sound floor", "all")}
    print(f"{name}  floor {middle['decode']:.3f} + {middle['encode']:.3f}, sound {middle['sound floor']:.3f}")
    print(f"    video only  {middle['video']:.3f}  x floor {spread(found['video ratio'])}")
    print(f"    with sound  {middle['all']:.3f}  x floor {spread(found['ratio'])}")
    print(f"    video over decoding and plain veryfast     {spread(found['naive ratio'])}")
    if "willing" in found:
        print(f"    the same from willing publishers           {spread(found['willing ratio'])}")
    for who in ("worker", *PEERS):
        if found.get(who):
            print(f"    {who:11} {statistics.median(found[who]):.3f}  x same preset {spread(found[f'{who} ratio'])}")
    for who, value in found.get("quality", {}).items():
        print(f"    {who:11} PSNR {value['psnr']:.2f} dB, SSIM {value['ssim']:.4f}, {value['kbps']:.0f} kbit/s")
    if paced := found.get("paced"):
        print(f"    paced       {paced['cpu']:.3f}  {paced['ticks']:.0f} ticks, {paced['late_ticks']:.0f} late")


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.3f} [{min(values):.3f}..{max(values):.3f}]"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="of media that are counted")
    parser.add_argument("--rounds", type=int, default=3, help="beside the peers")
    parser.add_argument("--codec", choices=("h264", "vp8"), default="h264")
    parser.add_argument("--jobs", nargs="*", default=list(JOBS))
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    parser.add_argument("--paced", action="store_true")
    parser.add_argument("--untold", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    print(", ".join(f"{name} {version}" for name, version in versions().items()), flush=True)
    table: dict[str, Any] = {"versions": versions()}
    for name in options.jobs:
        table[name] = measure(name, options)
        show(name, table[name])
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
