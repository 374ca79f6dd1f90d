"""What players cost: the gateway for each of them, the worker for Opus beside AAC. CPU seconds, without processes.

The gateway's part is the product's own way from a frame on the switchboard to encrypted packets, for several players of
one stream; what the kernel does with the packets is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import time
from pathlib import Path
from typing import Any

import numpy as np
import pylibsrtp
from rich.console import Console
from rich.table import Table

from openmpu.gateway.playback import Playback, Wire
from openmpu.gateway.programmes import Programmes
from openmpu.gateway.switchboard import Size, Switchboard
from openmpu.media.encoding.opus import OpusEncoder
from openmpu.media.encoding.sound import SoundEncoder
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE
from openmpu.model.encoder import AudioProfile
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.roster import Kind
from openmpu.wire.rtp.sender import SendParameters

FPS, KBPS = 25, 1_500
KEY_BYTES, START = 40_000, b"\0\0\0\1"


class _Worker:
    """Presents; what it is asked for does not matter here."""

    def want_key_frame(self) -> None:
        """Nothing."""

    def show(self, size: Size | None, readers: int) -> None:
        """Nothing."""


def players(count: int, seconds: int) -> float:
    """CPU seconds per second for each of so many players of 720p25, 1.5 Mbit/s, with Opus."""
    return asyncio.run(_players(count, seconds))


async def _players(count: int, seconds: int) -> float:
    board, task = Switchboard(), TaskKey(AppId("app"), TaskId("show"))
    programmes = Programmes(board, lambda _: None)
    video = programmes.present(task, 1, Kind.VIDEO, "h264", _Worker(), 0)
    audio = programmes.present(task, 1, Kind.AUDIO, "opus", _Worker(), 0)
    assert video
    assert audio
    for _ in range(count):
        playback = _playback(board)
        playback.offer(programmes.tracks(task))
        playback.start()
    began = time.process_time()
    for number in range(seconds * FPS):
        key = number % (2 * FPS) == 0
        size = KEY_BYTES if key else (KBPS * 125 * 2 - KEY_BYTES) // (2 * FPS - 1)
        data = START + (b"\x65" if key else b"\x41") + secrets.token_bytes(size)
        video.port.put(EncodedFrame(number * 3_600, number, data, key=key), number)
        for _ in range(2):
            audio.port.put(EncodedFrame(number * 1_920, number, secrets.token_bytes(240)), number)
        await asyncio.sleep(0.015 if key else 0)  # for what is sent in bursts
    return (time.process_time() - began) / seconds / count


def _playback(board: Switchboard) -> Playback:
    policy = pylibsrtp.Policy(key=secrets.token_bytes(30), ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    session = pylibsrtp.Session(policy)
    agreed = {
        Kind.VIDEO: ("h264", SendParameters(1, 102, 90_000, (2, 103))),
        Kind.AUDIO: ("opus", SendParameters(3, 111, 48_000)),
    }
    return Playback(agreed, "name", board, time.time_ns, Wire(session.protect, session.protect_rtcp))


def sound(seconds: int) -> dict[str, float]:
    """CPU seconds per second of both encoders."""
    blocks = np.random.default_rng(1).normal(0, 0.1, (seconds * 50, BLOCK, 2)).astype(np.float32)
    opus, aac = OpusEncoder(), SoundEncoder(AudioProfile(), 0)
    began = time.process_time()
    for number, block in enumerate(blocks):
        list(opus.encode(block, number * BLOCK * 10**9 // SAMPLE_RATE))
    between = time.process_time()
    for block in blocks:
        list(aac.encode(block))
    return {"opus": (between - began) / seconds, "aac": (time.process_time() - between) / seconds}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of media")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    found: dict[str, Any] = {f"{count} players, each": players(count, options.seconds) for count in (1, 10, 50)}
    found |= sound(options.seconds)
    table = Table("what", "CPU seconds per second")
    for name, used in found.items():
        table.add_row(name, f"{used:.4f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
