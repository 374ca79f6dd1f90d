"""What is told about one track: a frozen value, and the rates that are measured for it once a second."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.wire.rtp.alarm import SECOND


@dataclass(frozen=True, slots=True)
class TrackStatistics:
    """How a track is doing.

    Attributes:
        codec: In use now, empty before the first packet.
        received: Packets, of all its SSRCs (layers and RTX too).
        lost: Packets that did not come by themselves (RFC 3550), of the SSRCs that carry media.
        repaired: Packets that came after a NACK.
        recovered: Packets of sound restored from redundancy (RED).
        concealed: Packets of sound given up, which the decoder must conceal.
        withheld: Pictures given up, or not handed out because they depend on one.
        duplicates: Packets that were here already.
        late: Packets that came after they had been given up.
        malformed: Packets and pictures that could not be read, payload types not agreed on, numbers far off.
        frames: Handed out since the beginning.
        key_frames: Of those.
        fps: Frames handed out per second, lately.
        bitrate: Bits of payload per second received, lately.
        width: Of the last key frame, 0 while unknown and for sound.
        height: The same.
        rid: The simulcast layer handed out, None without.
        jitter_ms: Interarrival jitter (RFC 3550 6.4.1).
        rtt_ms: Round trip to the sender, None while not measured.
        nacks: Packets asked for again.
        plis: Key frames asked for.
        level: Audio level of the last packet, 0 (loudest) to 127; None where not told.
        clock_rejected: Sender reports that were not believed.
    """

    codec: str = ""
    received: int = 0
    lost: int = 0
    repaired: int = 0
    recovered: int = 0
    concealed: int = 0
    withheld: int = 0
    duplicates: int = 0
    late: int = 0
    malformed: int = 0
    frames: int = 0
    key_frames: int = 0
    fps: float = 0.0
    bitrate: int = 0
    width: int = 0
    height: int = 0
    rid: str | None = None
    jitter_ms: float = 0.0
    rtt_ms: float | None = None
    nacks: int = 0
    plis: int = 0
    level: int | None = None
    clock_rejected: int = 0


@dataclass(frozen=True, slots=True)
class PeerStatistics:
    """What cannot be told of a single track.

    Attributes:
        malformed_rtp: Datagrams that were no RTP.
        malformed_rtcp: RTCP parts that could not be read.
        unrouted: Packets whose SSRC belongs to no track.
        refused_ssrcs: Packets of new SSRCs refused because there are too many.
        rtt_ms: None while not measured.
    """

    malformed_rtp: int = 0
    malformed_rtcp: int = 0
    unrouted: int = 0
    refused_ssrcs: int = 0
    rtt_ms: float | None = None


class Rate:
    """How much per second a running total grew, between two looks."""

    __slots__ = ("_at", "_total", "per_second")

    def __init__(self, now: int) -> None:
        self._at, self._total = now, 0
        self.per_second = 0.0

    def look(self, total: int, now: int) -> None:
        """The total is this much now."""
        if now > self._at:
            self.per_second = (total - self._total) * SECOND / (now - self._at)
            self._at, self._total = now, total
