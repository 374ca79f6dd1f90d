"""A simulated WebRTC sender and the network between it and a `PeerReceiver`, in simulated time.

Frames carry their number, the number of the frame they refer to and a checksum, so that whoever takes them out at the far
end can tell whether one is broken, out of order, or stands on one that is missing.
"""

from __future__ import annotations

import heapq
import itertools
import random
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct, pack, unpack_from

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.timing.playout import PlayoutDelay
from openmpu.wire.rtp import rtcp, rtcp_writing
from openmpu.wire.rtp.clock import to_ntp
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver

MS = 1_000_000
SECOND = 1_000_000_000
EPOCH = 1_760_000_000 * SECOND
VIDEO, AUDIO = TrackId("video"), TrackId("audio")
VIDEO_SSRC, RTX_SSRC, AUDIO_SSRC = 0x1111, 0x2222, 0x3333
VP8, RTX, OPUS, RED = 96, 97, 111, 63
MTU = 1180
_EXTENSIONS = Struct("!HHBHBB")
_HEADER = Struct("!BBHII")
_MARK = Struct("!III")
_FILLER = bytes(range(256)) * 8


def peer_parameters(*, rtx: bool = True, transport_cc: bool = True, red: bool = False, remb: bool = True):
    """What a browser that sends camera and microphone agrees on with us."""
    video = [CodecParameters(VP8, "vp8")] + ([CodecParameters(RTX, "rtx", apt=VP8)] if rtx else [])
    audio = [CodecParameters(OPUS, "opus", 48_000, 2)] + ([CodecParameters(RED, "red", 48_000, 2)] if red else [])
    extensions = ((1, Extension.AUDIO_LEVEL), (3, Extension.TRANSPORT_SEQUENCE), (4, Extension.MID))
    return PeerParameters(
        ssrc=1,
        cname="us",
        tracks=(
            TrackParameters(VIDEO, Kind.VIDEO, tuple(video), mid="0"),
            TrackParameters(AUDIO, Kind.AUDIO, tuple(audio), mid="1"),
        ),
        extensions=extensions,
        transport_cc=transport_cc,
        remb=remb,
        reduced_size=True,
    )


@dataclass
class Link:
    """One direction of a network.

    Attributes:
        loss: Share of packets lost, each by itself.
        burst: Share of packets lost in bursts of `burst_length`.
        delay: Of every packet.
        jitter: At most this much on top, evenly spread; packets overtake each other.
        duplicates: Share of packets that come twice.
        bandwidth: Bits per second, None without a limit; `queue` is how much time may wait.
    """

    loss: float = 0.0
    burst: float = 0.0
    burst_length: int = 5
    delay: int = 10 * MS
    jitter: int = 0
    duplicates: float = 0.0
    bandwidth: int | None = None
    queue: int = 300 * MS
    seed: int = 1
    _bursting: int = 0
    _free_at: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def arrivals(self, size: int, now: int) -> list[int]:
        """When a datagram sent now arrives: never, once or twice."""
        chance = self._random.random
        if self._bursting:
            self._bursting -= 1
            return []
        if self.burst and chance() < self.burst / self.burst_length:
            self._bursting = self.burst_length - 1
            return []
        if self.loss and chance() < self.loss:
            return []
        at = now + self.delay
        if self.bandwidth:
            self._free_at = max(self._free_at, now) + size * 8 * SECOND // self.bandwidth
            if self._free_at - now > self.queue:
                self._free_at -= size * 8 * SECOND // self.bandwidth
                return []
            at += self._free_at - now
        times = [at, at] if self.duplicates and chance() < self.duplicates else [at]
        return [time + int(chance() * self.jitter) for time in times] if self.jitter else times


def video_frame(number: int, refers_to: int, size: int, *, key: bool) -> bytes:
    """A VP8 frame by its header, with marks and a checksum inside."""
    header = b"\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02" if key else b"\x01\x00\x00"
    start = number % 256
    filler = (_FILLER[start:] * (size // 1024 + 1))[:size]
    body = header + _MARK.pack(number, refers_to & 0xFFFFFFFF, size) + filler
    return body + pack("!I", zlib.crc32(body))


@dataclass
class ShownFrame:
    """One frame as it was handed out; `arrival` is that of its last packet."""

    number: int
    at: int
    key: bool
    lost: int
    sent_at: int
    arrival: int


@dataclass
class Heard:
    """One packet of sound as it was handed out."""

    number: int
    at: int
    lost: int
    sent_at: int


class Sender:
    """Sends synthetic VP8 and Opus, answers NACK with RTX, PLI with a key frame, RRTR with DLRR."""

    def __init__(self, *, fps: int = 30, bitrate: int = 1_400_000, seed: int = 7, rtx: bool = True) -> None:
        self._random = random.Random(seed)
        self.fps, self.bitrate, self.rtx = fps, bitrate, rtx
        self.most_bitrate = bitrate
        self.resent_rate = self._resent = 0
        self.limits: list[tuple[int, int]] = []
        self.audio = True
        self.video = True
        self.sound_length = 20 * MS
        self.video_ssrc, self.audio_ssrc = VIDEO_SSRC, AUDIO_SSRC
        self.video_sequence, self.audio_sequence, self.rtx_sequence = 65_000, 65_300, 65_400
        self.video_time, self.audio_time = 0xFFFF0000, 0xFFFFF000
        self.transport_sequence = 65_100
        self.frames = self.sounds = 0
        self.key_wanted = True
        self.history: dict[int, tuple[bytes, int]] = {}
        self._order: deque[int] = deque()
        self.plis = self.nacked = 0
        self.sent = {"video": 0, "audio": 0, "rtx": 0}
        self.resend_guard = 5 * MS
        self.ntp_lie = 0
        self.red = 0
        self._past_sounds: deque[tuple[int, bytes]] = deque(maxlen=2)
        self.mid = False

    def _packet(self, payload_type: int, marker: bool, sequence: int, time: int, ssrc: int, payload: bytes, mid: str):
        level = 0x1F if ssrc == self.audio_ssrc else 0
        extension = _EXTENSIONS.pack(0xBEDE, 2, 0x31, 0, 0x40, ord(mid)) + bytes((0x10, level, 0))
        second = payload_type | (0x80 if marker else 0)
        return _HEADER.pack(0x90, second, sequence & 0xFFFF, time & 0xFFFFFFFF, ssrc) + extension + payload

    def numbered(self, packet: bytes) -> bytes:
        """The packet with its transport-wide number, as it leaves."""
        self.transport_sequence = (self.transport_sequence + 1) & 0xFFFF
        at = _HEADER.size + 5
        return packet[:at] + pack("!H", self.transport_sequence) + packet[at + 2 :]

    def video_packets(self, now: int) -> list[bytes]:
        """The packets of the next frame."""
        key, self.key_wanted = self.key_wanted, False
        base = max(100_000, self.bitrate - self.resent_rate) // self.fps // 8
        size = int(base * (8 if key else 0.6 + 0.7 * self._random.random()))
        data = video_frame(self.frames, self.frames - (not key), size, key=key)
        self.frames += 1
        self.video_time += 90_000 // self.fps
        chunks = [data[at : at + MTU] for at in range(0, len(data), MTU)]
        packets = []
        for index, chunk in enumerate(chunks):
            payload = (b"\x10" if index == 0 else b"\x00") + chunk
            packet = self._packet(
                VP8, index == len(chunks) - 1, self.video_sequence, self.video_time, self.video_ssrc, payload, "0"
            )
            self._remember(self.video_sequence & 0xFFFF, packet)
            self.video_sequence += 1
            packets.append(packet)
        self.sent["video"] += len(packets)
        return packets

    def _remember(self, sequence: int, packet: bytes) -> None:
        self.history[sequence] = (packet, -SECOND)
        self._order.append(sequence)
        if len(self._order) > 1000:
            self.history.pop(self._order.popleft(), None)

    def audio_packet(self, now: int) -> bytes:
        """The next `sound_length` of sound."""
        body = _MARK.pack(self.sounds, 0, 0) + _FILLER[:68]
        data = body + pack("!I", zlib.crc32(body))
        self.audio_time += 48 * self.sound_length // MS
        payload, payload_type = data, OPUS
        if self.red:
            payload, payload_type = self._red(data), RED
        packet = self._packet(
            payload_type, self.sounds == 0, self.audio_sequence, self.audio_time, self.audio_ssrc, payload, "1"
        )
        self._past_sounds.append((self.audio_time, data))
        self.sounds += 1
        self.audio_sequence += 1
        self.sent["audio"] += 1
        return packet

    def _red(self, data: bytes) -> bytes:
        past = list(self._past_sounds)[-self.red :]
        heads = b"".join(
            bytes((0x80 | OPUS,)) + ((self.audio_time - time) << 10 | len(old)).to_bytes(3) for time, old in past
        )
        return heads + bytes((OPUS,)) + b"".join(old for _, old in past) + data

    def reports(self, now: int) -> list[bytes]:
        """Sender reports of both. What is sent again is taken off the encoder's share, as browsers do."""
        self.resent_rate, self._resent = self._resent * 8, 0
        reports = []
        for ssrc, time in ((self.video_ssrc, self.video_time), (self.audio_ssrc, self.audio_time)):
            ntp = to_ntp(now + self.ntp_lie)
            reports.append(rtcp_writing.build_sender_report(rtcp.SenderReport(ssrc, ntp, time & 0xFFFFFFFF, 1, 1)))
        return reports

    def receive(self, data: bytes, now: int) -> list[bytes]:
        """RTCP came; what is sent because of it."""
        answers: list[bytes] = []
        for at in range(len(data) - 19):  # our reference time, which rtcp.parse passes over
            if data[at : at + 4] == b"\x80\xcf\x00\x04" and data[at + 8] == 4:
                ssrc, middle = unpack_from("!I", data, at + 4)[0], unpack_from("!I", data, at + 14)[0]
                answers.append(rtcp_writing.build_delay_since_report(9, [rtcp.DelaySinceReport(ssrc, middle, 0)]))
        for message in rtcp.parse(data)[0]:
            if isinstance(message, rtcp.Nack):
                answers += self._resend(message, now)
            elif isinstance(message, rtcp.PictureLoss | rtcp.FullIntra):
                self.plis += 1
                self.key_wanted = True
            elif isinstance(message, rtcp.BitrateLimit):
                self.limits.append((now, message.bits_per_second))
                self.bitrate = min(self.most_bitrate, max(100_000, message.bits_per_second - 60_000))
        return answers

    def _resend(self, nack: rtcp.Nack, now: int) -> list[bytes]:
        packets = []
        for sequence in nack.sequences:
            self.nacked += 1
            packet, sent_at = self.history.get(sequence, (None, 0))
            if packet is None or now - sent_at < self.resend_guard:
                continue
            self.history[sequence] = (packet, now)
            packets.append(self._wrapped(packet, sequence) if self.rtx else packet)
        self.sent["rtx"] += len(packets)
        self._resent += sum(map(len, packets))
        return packets

    def _wrapped(self, packet: bytes, sequence: int) -> bytes:
        _, second, _, time, _ = _HEADER.unpack_from(packet)
        payload = sequence.to_bytes(2) + packet[_HEADER.size + 12 :]
        self.rtx_sequence += 1
        return self._packet(RTX, second > 127, self.rtx_sequence, time, RTX_SSRC, payload, "0")


class Call:
    """A sender, two links and a receiver; `run` moves simulated time."""

    def __init__(
        self,
        up: Link | None = None,
        down: Link | None = None,
        sender: Sender | None = None,
        parameters: PeerParameters | None = None,
    ) -> None:
        self.up, self.down = up or Link(), down or Link(seed=2)
        self.sender = sender or Sender()
        self.now = EPOCH
        self.parameters = parameters or peer_parameters(rtx=self.sender.rtx)
        self.peer = PeerReceiver(self.parameters, self.now)
        self.shown: list[ShownFrame] = []
        self.heard: list[Heard] = []
        self.broken: list[int] = []
        self.rtcp_bytes = 0
        self.rtcp_datagrams: list[tuple[int, bytes]] = []
        self.keep_rtcp = False
        self.sent_at: dict[int, int] = {}
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._paced_at = 0
        self.on_packet: Callable[[bytes], bytes | None] = lambda data: data
        self._at(self.now, self._video_tick)
        self._at(self.now + 3 * MS, self._audio_tick)
        self._at(self.now + 400 * MS, self._report_tick)

    def _at(self, when: int, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what))

    def _video_tick(self) -> None:
        interval = SECOND // self.sender.fps
        self._at(self.now + interval, self._video_tick)
        if not self.sender.video:
            return
        self.sent_at[self.sender.frames] = self.now
        packets = self.sender.video_packets(self.now)
        for packet in packets:  # paced at three times the rate, in order
            at = max(self.now, self._paced_at)
            self._paced_at = at + SECOND * len(packet) * 8 // (3 * self.sender.bitrate)
            self._at(at, lambda packet=packet: self._send(packet))

    def _audio_tick(self) -> None:
        self._at(self.now + self.sender.sound_length, self._audio_tick)
        if self.sender.audio:
            self._send(self.sender.audio_packet(self.now))

    def _report_tick(self) -> None:
        self._at(self.now + SECOND, self._report_tick)
        for report in self.sender.reports(self.now):
            self._send_rtcp(report)

    def _send(self, packet: bytes) -> None:
        changed = self.on_packet(self.sender.numbered(packet))
        if changed is not None:
            for at in self.up.arrivals(len(changed), self.now):
                self._at(at, lambda: self.receive_rtp(changed))

    def _send_rtcp(self, data: bytes) -> None:
        for at in self.up.arrivals(len(data), self.now):
            self._at(at, lambda: self._receive_rtcp(data))

    def receive_rtp(self, data: bytes) -> None:
        """A packet reaches the receiver."""
        self.peer.receive_rtp(data, self.now)

    def _receive_rtcp(self, data: bytes) -> None:
        self.peer.receive_rtcp(data, self.now)

    def _feed_back(self, data: bytes) -> None:
        for answer in self.sender.receive(data, self.now):
            (self._send_rtcp if 192 <= answer[1] <= 223 else self._send)(answer)

    def _poll(self) -> None:
        now = self.now
        for track, frame in self.peer.frames(now):
            (self._show if track == VIDEO else self._hear)(frame)
        for datagram in self.peer.rtcp_to_send(now):
            self.rtcp_bytes += len(datagram)
            if self.keep_rtcp:
                self.rtcp_datagrams.append((now, datagram))
            for at in self.down.arrivals(len(datagram), now):
                self._at(at, lambda datagram=datagram: self._feed_back(datagram))

    def _show(self, frame) -> None:
        data = frame.data
        header = 3 if data[0] & 1 else 10
        number, refers_to, _ = _MARK.unpack_from(data, header)
        last = self.shown[-1].number if self.shown else -1
        whole = zlib.crc32(data[:-4]) == int.from_bytes(data[-4:])
        if not whole or number <= last or (refers_to != last and not frame.key) or frame.key != (header == 10):
            self.broken.append(number)
        self.shown.append(
            ShownFrame(number, self.now, frame.key, frame.lost, self.sent_at.get(number, 0), frame.arrival)
        )

    def _hear(self, frame) -> None:
        number = _MARK.unpack_from(frame.data)[0]
        last = self.heard[-1].number if self.heard else number - 1 - frame.lost
        if zlib.crc32(frame.data[:-4]) != int.from_bytes(frame.data[-4:]) or number != last + 1 + frame.lost:
            self.broken.append(-number)
        self.heard.append(Heard(number, self.now, frame.lost, EPOCH + 3 * MS + number * 20 * MS))

    def run(self, duration: int) -> Call:
        """Let `duration` pass."""
        end = self.now + duration
        while True:
            when = self._events[0][0]
            wake = self.peer.next_wake()
            if wake is not None and wake < when:
                when = max(wake, self.now)
                if when > end:
                    break
                self.now = when
            else:
                if when > end:
                    break
                self.now = when
                heapq.heappop(self._events)[2]()
            self._poll()
        self.now = end
        return self

    def video_gaps(self, skip: int = SECOND) -> list[int]:
        """Nanoseconds between one frame and the next, after the first `skip`."""
        times = [frame.at for frame in self.shown if frame.at >= EPOCH + skip]
        return [after - before for before, after in itertools.pairwise(times)]

    def shown_gaps(self, skip: int = SECOND) -> list[int]:
        """The same between showing one and the next, held as a worker holds them (`timing/playout.py`)."""
        delay, shown = PlayoutDelay(), []
        for frame in self.shown:
            due = frame.sent_at + self.up.delay
            held = delay.hear(frame.arrival - due, frame.at)
            shown.append(max(frame.at, due + held))
        late = [at for at in shown if at >= EPOCH + skip]
        return [after - before for before, after in itertools.pairwise(late)]

    def audio_gaps(self) -> list[int]:
        """Nanoseconds between one packet of sound and the next, without what the decoder was told to conceal."""
        pairs = zip(self.heard, self.heard[1:], strict=False)
        return [after.at - before.at - 20 * MS * after.lost for before, after in pairs]

    def video_delays(self) -> list[int]:
        """Nanoseconds from the capture of each frame to its being handed out, sorted."""
        return sorted(frame.at - frame.sent_at for frame in self.shown)

    def audio_delays(self) -> list[int]:
        """The same for sound, sorted."""
        return sorted(packet.at - packet.sent_at for packet in self.heard)

    def fps(self) -> float:
        """Frames handed out per second of the whole call."""
        return len(self.shown) * SECOND / (self.now - EPOCH)
