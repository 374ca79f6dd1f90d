"""The pictures of a relay: H.264 goes on bit for bit, in its time; other codecs are encoded anew at their own size.

A relay begins, and begins anew after a loss, with a key frame, which is asked for. Every key frame carries parameter
sets in band: those that the publisher sent last are put before it where it has none. Used by one thread, but for
`plan` and `sei`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import av
import structlog
from av.video.reformatter import ColorRange

from openmpu.errors import OpenMpuError
from openmpu.media.colour_space import ColourSpace
from openmpu.media.decoding.video import VideoDecoder
from openmpu.media.decoding.wish import KeyFrameWish
from openmpu.media.encoding.sei_messages import NOBODY, Seen, SeiMessages
from openmpu.media.encoding.video import VideoEncoder
from openmpu.media.figures import Figures
from openmpu.media.inputs.track_input import Incoming, TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.outputs import annexb, avc
from openmpu.media.outputs.sps import picture_size
from openmpu.media.packets import Packet
from openmpu.media.sound.mixer import Speaker
from openmpu.model.colours import Matrix
from openmpu.model.encoder import VideoProfile
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND, SECOND
from openmpu.wire.sei import Sounding

POLL: Final = 40 * MILLISECOND
"""The least that frames wait for their time: none is noticed too late. Being woken costs more than passing one on."""
SILENT: Final = SECOND
"""So long without a picture, and the relay shows nothing any more."""
LEAST_STEP: Final = MILLISECOND
GUESSED_FPS: Final = 30
BITS_PER_PIXEL: Final = 0.07
"""Of a transcoded picture: 720p30 gets 1.9 Mbit/s."""

_START: Final = b"\x00\x00\x00\x01"
_PROFILES: Final = {66: "baseline", 77: "main", 100: "high"}
_log = structlog.get_logger()


@dataclass(slots=True)
class RelayCounts:
    """What became of the frames. Passed over: before the first key frame, and after a loss up to the next one."""

    relayed: int = 0
    transcoded: int = 0
    passed_over: int = 0


class RelayPictures:
    """Used by the picture thread.

    Args:
        out: Takes the packets.
        want_key: Asks the relayed track's publisher for a key frame; any thread.
        sounding: How everybody sounds now, for SEI.
    """

    def __init__(
        self,
        out: Interleaver,
        want_key: Callable[[], None],
        sounding: Callable[[], Mapping[Speaker, Sounding]] = dict,
    ) -> None:
        self.counts = RelayCounts()
        self.sei = SeiMessages(sounding)
        self._seen: Seen = NOBODY
        self._out, self._want_key = out, want_key
        self._lock = threading.Lock()
        self._planned: tuple[TrackInput | None, Seen] | None = None
        self._source: TrackInput | None = None
        self._relay: _Untouched | _Transcoded | None = None
        self._wish = KeyFrameWish()
        self._dropped = 0
        self._last: int | None = None
        self._turned = False

    def plan(self, source: TrackInput | None, seen: Seen = NOBODY) -> None:
        """Which track to relay from now on, and what SEI says of its user; None: none. Any thread."""
        with self._lock:
            self._planned = (source, seen)

    def step(self, now: int) -> int:
        """Pass on what is due; when to look again."""
        self._adopt()
        if self._source is None or self._relay is None:
            self._out.reach(Kind.VIDEO, now)
            return now + POLL
        for incoming in self._source.due(now - self._source.group.delay):
            self._pass_on(self._relay, incoming, self._source.group.delay)
        self._out.reach(Kind.VIDEO, now)
        if self._relay.waits_for_key and self._wish.ask(now):
            self._want_key()
        coming = self._source.next_pts
        return now + POLL if coming is None else min(now + POLL, coming + self._source.group.delay)

    def figures(self) -> Figures:
        """Counts of frames."""
        counts = self.counts
        return {
            "relayed": counts.relayed,
            "transcoded": counts.transcoded,
            "passed_over": counts.passed_over,
            "waits_for_key": self._relay.waits_for_key if self._relay else None,
        }

    def untouched(self, now: int) -> tuple[int, int] | None:
        """Size of the pictures that go on as they come; None: there were none of late, or they must be turned."""
        relay, last = self._relay, self._last
        if not isinstance(relay, _Untouched) or relay.profile is None or last is None:
            return None
        fresh = now - last < SILENT and not self._turned
        return (relay.profile.width, relay.profile.height) if fresh else None

    def _adopt(self) -> None:
        if self._planned is None:
            return
        with self._lock:
            (source, self._seen), self._planned = self._planned, None
        if source is self._source:
            return
        self._source, self._relay = source, None
        if source is None:
            return
        self._wish, self._dropped = KeyFrameWish(), source.dropped
        try:
            self._relay = _Untouched() if source.track.codec == "h264" else _Transcoded(source.track.codec)
        except OpenMpuError as error:
            _log.warning("a track cannot be relayed", codec=source.track.codec, error=error.message)

    def _pass_on(self, relay: _Untouched | _Transcoded, incoming: Incoming, delay: int) -> None:
        assert self._source is not None  # noqa: S101 - the caller has it
        if self._source.dropped != self._dropped:
            self._dropped = self._source.dropped
            relay.waits_for_key = True
        pts = self._rising(incoming.pts + delay)
        packets = relay.packets(incoming, pts)
        if not packets:
            self.counts.passed_over += 1
            return
        self._out.set_video(relay.profile)
        self._last, self._turned = pts, incoming.frame.rotation != 0
        self._count(relay, incoming, pts)
        for packet in packets:
            self._out.put(self.sei.put_into(packet, "h264", self._seen))

    def _count(self, relay: _Untouched | _Transcoded, incoming: Incoming, pts: int) -> None:
        assert self._source is not None  # noqa: S101 - as above
        self._wish.fulfilled()
        self.counts.relayed += isinstance(relay, _Untouched)
        self.counts.transcoded += isinstance(relay, _Transcoded)
        captured = incoming.frame.ntp if incoming.frame.ntp is not None else incoming.pts
        self._source.group.note_seen(pts - captured, pts)

    def _rising(self, pts: int) -> int:
        """`pts`, or just after the last picture: time only rises."""
        last = self._last
        return self._out.after_last(Kind.VIDEO, pts) if last is None else max(pts, last + LEAST_STEP)


class _Untouched:
    """H.264 as it came."""

    def __init__(self) -> None:
        self.waits_for_key = True
        self.profile: VideoProfile | None = None
        self._sets: list[bytes] = []

    def packets(self, incoming: Incoming, pts: int) -> list[Packet]:
        """The frame as a packet, unless a key frame is waited for."""
        frame = incoming.frame
        if frame.key:
            return self._key(frame.data, pts)
        self.waits_for_key |= frame.lost > 0
        return [] if self.waits_for_key else [Packet(Kind.VIDEO, pts, frame.data, key=False)]

    def _key(self, data: bytes, pts: int) -> list[Packet]:
        sets = [nal for nal in annexb.units(data) if avc.unit_type(nal) in (avc.SPS, avc.PPS)]
        if not sets:
            data = b"".join((*(_START + nal for nal in self._sets), data))
        elif sets != self._sets and (profile := _profile_of(sets)):
            self._sets, self.profile = sets, profile
        self.waits_for_key = self.profile is None
        return [] if self.waits_for_key else [Packet(Kind.VIDEO, pts, data)]


class _Transcoded:
    """Any other codec, at its own size and rate."""

    def __init__(self, codec: str) -> None:
        self.profile: VideoProfile | None = None
        self._decoder = VideoDecoder(codec)
        self._encoder: VideoEncoder | None = None
        self._form: tuple[int, int, Matrix] | None = None

    @property
    def waits_for_key(self) -> bool:
        """Whether the decoder needs one."""
        return self._decoder.broken

    @waits_for_key.setter
    def waits_for_key(self, lost: bool) -> None:
        if lost:
            self._decoder.lose()

    def packets(self, incoming: Incoming, pts: int) -> list[Packet]:
        """The picture encoded anew."""
        picture = self._decoder.decode(incoming.frame)
        if picture is None:
            return []
        space = ColourSpace.of_flags(picture.colorspace, picture.color_range, picture.format.name)
        picture = _limited(picture, space)
        form = (picture.width, picture.height, space.matrix)
        if self._encoder is None or form != self._form:
            self._form = form
            self.profile = _guessed(picture.width, picture.height)
            self._encoder = VideoEncoder(self.profile, space.matrix)
        return self._encoder.encode(picture, pts, key=incoming.frame.key)


def _limited(picture: av.VideoFrame, space: ColourSpace) -> av.VideoFrame:
    """4:2:0 of even sides in limited range, which every player takes; the matrix stays, and is told in the stream."""
    source = ColorRange.JPEG if space.full_range else ColorRange.MPEG
    width, height = picture.width & ~1, picture.height & ~1
    return picture.reformat(width, height, "yuv420p", src_color_range=source, dst_color_range=ColorRange.MPEG)


def _profile_of(sets: list[bytes]) -> VideoProfile | None:
    """What the pictures are; None where their parameter sets cannot be read."""
    sps = next((nal for nal in sets if avc.unit_type(nal) == avc.SPS), b"")
    size = picture_size(sps)
    return replace(_guessed(*size), profile=_PROFILES.get(sps[1], "high")) if size else None


def _guessed(width: int, height: int) -> VideoProfile:
    bitrate = round(width * height * GUESSED_FPS * BITS_PER_PIXEL / 1000)
    return VideoProfile(width, height, GUESSED_FPS, max(100, bitrate), 2 * GUESSED_FPS)
