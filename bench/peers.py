"""The same job by other programs: FFmpeg's filter graph and GStreamer's compositor, as Debian ships them.

Same inputs (in Matroska), same panes, x264 with the same preset, rate, key frames and threads, decoders with one thread.
They write Annex B with delimiters into a pipe: pictures are counted there, and the process's CPU clock is read at the
first and the last of those that count.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2

from bench.jobs import Inputs, Job, people_of, scene_of
from openmpu.media.encoding.video import DEFAULT_PRESET, threads_for
from openmpu.media.scaling import place
from openmpu.model.geometry import PixelRect

DELIMITER = b"\x00\x00\x00\x01\x09"
LIBAV = Path("/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstlibav.so")
TIME_BASE = Fraction(1, 90_000)


@dataclass(frozen=True)
class Peer:
    """A program and how it is asked."""

    program: str
    command: Callable[[Job, list[Path]], list[str]]
    needs: Path | None = None

    def installed(self) -> bool:
        """Whether it can be run here."""
        return shutil.which(self.program) is not None and (self.needs is None or self.needs.exists())

    def measure(self, job: Job, inputs: Inputs, codec: str, warm_s: float, length: float) -> float:
        """CPU seconds per second of media."""
        first, last = round(warm_s * job.video.fps), round((warm_s + length) * job.video.fps)
        with _running(self.command, job, inputs, codec) as program:
            clock = (~program.pid << 3) | 2  # the kernel's CPUCLOCK_SCHED of another process
            begun = 0.0
            for number in _delimiters(program):
                if number == first:
                    begun = time.clock_gettime(clock)
                if number == last:
                    return (time.clock_gettime(clock) - begun) / length
        raise RuntimeError(f"{self.program} ended before picture {last}: {program.args}")

    def encoded(self, job: Job, inputs: Inputs, codec: str) -> bytes:
        """All that it makes."""
        with _running(self.command, job, inputs, codec) as program:
            return program.stdout.read() if program.stdout else b""


@contextmanager
def _running(
    command: Callable[[Job, list[Path]], list[str]], job: Job, inputs: Inputs, codec: str
) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"{number}.mkv" for number in range(job.people)]
        for number, path in enumerate(files):
            _write(path, inputs.cameras[number], job, codec)
        program = subprocess.Popen(command(job, files), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            yield program
        finally:
            program.kill()
            program.communicate()


def _write(path: Path, frames: object, job: Job, codec: str) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_mux_stream(codec, width=job.size[0], height=job.size[1])
        stream.time_base = TIME_BASE
        for frame in frames:  # type: ignore[attr-defined]
            packet = av.Packet(frame.data)
            packet.pts = packet.dts = frame.rtp_time
            packet.duration = 90_000 // job.fps
            packet.time_base, packet.stream, packet.is_keyframe = TIME_BASE, stream, frame.key
            out.mux(packet)


def _delimiters(program: subprocess.Popen[bytes]) -> Iterator[int]:
    """Numbers of the pictures, as they come."""
    assert program.stdout is not None
    number, rest = 0, b""
    while data := os.read(program.stdout.fileno(), 1 << 16):
        found = (rest + data).count(DELIMITER)
        rest = (rest + data)[-len(DELIMITER) + 1 :]
        yield from range(number, number + found)
        number += found


def targets(job: Job) -> list[PixelRect]:
    """Where the pictures of the people come."""
    panes = scene_of(job, people_of(job, "h264", sound=False)).panes
    return [place(pane.fit, *job.size, pane.rect).target for pane in panes]


def ffmpeg(job: Job, files: list[Path]) -> list[str]:
    """`xstack`; pictures that are not shown are dropped before they are scaled."""
    video, rects = job.video, targets(job)
    fewer = job.fps > video.fps
    chains = []
    for number, rect in enumerate(rects):
        scale = f"scale={rect.width}:{rect.height}:flags=bilinear"
        steps = (f"fps={video.fps}", scale) if fewer else (scale, f"fps={video.fps}")
        chains.append(f"[{number}:v]{','.join(steps)}[p{number}]")
    places = "|".join(f"{rect.left}_{rect.top}" for rect in rects)
    pads = "".join(f"[p{number}]" for number in range(len(rects)))
    chains.append(
        f"{pads}xstack=inputs={len(rects)}:layout={places}:fill=black,pad={video.width}:{video.height}:0:0[o]"
    )
    opened = [word for path in files for word in ("-threads", "1", "-i", str(path))]
    quiet = ["-hide_banner", "-loglevel", "error", "-nostdin", "-filter_threads", "1", "-filter_complex_threads", "1"]
    graph = ["-filter_complex", ";".join(chains), "-map", "[o]", "-r", str(video.fps)]
    return ["ffmpeg", *quiet, *opened, *graph, *_x264(job), "-flush_packets", "1", "-f", "h264", "pipe:1"]


def _x264(job: Job) -> list[str]:
    video = job.video
    rate = f"{video.bitrate_kbps}k"
    return [
        *("-c:v", "libx264", "-preset", DEFAULT_PRESET, "-tune", "zerolatency", "-profile:v", video.profile),
        *("-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", str(video.gop), "-bf", "0"),
        *("-threads", str(threads_for(video)), "-x264-params", "nal-hrd=cbr:scenecut=0:rc-lookahead=0:aud=1"),
    ]


def gstreamer(job: Job, files: list[Path], *, pads_scale: bool) -> list[str]:
    """`compositor`, which scales by itself or is given scaled pictures."""
    video, sinks, chains = job.video, [], []
    for number, (rect, path) in enumerate(zip(targets(job), files, strict=True)):
        sinks += [f"sink_{number}::xpos={rect.left}", f"sink_{number}::ypos={rect.top}"]
        sinks += [f"sink_{number}::width={rect.width}", f"sink_{number}::height={rect.height}"]
        size = f"video/x-raw,width={rect.width},height={rect.height}"
        scaled = [] if pads_scale else ["videoscale", "n-threads=1", "add-borders=false", "!", size, "!"]
        opened = ["filesrc", f"location={path}", "!", "matroskademux", "!", "h264parse", "!"]
        chains += [*opened, "avdec_h264", "max-threads=1", "!", *scaled, "queue", "!", f"c.sink_{number}"]
    size = f"video/x-raw,width={video.width},height={video.height},framerate={video.fps}/1"
    params = f"nal-hrd=cbr:scenecut=0:vbv-maxrate={video.bitrate_kbps}:vbv-bufsize={video.bitrate_kbps}"
    encoder = [
        *("x264enc", f"speed-preset={DEFAULT_PRESET}", "tune=zerolatency", f"bitrate={video.bitrate_kbps}"),
        *(f"key-int-max={video.gop}", "bframes=0", "rc-lookahead=0", "sliced-threads=true", "aud=true"),
        *(f"threads={threads_for(video)}", f"option-string={params}"),
    ]
    out = ["!", f"video/x-h264,profile={video.profile},stream-format=byte-stream", "!", "fdsink", "fd=1", "sync=false"]
    mixer = ["compositor", "name=c", "background=black", "max-threads=1", *sinks, "!", size, "!"]
    return ["gst-launch-1.0", "-q", *mixer, *encoder, *out, *chains]


PEERS = {
    "ffmpeg": Peer("ffmpeg", ffmpeg),
    "gst pads": Peer("gst-launch-1.0", partial(gstreamer, pads_scale=True), LIBAV),
    "gst scale": Peer("gst-launch-1.0", partial(gstreamer, pads_scale=False), LIBAV),
}


def versions() -> dict[str, str]:
    """Of everything that matters to the figures."""
    codecs = ".".join(str(part) for part in av.library_versions["libavcodec"])
    found = {"PyAV": f"{av.__version__} (libavcodec {codecs})", "OpenCV": cv2.__version__}
    for name, words in (("ffmpeg", ["ffmpeg", "-version"]), ("GStreamer", ["gst-launch-1.0", "--version"])):
        if shutil.which(words[0]):
            said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
            found[name] = said[2] if name == "ffmpeg" else said[2 if said[1] == "version" else 1]
    return found
