"""What belongs to one SSRC: its statistics, its clock, its jitter buffer. Sound, video, and video sent again (RTX).

Knows packets that were routed to it; no other SSRCs, no RTCP bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.audio import AudioBuffer
from openmpu.wire.rtp.clock import SenderClock
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.depacketise.choice import depacketiser_for
from openmpu.wire.rtp.depacketise.opus import Block, unpack_red
from openmpu.wire.rtp.depacketise.picture import Depacketiser, Picture
from openmpu.wire.rtp.key_frames import KeyFrameRequests
from openmpu.wire.rtp.nack import NackList
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.parameters import CodecParameters, TrackParameters
from openmpu.wire.rtp.path import Path
from openmpu.wire.rtp.statistics import StreamStatistics
from openmpu.wire.rtp.video import CAPACITY, VideoBuffer
from openmpu.wire.rtp.wrapping import sequence_step, time_step

OUTAGE = 500 * MS
OUTAGE_PACKETS = 128
"""More missing packets after a longer silence are not asked for: a heap of old pictures, when a key frame will do."""


class Stream:
    """One SSRC that carries media.

    Attributes:
        codec: Name of the codec in use, empty before the first packet.
    """

    __slots__ = ("clock", "codec", "counts", "ssrc", "statistics")

    def __init__(self, ssrc: int, clock_rate: int, counts: Counts, now: int) -> None:
        self.ssrc = ssrc
        self.counts = counts
        self.statistics = StreamStatistics(clock_rate, now)
        self.clock = SenderClock(clock_rate)
        self.codec = ""

    def sender_report(self, ntp: int, rtp_time: int, now: int, reference: int | None) -> None:
        """A sender report of this SSRC came; `reference` is the clock offset of another SSRC of the peer."""
        statistics = self.statistics
        if statistics.highest < 0:
            return
        statistics.sender_report(ntp, now)
        ahead = time_step(rtp_time, statistics.last_timestamp) * SECOND // statistics.clock_rate
        self.clock.report(ntp, rtp_time, statistics.last_arrival + ahead, reference)

    def read_capture_time(self, packet: RtpPacket) -> None:
        """Take what the packet's extras say about the clock."""
        extras = packet.extras
        if extras is not None and extras.capture_time is not None:
            self.clock.capture(packet.timestamp, extras.capture_time, extras.capture_offset)


AudioSink = Callable[["AudioStream", RtpPacket, int], None]


class AudioStream(Stream):
    """Opus of one SSRC, plain or in RED."""

    __slots__ = ("_names", "_sink", "buffer")

    def __init__(
        self, ssrc: int, track: TrackParameters, path: Path, counts: Counts, now: int, sink: AudioSink
    ) -> None:
        rate = next((codec.clock_rate for codec in track.codecs if codec.name == "opus"), 48_000)
        super().__init__(ssrc, rate, counts, now)
        self._names = {codec.payload_type: codec.name for codec in track.codecs}
        self._sink = sink
        self.buffer = AudioBuffer(path.alarm, counts, now, self._hand_out)

    def receive(self, packet: RtpPacket, now: int) -> None:
        """A packet of this SSRC came."""
        sequence = self.statistics.receive(packet)
        if sequence < 0:
            return
        packet.sequence = sequence
        if packet.extras is not None:
            self.read_capture_time(packet)
        name = self._names.get(packet.payload_type)
        if name == "opus":
            self.codec = name
            self.buffer.push(packet, now)
        elif name == "red" and packet.start < packet.end:
            self._receive_red(packet, now)
        else:
            self.counts.unknown += packet.start < packet.end
            self._pass_over(packet, now)

    def _receive_red(self, packet: RtpPacket, now: int) -> None:
        """The primary block takes the packet's place; older ones are the packets right before it (RFC 2198 3)."""
        blocks = [block for block in unpack_red(packet) if self._names.get(block.payload_type) == "opus"]
        if not blocks or blocks[-1].age:
            self.counts.unknown += 1
            self._pass_over(packet, now)
            return
        self.codec = "opus"
        for distance, block in zip(range(len(blocks) - 1, 0, -1), blocks[:-1], strict=True):
            if block.start < block.end:
                due = packet.arrival - block.age * SECOND // self.statistics.clock_rate
                self.buffer.recover(_restored(packet, block, distance), due)
        packet.start, packet.end = blocks[-1].start, blocks[-1].end
        self.buffer.push(packet, now)

    def _pass_over(self, packet: RtpPacket, now: int) -> None:
        """Padding, comfort noise, tones: not sound of ours, but not lost either."""
        packet.start = packet.end
        self.buffer.push(packet, now)

    def _hand_out(self, packet: RtpPacket, lost: int) -> None:
        self._sink(self, packet, lost)


def _restored(packet: RtpPacket, block: Block, distance: int) -> RtpPacket:
    """The packet that was sent `distance` before, out of its copy in a RED packet."""
    restored = RtpPacket(packet.data, packet.arrival, block.start, block.end)
    restored.sequence = packet.sequence - distance
    restored.timestamp = (packet.timestamp - block.age) & 0xFFFFFFFF
    return restored


VideoSink = Callable[["VideoStream", Sequence[RtpPacket], Picture, int], None]


class VideoStream(Stream):
    """Video of one SSRC: the track's only one, or one simulcast layer.

    Attributes:
        rid: Its layer, None without simulcast.
        active: Whether pictures are made of it; a layer that nobody looks at is only counted.
        keys: Key frames that are wanted.
        nacks: Packets that are missing.
        pli: Key frames are asked for by PLI; else by FIR.
    """

    __slots__ = (
        "_by_payload_type",
        "_depacketiser",
        "_path",
        "_payload_type",
        "_sink",
        "active",
        "buffer",
        "keys",
        "nacks",
        "pli",
        "rid",
    )

    def __init__(
        self,
        ssrc: int,
        track: TrackParameters,
        path: Path,
        counts: Counts,
        now: int,
        sink: VideoSink,
        rid: str | None = None,
    ) -> None:
        super().__init__(ssrc, 90_000, counts, now)
        self.rid = rid
        self._by_payload_type = {codec.payload_type: codec for codec in track.codecs}
        self._path, self._sink = path, sink
        self._payload_type = -1
        self._depacketiser: Depacketiser | None = None
        self.buffer: VideoBuffer | None = None
        self.keys = KeyFrameRequests(path.alarm)
        rtx = any(codec.name == "rtx" for codec in track.codecs)
        self.nacks = NackList(path.alarm, path.trip, path.reordering, enabled=track.nack, rtx=rtx)
        self.pli = track.pli
        self.active = rid is None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its last key frame, zeros while unknown."""
        return self._depacketiser.size if self._depacketiser is not None else (0, 0)

    def receive(self, packet: RtpPacket, now: int) -> None:
        """A packet of this SSRC came."""
        statistics = self.statistics
        fresh = packet.timestamp != statistics.last_timestamp
        before, silent_since = statistics.highest, statistics.last_arrival
        sequence = statistics.receive(packet)
        if sequence < 0:
            return
        packet.sequence = sequence
        if packet.extras is not None:
            self.read_capture_time(packet)
        if sequence - before > OUTAGE_PACKETS and now - silent_since > OUTAGE and self.buffer is not None:
            self.buffer.start_over(sequence, now)
        self._push(packet, now, fresh=fresh, repaired=False)

    def receive_repaired(self, packet: RtpPacket, now: int) -> None:
        """A packet of this SSRC was sent again by RTX and unwrapped; the statistics are of what came by itself."""
        highest = self.statistics.highest
        step = sequence_step(packet.sequence, highest)
        if highest < 0 or not -CAPACITY < step < CAPACITY:
            self.counts.unknown += 1
            return
        packet.sequence = highest + step
        self._push(packet, now, fresh=False, repaired=True)

    def _push(self, packet: RtpPacket, now: int, *, fresh: bool, repaired: bool) -> None:
        if packet.payload_type != self._payload_type and not self._switch(packet):
            return
        if self.buffer is not None:
            self.buffer.push(packet, now, repaired=repaired)
        elif fresh and self._depacketiser is not None and packet.start < packet.end:
            self._depacketiser.opening(packet)  # to know its size

    def _switch(self, packet: RtpPacket) -> bool:
        """The sender uses another codec from here on; False if it is none that we read."""
        codec = self._by_payload_type.get(packet.payload_type, CodecParameters(packet.payload_type, ""))
        depacketiser = depacketiser_for(codec)
        if depacketiser is None:
            self.counts.unknown += 1
            return False
        self._payload_type, self.codec, self._depacketiser = packet.payload_type, codec.name, depacketiser
        if self.active:
            self.activate()
        return True

    def activate(self) -> None:
        """Make pictures of it from the next key frame on."""
        self.active = True
        if self._depacketiser is not None:
            path = self._path
            self.buffer = VideoBuffer(
                self._depacketiser, self.nacks, self.keys, path.alarm, path.trip, self.counts, self._hand_out
            )

    def deactivate(self) -> None:
        """Only count from now on."""
        self.active = False
        self.buffer = None
        self.nacks.forget_below(self.statistics.highest + 1)
        self.keys.came()

    def _hand_out(self, packets: Sequence[RtpPacket], picture: Picture, lost: int) -> None:
        self._sink(self, packets, picture, lost)


class RtxStream:
    """Video sent again on an SSRC of its own (RFC 4588): the original number before the payload."""

    __slots__ = ("_apt", "_counts", "_media", "ssrc", "statistics")

    def __init__(
        self, ssrc: int, track: TrackParameters, media: Callable[[], VideoStream | None], counts: Counts, now: int
    ) -> None:
        self.ssrc = ssrc
        self.statistics = StreamStatistics(90_000, now)
        self._apt = {codec.payload_type: codec.apt for codec in track.codecs if codec.name == "rtx"}
        self._media, self._counts = media, counts

    def receive(self, packet: RtpPacket, now: int) -> None:
        """A packet of this SSRC came: unwrap it and give it to the stream it was lost from."""
        if self.statistics.receive(packet) < 0:
            return
        if packet.end - packet.start <= 2:
            return  # padding
        payload_type = self._apt.get(packet.payload_type)
        media = self._media()
        if payload_type is None or media is None:
            self._counts.unknown += 1
            return
        packet.sequence = packet.data[packet.start] << 8 | packet.data[packet.start + 1]
        packet.start += 2
        packet.payload_type = payload_type
        media.receive_repaired(packet, now)
