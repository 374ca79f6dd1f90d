"""What the RTP receive path costs per packet and per participant: 720p30 at 1.5 Mbit/s (H.264, VP8) with Opus.

Runs `wire/rtp` alone, in one process, on packets made beforehand: no sockets, no SRTP. Lost packets are sent again when
they are asked for, as RTX. Prints a table; `--json` for data.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import deque
from pathlib import Path
from struct import pack

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp import rtcp
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver

MS, SECOND = 1_000_000, 1_000_000_000
EPOCH = 1_760_000_000 * SECOND
FPS, BITRATE, MTU = 30, 1_500_000, 1180
ROUND_TRIP = 20 * MS
SLICE = 10 * MS
VIDEO, RTX, AUDIO = 96, 97, 111
VIDEO_SSRC, AUDIO_SSRC, RTX_SSRC = 0x1111, 0x3333, 0x2222
KEY_EVERY = 3000
HEADER = 28  # with extensions
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


class Sender:
    """Makes packets as a browser does: with room for a transport-wide number, with send time and audio level."""

    def __init__(self, codec: str) -> None:
        self._payloads = self._h264 if codec == "h264" else self._vp8
        self._random = random.Random(1)
        self._video = self._rtx = 0

    def packets(self, seconds: int) -> list[tuple[int, bytes]]:
        """(time, packet) in order."""
        sounds = [(EPOCH + n * 20 * MS + 1, n) for n in range(seconds * 50)]
        frames = [(EPOCH + n * SECOND // FPS, -1 - n) for n in range(seconds * FPS)]
        timed: list[tuple[int, bytes]] = []
        for at, number in sorted(sounds + frames):
            if number >= 0:
                timed.append((at, self._packet(AUDIO, number, number * 960, AUDIO_SSRC, bytes(80))))
            else:
                timed += self._frame(-1 - number, at)
        return timed

    def again(self, packet: bytes) -> bytes:
        """The same packet as RTX."""
        self._rtx += 1
        sequence, stamp = packet[2:4], int.from_bytes(packet[4:8])
        return self._packet(packet[1] & 0x80 | RTX, self._rtx, stamp, RTX_SSRC, sequence + packet[HEADER:])

    def _frame(self, number: int, at: int) -> list[tuple[int, bytes]]:
        size = int(BITRATE / FPS / 8 * (0.7 + 0.6 * self._random.random()))
        timed = []
        payloads = self._payloads(number, size)
        for index, payload in enumerate(payloads):
            second = VIDEO | (0x80 if index == len(payloads) - 1 else 0)
            timed.append((at + index * MS, self._packet(second, self._video, number * 3000, VIDEO_SSRC, payload)))
            self._video += 1
        return timed

    def _h264(self, number: int, size: int) -> list[bytes]:
        kind = 5 if number % KEY_EVERY == 0 else 1
        count = size // MTU + 1
        flags = [0x80, *[0] * (count - 2), 0x40] if count > 1 else [0xC0]
        fragments = [bytes((0x7C, kind | flag, 0x88)) + bytes(size // count) for flag in flags]
        sets = b"\x78" + b"".join(pack("!H", len(nal)) + nal for nal in (SPS, PPS))
        return [sets, *fragments] if kind == 5 else fragments

    def _vp8(self, number: int, size: int) -> list[bytes]:
        header = b"\x01\x00\x00" if number % KEY_EVERY else b"\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02"
        data = header + bytes(size)
        descriptor = pack("!BH", 0x80, 0x8000 | number & 0x7FFF)
        return [(b"\x80" if at else b"\x90") + descriptor + data[at : at + MTU] for at in range(0, len(data), MTU)]

    def _packet(self, second: int, sequence: int, stamp: int, ssrc: int, payload: bytes) -> bytes:
        head = pack("!BBHII", 0x90, second, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
        extensions = pack("!HHBHBBHBB", 0xBEDE, 3, 0x31, 0, 0x22, 0, 0, 0x10, 0x9F)
        return head + extensions + bytes(3) + payload


class Case:
    """One participant on one network."""

    def __init__(self, codec: str, loss: float) -> None:
        self.codec, self.loss = codec, loss
        self._sender = Sender(codec)
        self._peer = PeerReceiver(parameters(codec), EPOCH)
        self._history: dict[int, bytes] = {}
        self._again: deque[tuple[int, bytes]] = deque()
        self._chance = random.Random(2).random
        self._transport = self._received = self._frames = self._datagrams = 0

    def run(self, seconds: int) -> dict[str, float | str]:
        """The figures, CPU time of the receiver only."""
        packets = deque(self._sender.packets(seconds))
        used = 0
        while packets:
            slice_, sent = self._slice(packets), []
            begin = time.process_time_ns()
            for now, data in slice_:
                self._receive(now, data, sent)
            used += time.process_time_ns() - begin
            self._answer(sent)
        return {
            "codec": self.codec,
            "loss": self.loss,
            "us_per_packet": used / 1000 / self._received,
            "core_per_participant": used / SECOND / seconds,
            "packets_per_second": self._received / seconds,
            "frames_per_second": self._frames / seconds,
            "rtcp_per_second": self._datagrams / seconds,
        }

    def _slice(self, packets: deque[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """What arrives in the next SLICE, numbered in the order in which it was sent."""
        end = packets[0][0] + SLICE
        slice_ = []
        while packets and packets[0][0] < end:
            slice_.append(packets.popleft())
        while self._again and self._again[0][0] < end:
            slice_.append(self._again.popleft())
        return [(at, data) for at, data in map(self._numbered, sorted(slice_)) if self._chance() >= self.loss]

    def _numbered(self, timed: tuple[int, bytes]) -> tuple[int, bytes]:
        at, data = timed
        self._transport += 1
        data = data[:17] + (self._transport & 0xFFFF).to_bytes(2) + data[19:]
        if self.loss and data[8:12] == VIDEO_SSRC.to_bytes(4):
            self._history[int.from_bytes(data[2:4])] = data
        return at, data

    def _receive(self, now: int, data: bytes, sent: list[tuple[int, bytes]]) -> None:
        peer = self._peer
        peer.receive_rtp(data, now)
        self._received += 1
        self._frames += len(peer.frames(now))
        sent.extend((now, datagram) for datagram in peer.rtcp_to_send(now))
        peer.next_wake()

    def _answer(self, sent: list[tuple[int, bytes]]) -> None:
        self._datagrams += len(sent)
        for now, datagram in sent:
            for message in rtcp.parse(datagram)[0]:
                if isinstance(message, rtcp.Nack):
                    packets = [self._sender.again(self._history[sequence]) for sequence in message.sequences]
                    self._again += [(now + ROUND_TRIP, packet) for packet in packets]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="of media per case")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rows = [Case(codec, loss).run(options.seconds) for codec in ("h264", "vp8") for loss in (0.0, 0.02, 0.05)]
    print("codec   loss  us/packet  core/participant  packets/s  frames/s  rtcp/s")
    for row in rows:
        print(
            f"{row['codec']:6} {row['loss']:5} {row['us_per_packet']:10.2f} {row['core_per_participant']:17.5f}"
            f" {row['packets_per_second']:10.0f} {row['frames_per_second']:9.1f} {row['rtcp_per_second']:7.1f}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
