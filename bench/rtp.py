"""What the RTP receive path costs per packet and per participant: 720p30 at 1.5 Mbit/s (H.264 and VP8) with Opus.

Runs `wire/rtp` alone, in one process, on packets made beforehand: no sockets, no SRTP. Prints a table; `--json` for
data.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from struct import pack

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver

MS, SECOND = 1_000_000, 1_000_000_000
EPOCH = 1_760_000_000 * SECOND
FPS, BITRATE, MTU = 30, 1_500_000, 1180
VIDEO, RTX, AUDIO = 96, 97, 111
SPS = bytes.fromhex("6742c01fda014016e9b808080a000003000200000300791e3064e0")
PPS = bytes.fromhex("68ce3c80")


def parameters(codec: str) -> PeerParameters:
    """What Chromium agrees on."""
    video = (CodecParameters(VIDEO, codec), CodecParameters(RTX, "rtx", apt=VIDEO))
    tracks = (
        TrackParameters(TrackId("v"), Kind.VIDEO, video, mid="0"),
        TrackParameters(TrackId("a"), Kind.AUDIO, (CodecParameters(AUDIO, "opus", 48_000, 2),), mid="1"),
    )
    extensions = (
        (1, Extension.AUDIO_LEVEL),
        (2, Extension.SEND_TIME),
        (3, Extension.TRANSPORT_SEQUENCE),
        (4, Extension.MID),
    )
    return PeerParameters(1, "bench", tracks, extensions, transport_cc=True, reduced_size=True)


class Stream:
    """Makes packets as a browser does, with send time, transport-wide number and MID."""

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._random = random.Random(1)
        self._transport = self._video = self._audio = 0

    def packets(self, seconds: int) -> Iterator[tuple[int, bytes]]:
        """(time, packet) in order."""
        timed: list[tuple[int, bytes]] = []
        for frame in range(seconds * FPS):
            at = EPOCH + frame * SECOND // FPS
            for index, packet in enumerate(self._frame(frame)):
                timed.append((at + index * 2 * MS, packet))
        timed += [(EPOCH + n * 20 * MS + 1, self._sound(n)) for n in range(seconds * 50)]
        timed.sort(key=lambda each: each[0])
        for number, (at, packet) in enumerate(timed):
            yield at, packet[:18] + pack("!BH", 0x31, number & 0xFFFF) + packet[21:]

    def _frame(self, number: int) -> list[bytes]:
        size = int(BITRATE / FPS / 8 * (0.7 + 0.6 * self._random.random()))
        payloads = self._h264(number, size) if self._codec == "h264" else self._vp8(number, size)
        packets = []
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1
            packets.append(self._packet(VIDEO | last << 7, self._video, number * 3000, 0x1111, payload))
            self._video += 1
        return packets

    def _h264(self, number: int, size: int) -> list[bytes]:
        kind = 5 if number % 3000 == 0 else 1
        pieces = [size // (size // MTU + 1)] * (size // MTU + 1)
        fragments = [
            bytes((0x7C, kind | (0x80 if i == 0 else 0) | (0x40 if i == len(pieces) - 1 else 0), 0x88)) + bytes(piece)
            for i, piece in enumerate(pieces)
        ]
        sets = b"\x78" + b"".join(pack("!H", len(nal)) + nal for nal in (SPS, PPS))
        return [sets, *fragments] if kind == 5 else fragments

    def _vp8(self, number: int, size: int) -> list[bytes]:
        key = number % 3000 == 0
        header = b"\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02" if key else b"\x01\x00\x00"
        data = header + bytes(size)
        descriptor = pack("!BBH", 0x90, 0x80, 0x8000 | number & 0x7FFF)
        rest = b"\x80" + descriptor[1:]
        return [(rest if at else descriptor) + data[at : at + MTU] for at in range(0, len(data), MTU)]

    def _sound(self, number: int) -> bytes:
        return self._packet(AUDIO, number, number * 960, 0x3333, bytes(80), level=True)

    def _packet(
        self, second: int, sequence: int, time_: int, ssrc: int, payload: bytes, *, level: bool = False
    ) -> bytes:
        head = pack("!BBHII", 0x90, second, sequence & 0xFFFF, time_ & 0xFFFFFFFF, ssrc)
        last = b"\x10\x9f" if level else b"\x00\x00"
        extension = b"\xbe\xde\x00\x03" + b"\x00\x00\x31\x00\x00" + b"\x22\x01\x02\x03" + b"\x00" + last
        return head + extension + payload


def measure(codec: str, loss: float, seconds: int) -> dict[str, float | str]:
    """CPU of one participant."""
    lose = random.Random(2)
    packets = [each for each in Stream(codec).packets(seconds) if lose.random() >= loss]
    peer = PeerReceiver(parameters(codec), EPOCH)
    frames = datagrams = 0
    begin = time.process_time_ns()
    for now, data in packets:
        peer.receive_rtp(data, now)
        frames += len(peer.frames(now))
        datagrams += len(peer.rtcp_to_send(now))
        peer.next_wake()
    used = time.process_time_ns() - begin
    return {
        "codec": codec,
        "loss": loss,
        "us_per_packet": used / 1000 / len(packets),
        "core_per_participant": used / SECOND / seconds,
        "packets_per_second": len(packets) / seconds,
        "frames_per_second": frames / seconds,
        "rtcp_per_second": datagrams / seconds,
    }


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=120, help="of media per case")
    arguments.add_argument("--json", metavar="FILE")
    options = arguments.parse_args()
    rows = [measure(codec, loss, options.seconds) for codec in ("h264", "vp8") for loss in (0.0, 0.0, 0.02)][:]
    print("codec   loss  us/packet  core/participant  packets/s  frames/s  rtcp/s")
    for row in rows:
        print(
            f"{row['codec']:6} {row['loss']:5} {row['us_per_packet']:9.2f} {row['core_per_participant']:17.5f}"
            f" {row['packets_per_second']:10.0f} {row['frames_per_second']:9.1f} {row['rtcp_per_second']:7.1f}"
        )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)


if __name__ == "__main__":
    main()
