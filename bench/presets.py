"""What each x264 preset costs and gives: the pictures of J1 encoded at the job's rate without B-frames and look-ahead.

CPU seconds per second of media, each variant in turn, medians of rounds; PSNR and SSIM of luma against what was
encoded. Besides the presets: single settings changed from the product's own, `veryfast`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from bench import clips
from bench.jobs import JOBS, Job, inputs_of
from bench.quality import psnr, ssim
from bench.worker import Mix, seconds
from openmpu.media.encoding import video
from openmpu.media.encoding.video import VideoEncoder
from openmpu.timing.ticks import Ticks

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
SETTINGS = (
    "subme=1",
    "subme=1:me=dia",
    "8x8dct=0",
    "aq-mode=0",
    "weightp=0",
    "cabac=0",
    "no-deblock=1",
    "partitions=none",
    "partitions=i8x8,i4x4",
    "partitions=i8x8,i4x4:subme=1",
    "partitions=i8x8,i4x4:weightp=0",
)


def encode(job: Job, pictures: list[np.ndarray], preset: str, more: str) -> tuple[float, list[bytes]]:
    """CPU seconds per second and the packets."""
    options = video.options_of

    def changed(profile: video.VideoProfile) -> dict[str, str]:
        told = dict(options(profile))
        return told | {"x264-params": ":".join(part for part in (told["x264-params"], more) if part)}

    video.options_of = changed
    try:
        encoder, ticks = VideoEncoder(replace(job.video, preset=preset)), Ticks(job.video.fps)
    finally:
        video.options_of = options
    frames = [av.VideoFrame.from_numpy_buffer(picture, "yuv420p") for picture in pictures]
    begun = time.process_time()
    packets = [packet.data for n, frame in enumerate(frames) for packet in encoder.encode(frame, ticks.pts(n))]
    return (time.process_time() - begun) / (len(pictures) / job.video.fps), packets


def score(packets: list[bytes], pictures: list[np.ndarray], height: int) -> tuple[float, float]:
    """PSNR and SSIM of the second half."""
    context = av.CodecContext.create("h264", "r")
    shown = [frame for data in packets for frame in context.decode(av.Packet(data))] + context.decode(None)
    found = []
    for number in range(len(pictures) // 2, len(pictures), 3):
        plane = shown[number].planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, : shown[number].width]
        found.append((psnr(luma, pictures[number][:height]), ssim(luma, pictures[number][:height])))
    both = np.mean(np.array(found), axis=0)
    return float(both[0]), float(both[1])


def painted(job: Job, length: float) -> list[np.ndarray]:
    """The job's own pictures."""
    return Mix(job, inputs_of(job, "h264", length + 2), "h264", sound=False).painted(seconds(1), seconds(1 + length))


def moving(job: Job, length: float, speed: float) -> list[np.ndarray]:
    """Pictures that are harder to foretell."""
    profile = job.video
    clip = clips.pictures(profile.width, profile.height, profile.fps, length, 3, speed)
    return [np.asarray(frame.to_ndarray()) for frame in clip]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--job", default="J1", choices=list(JOBS))
    parser.add_argument("--speed", type=float, help="one camera alone, moving so much faster than usual")
    parser.add_argument("--kbps", type=int, help="instead of the job's")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    job = JOBS[options.job]
    job = replace(job, video=replace(job.video, bitrate_kbps=options.kbps or job.video.bitrate_kbps))
    pictures = moving(job, options.seconds, options.speed) if options.speed else painted(job, options.seconds)
    variants = [(preset, "") for preset in PRESETS] + [("veryfast", setting) for setting in SETTINGS]
    costs: dict[tuple[str, str], list[float]] = {variant: [] for variant in variants}
    made: dict[tuple[str, str], list[bytes]] = {}
    for _ in range(options.rounds):
        for variant in variants:
            cost, made[variant] = encode(job, pictures, *variant)
            costs[variant].append(cost)
    base = statistics.median(costs["veryfast", ""])
    table = {}
    for variant in variants:
        quality = score(made[variant], pictures, job.video.height)
        cost = statistics.median(costs[variant])
        table[" ".join(variant).strip()] = {"cpu": cost, "psnr": quality[0], "ssim": quality[1]}
        print(f"{' '.join(variant):38} {cost:.3f}  x veryfast {cost / base:.2f}  {quality[0]:.2f} dB  {quality[1]:.4f}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
