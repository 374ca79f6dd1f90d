"""One m-line: its streams in, its `EncodedFrame`s out. Knows no other tracks and no RTCP bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from openmpu.model.frames import EncodedFrame, ToldColour
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp.alarm import NEVER
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.depacketise.picture import Picture
from openmpu.wire.rtp.figures import Rate
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.parameters import TrackParameters
from openmpu.wire.rtp.path import Path
from openmpu.wire.rtp.simulcast import LayerSwitch
from openmpu.wire.rtp.streams import AudioStream, RtxStream, VideoStream

MediaStream = AudioStream | VideoStream
Output = tuple[TrackId, EncodedFrame]


class TrackReceiver(ABC):
    """What sound and video have in common.

    Attributes:
        parameters: What was negotiated.
        counts: What happened to it so far.
        rtx: Streams that carry this track's packets again.
        fps: Frames handed out per second, lately.
        payload_rate: Bytes of payload received per second, lately.
    """

    __slots__ = ("_out", "_past", "_path", "counts", "fps", "parameters", "payload_rate", "rtx")

    def __init__(self, parameters: TrackParameters, path: Path, out: list[Output], now: int) -> None:
        self.parameters = parameters
        self._path, self._out = path, out
        self._past = [0, 0]
        self.counts = Counts()
        self.rtx: list[RtxStream] = []
        self.fps, self.payload_rate = Rate(now), Rate(now)

    @property
    @abstractmethod
    def streams(self) -> Sequence[MediaStream]:
        """The SSRCs that carry its media now: one, or one per simulcast layer."""

    @property
    @abstractmethod
    def current(self) -> MediaStream | None:
        """The one that is handed out, None before the first packet."""

    @property
    @abstractmethod
    def wake(self) -> int:
        """When `tick` has something to do."""

    @abstractmethod
    def tick(self, now: int) -> None:
        """Give up what was waited for long enough."""

    @abstractmethod
    def open(self, ssrc: int, rid: str | None, now: int) -> MediaStream:
        """A new SSRC carries its media (the layer `rid`); it takes the place of the one before."""

    @property
    def _all(self) -> list[MediaStream | RtxStream]:
        return [*self.streams, *self.rtx]

    @property
    def received(self) -> int:
        """Packets of all its SSRCs, past ones too."""
        return self._past[0] + sum(each.statistics.received for each in self._all)

    @property
    def lost(self) -> int:
        """Packets of its media that did not come by themselves."""
        return self._past[1] + sum(each.statistics.lost for each in self.streams)

    def retire(self, stream: MediaStream | RtxStream) -> None:
        """An SSRC is over; its totals stay."""
        self._past[0] += stream.statistics.received
        if isinstance(stream, RtxStream):
            self.rtx.remove(stream)
            return
        self._past[1] += stream.statistics.lost
        if isinstance(stream, VideoStream):
            self.counts.asked += stream.nacks.asked
            self.counts.repaired += stream.nacks.repaired
            self.counts.requests += stream.keys.sent

    def look(self, now: int) -> None:
        """Measure rates; about once a second."""
        self.fps.look(self.counts.frames, now)
        self.payload_rate.look(sum(each.statistics.bytes for each in self._all), now)


class AudioTrack(TrackReceiver):
    """Sound of one m-line.

    Attributes:
        level: Audio level of the last packet, None where not told.
    """

    __slots__ = ("_stream", "level")

    def __init__(self, parameters: TrackParameters, path: Path, out: list[Output], now: int) -> None:
        super().__init__(parameters, path, out, now)
        self._stream: AudioStream | None = None
        self.level: int | None = None

    @property
    def streams(self) -> Sequence[AudioStream]:  # noqa: D102
        return () if self._stream is None else (self._stream,)

    @property
    def current(self) -> AudioStream | None:  # noqa: D102
        return self._stream

    @property
    def wake(self) -> int:  # noqa: D102
        return NEVER if self._stream is None else self._stream.buffer.wake

    def tick(self, now: int) -> None:  # noqa: D102
        if self._stream is not None:
            self._stream.buffer.tick(now)

    def open(self, ssrc: int, rid: str | None, now: int) -> AudioStream:  # noqa: ARG002, D102
        if self._stream is not None:
            super().retire(self._stream)
        self._stream = AudioStream(ssrc, self.parameters, self._path, self.counts, now, self._hand_out)
        return self._stream

    def retire(self, stream: MediaStream | RtxStream) -> None:  # noqa: D102
        super().retire(stream)
        if stream is self._stream:
            self._stream = None

    def _hand_out(self, stream: AudioStream, packet: RtpPacket, lost: int) -> None:
        self.counts.frames += 1
        self.level = packet.level
        ntp = stream.clock.ntp_of(packet.timestamp, packet.arrival)
        data = packet.data[packet.start : packet.end]
        frame = EncodedFrame(packet.timestamp, packet.arrival, data, True, ntp, packet.level, lost)
        self._out.append((self.parameters.track_id, frame))


class VideoTrack(TrackReceiver):
    """Video of one m-line, with or without simulcast.

    Attributes:
        layers: Chooses the layer; without simulcast there is just one.
        bitrate: Bits per second that the readers need at most, None where nobody said.
    """

    __slots__ = ("_colour", "_rotation", "bitrate", "layers")

    def __init__(self, parameters: TrackParameters, path: Path, out: list[Output], now: int) -> None:
        super().__init__(parameters, path, out, now)
        self.layers = LayerSwitch(parameters.rids)
        self.bitrate: int | None = None
        self._rotation = 0
        self._colour: ToldColour | None = None

    @property
    def streams(self) -> Sequence[VideoStream]:  # noqa: D102
        return self.layers.layers

    @property
    def current(self) -> VideoStream | None:  # noqa: D102
        return self.layers.current or self.layers.target

    @property
    def wake(self) -> int:  # noqa: D102
        return min((layer.buffer.wake for layer in self.layers.layers if layer.buffer is not None), default=NEVER)

    def tick(self, now: int) -> None:  # noqa: D102
        for layer in tuple(self.layers.layers):
            if layer.buffer is not None:
                layer.buffer.tick(now)

    def open(self, ssrc: int, rid: str | None, now: int) -> VideoStream:  # noqa: D102
        for old in self.layers.layers:
            if old.rid == rid:
                super().retire(old)
        stream = VideoStream(ssrc, self.parameters, self._path, self.counts, now, self._hand_out, rid)
        self.layers.add(stream, now)
        return stream

    def retire(self, stream: MediaStream | RtxStream) -> None:  # noqa: D102
        super().retire(stream)
        if isinstance(stream, VideoStream):
            self.layers.remove(stream)

    def look(self, now: int) -> None:  # noqa: D102
        super().look(now)
        self.layers.choose(now)

    def want_key_frame(self, now: int) -> None:
        """Ask the sender for a key frame of the layer that is, or will be, handed out."""
        layer = self.layers.target
        if layer is not None:
            layer.keys.want(now)

    def _hand_out(self, stream: VideoStream, packets: Sequence[RtpPacket], picture: Picture, lost: int) -> None:
        last = packets[-1]
        arrival = max([packet.arrival for packet in packets])
        ntp = stream.clock.ntp_of(last.timestamp, arrival)
        rtp_time = self.layers.admit(stream, last.timestamp, arrival, ntp, key=picture.key)
        if rtp_time is None:
            return
        self._look_at(last)
        self.counts.frames += 1
        self.counts.key_frames += picture.key
        frame = EncodedFrame(
            rtp_time, arrival, picture.data, picture.key, ntp, None, lost, self._rotation, self._colour
        )
        self._out.append((self.parameters.track_id, frame))

    def _look_at(self, last: RtpPacket) -> None:
        """What is told with the last packet of a picture holds until it is told otherwise."""
        if last.extras is None:
            return
        if last.extras.rotation is not None:
            self._rotation = last.extras.rotation
        if last.extras.colour is not None:
            self._colour = last.extras.colour


def new_track(parameters: TrackParameters, path: Path, out: list[Output], now: int) -> AudioTrack | VideoTrack:
    """The receiver for that m-line."""
    kind = AudioTrack if parameters.kind is Kind.AUDIO else VideoTrack
    return kind(parameters, path, out, now)
