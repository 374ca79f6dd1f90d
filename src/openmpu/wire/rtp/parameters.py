"""What was negotiated for one peer, as values: whoever reads the SDP fills them in. Knows no SDP itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp.extensions import Extension


@dataclass(frozen=True, slots=True)
class CodecParameters:
    """One payload type of one track (an `a=rtpmap` line and what belongs to it).

    Attributes:
        name: Lower case: `h264`, `h265`, `vp8`, `vp9`, `av1`, `opus`, or the wrappings `rtx` (RFC 4588) and `red` (RFC
            2198).
        clock_rate: Ticks of the RTP time stamp per second.
        apt: Of `rtx`: the payload type that is sent again in it. Of `red`: the payload type inside, where told.
        parameter_sets: SPS, PPS (and VPS) of `sprop-parameter-sets`, each a NAL unit without start code.
    """

    payload_type: int
    name: str
    clock_rate: int = 90_000
    channels: int = 0
    apt: int | None = None
    parameter_sets: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackParameters:
    """One m-line.

    Attributes:
        track_id: How the track is called in everything that comes out.
        mid: `a=mid`.
        ssrcs: Announced SSRCs of the media itself (`a=ssrc`), without those of RTX; may be empty.
        rtx: Announced (media SSRC, RTX SSRC) pairs (`a=ssrc-group:FID`).
        rids: Simulcast layers that the peer sends (`a=simulcast:send`), in its order; empty without simulcast.
        nack: Generic NACK was agreed on (`a=rtcp-fb:* nack`).
        pli: Picture loss indication was agreed on (`nack pli`); else FIR is used.
    """

    track_id: TrackId
    kind: Kind
    codecs: tuple[CodecParameters, ...]
    mid: str | None = None
    ssrcs: tuple[int, ...] = ()
    rtx: tuple[tuple[int, int], ...] = ()
    rids: tuple[str, ...] = ()
    nack: bool = True
    pli: bool = True


@dataclass(frozen=True, slots=True)
class PeerParameters:
    """What holds for the whole peer: one transport, everything bundled.

    Attributes:
        ssrc: Our own SSRC, as the sender of feedback.
        cname: Our canonical name in RTCP (RFC 7022: random, the same for the whole session).
        extensions: (id, extension) of every `a=extmap` agreed on; one numbering for all m-lines (RFC 8843 9).
        transport_cc: Transport-wide congestion control feedback was agreed on.
        remb: Receiver estimated maximum bitrate was agreed on.
        reduced_size: `a=rtcp-rsize`: feedback may travel without a receiver report before it (RFC 5506).
    """

    ssrc: int
    cname: str
    tracks: tuple[TrackParameters, ...]
    extensions: tuple[tuple[int, Extension], ...] = field(default=())
    transport_cc: bool = False
    remb: bool = True
    reduced_size: bool = False
