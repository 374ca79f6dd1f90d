"""What we take of an offer (RFC 3264 6): codecs, repairs, feedback, header extensions, layers.

The publisher's order of codecs is kept: whoever knows the device has chosen it. Nothing here is about transports.
"""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.errors import Invalid
from openmpu.wire.whip.offers import Codec, Extension, Offer, Section

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
ORIENTATION = "urn:3gpp:video-orientation"
COLOUR_SPACE = "http://www.webrtc.org/experiments/rtp-hdrext/color-space"

EXTENSIONS = {
    "audio": frozenset({MID, AUDIO_LEVEL, TRANSPORT_CC, ABS_SEND_TIME, ABS_CAPTURE_TIME}),
    "video": frozenset(
        {MID, RID, REPAIRED_RID, TRANSPORT_CC, ABS_SEND_TIME, ABS_CAPTURE_TIME, ORIENTATION, COLOUR_SPACE}
    ),
}
FEEDBACK = {
    "audio": frozenset({"transport-cc", "nack"}),
    "video": frozenset({"transport-cc", "goog-remb", "nack", "nack pli", "ccm fir"}),
}
_CLOCK_RATES = {"opus": 48_000, "h264": 90_000, "vp8": 90_000, "vp9": 90_000, "av1": 90_000, "h265": 90_000}
_KIND = {"opus": "audio", "h264": "video", "vp8": "video", "vp9": "video", "av1": "video", "h265": "video"}
_H264_PROFILES = (0x42, 0x4D, 0x58, 0x64)
"""Baseline, Main, Extended, High: 4:2:0 with 8 bits. Not High 10, 4:2:2, 4:4:4."""
_H264_LEVEL = 0x33
"""5.1: up to 3840x2160 at 30. A higher level than the offered one may be told with level-asymmetry (RFC 6184 8.2.2)."""

START_KBPS = 1_500
"""Where Chromium is told to begin: by itself it begins at 300 kbit/s with a small picture and takes long to grow.
Others pass the parameter over; on a thinner path feedback brings it down within a second."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One codec that we take, with the payload types that go with it.

    Attributes:
        offered: As the publisher told it.
        fmtp: As the answer says it.
        rtx: Payload type of its retransmissions (RFC 4588).
        red: Payload type of its redundant coding (RFC 2198).
    """

    offered: Codec
    fmtp: str = ""
    feedback: tuple[str, ...] = ()
    rtx: int | None = None
    red: int | None = None

    @property
    def payload_type(self) -> int:
        """As offered: the answer keeps the publisher's numbers."""
        return self.offered.payload_type

    @property
    def name(self) -> str:
        """Lower case."""
        return self.offered.name

    @property
    def clock_rate(self) -> int:
        """Ticks of RTP time per second."""
        return self.offered.clock_rate

    @property
    def channels(self) -> int:
        """Of sound."""
        return self.offered.channels


@dataclass(frozen=True, slots=True)
class Sent:
    """What we say of a track that we send (RFC 5576, 8830).

    Attributes:
        rtx: SSRC of what is sent again; None: none is agreed on.
        cname: Ties sound and picture together (RFC 3550 6.5.1).
    """

    ssrc: int
    rtx: int | None
    cname: str


@dataclass(frozen=True, slots=True)
class Deal:
    """What is taken of one section; `codecs` empty: the section is refused. `sent` None: it is received."""

    section: Section
    codecs: tuple[Taken, ...] = ()
    extensions: tuple[Extension, ...] = ()
    rids: tuple[str, ...] = ()
    sent: Sent | None = None


def settle(offer: Offer) -> tuple[Deal, ...]:
    """A deal for each section of the offer: one audio and one video at most (RFC 9725 4.4.2).

    Raises:
        Invalid: Nothing of it can be taken; the message names what is.
    """
    deals: list[Deal] = []
    for section in offer.sections:
        taken_already = any(deal.codecs and deal.section.kind == section.kind for deal in deals)
        deals.append(Deal(section) if taken_already or not section.sends else _deal(section))
    if not any(deal.codecs for deal in deals):
        raise Invalid("sdp", "no offered codec is known here: H.264, VP8, VP9, AV1 or H.265 video, Opus audio")
    return tuple(deals)


def _deal(section: Section) -> Deal:
    codecs = tuple(_take(codec, section) for codec in section.codecs if _known(codec, section.kind))
    if not codecs:
        return Deal(section)
    wanted = EXTENSIONS[section.kind]
    seen: set[str] = set()
    extensions = []
    for extension in section.extensions:
        if extension.uri in wanted and extension.uri not in seen:
            seen.add(extension.uri)
            extensions.append(extension)
    rids = section.rids if {MID, RID} <= seen else ()
    return Deal(section, codecs, tuple(extensions), rids)


def _known(codec: Codec, kind: str) -> bool:
    if _KIND.get(codec.name) != kind or _CLOCK_RATES[codec.name] != codec.clock_rate:
        return False
    match codec.name:
        case "h264":
            return codec.parameter("packetization-mode", "0") in ("0", "1") and h264_profile(codec) in _H264_PROFILES
        case "vp9":
            return codec.parameter("profile-id", "0") == "0"
        case "av1":
            return codec.parameter("profile", "0") == "0"
        case "h265":
            return codec.parameter("profile-id", "1") == "1"
        case _:
            return True


def h264_profile(codec: Codec) -> int:
    """profile_idc of the offer's profile-level-id; 0: it cannot be read."""
    text = codec.parameter("profile-level-id", "42e01f")
    try:
        return int(text[:2], 16) if len(text) == 6 else 0
    except ValueError:
        return 0


def _take(codec: Codec, section: Section) -> Taken:
    wanted = FEEDBACK[section.kind]
    return Taken(
        codec,
        _answer_fmtp(codec),
        tuple(sorted(codec.feedback & wanted)),
        rtx=rtx_of(codec, section),
        red=_red_of(codec, section),
    )


def rtx_of(codec: Codec, section: Section) -> int | None:
    """Payload type of a codec's retransmissions, if they are offered."""
    numbers = (
        other.payload_type
        for other in section.codecs
        if other.name == "rtx"
        and other.clock_rate == codec.clock_rate
        and other.parameter("apt") == str(codec.payload_type)
    )
    return next(numbers, None)


def _red_of(codec: Codec, section: Section) -> int | None:
    """Sound only: for pictures RED carries ULPFEC, which repairs less than RTX does (RFC 8854 5.2)."""
    if codec.name != "opus":
        return None
    numbers = (
        other.payload_type
        for other in section.codecs
        if other.name == "red" and _red_carries(other, codec.payload_type)
    )
    return next(numbers, None)


def _red_carries(red: Codec, payload_type: int) -> bool:
    """`a=fmtp:63 111/111` reads as one parameter `111/111` without a value."""
    return any(set(name.split("/")) == {str(payload_type)} for name, _ in red.fmtp)


def _answer_fmtp(codec: Codec) -> str:
    match codec.name:
        case "opus":
            return "minptime=10;stereo=1;useinbandfec=1"
        case "h264":
            parts = _h264_fmtp(codec)
        case _:
            parts = [f"{name}={value}" if value else name for name, value in codec.fmtp]
    return ";".join([*parts, f"x-google-start-bitrate={START_KBPS}"])


def _h264_fmtp(codec: Codec) -> list[str]:
    profile = codec.parameter("profile-level-id", "42e01f").lower()
    parts = [f"packetization-mode={codec.parameter('packetization-mode', '0')}"]
    if codec.parameter("level-asymmetry-allowed") == "1":
        level = max(_H264_LEVEL, int(profile[4:], 16))
        parts.insert(0, "level-asymmetry-allowed=1")
        profile = f"{profile[:4]}{level:02x}"
    return [*parts, f"profile-level-id={profile}"]
