"""A publisher's or player's SDP offer as values (RFC 8866, 8829, 8839, 8842, 8843, 8852, 8853).

Says what is offered; what we take of it is decided in `deals.py` and `plays.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from openmpu.errors import Invalid
from openmpu.wire.whip.candidates import Candidate, Credentials, read_candidates, read_credentials
from openmpu.wire.whip.lines import Part, read_parts

MAX_CODECS = 128
MAX_SSRCS = 64
_HASHES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9._-]+)/(\d{1,7})(?:/(\d{1,2}))?")
_EXTMAP = re.compile(r"(\d{1,3})(?:/[a-z]+)? (\S+).*")
_RID = re.compile(r"([A-Za-z0-9_-]{1,255}) (send|recv)( .*)?")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section.

    Attributes:
        name: Lower case: `h264`, `opus`, `rtx`, `red`, ...
        fmtp: Format parameters, names in lower case; a parameter without `=` has an empty value.
        feedback: What it offers to understand of RTCP feedback: `nack`, `nack pli`, `transport-cc`, ...
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: tuple[tuple[str, str], ...] = ()
    feedback: frozenset[str] = frozenset()

    def parameter(self, name: str, default: str = "") -> str:
        """The value of a format parameter."""
        return dict(self.fmtp).get(name, default)


@dataclass(frozen=True, slots=True)
class Extension:
    """An RTP header extension (RFC 8285) and the id by which packets carry it."""

    id: int
    uri: str


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """Sources that belong together: `FID` (picture, its repairs), `SIM` (layers)."""

    semantics: str
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of an offer.

    Attributes:
        kind: As offered: `audio`, `video`, `application`, ...
        rejected: Offered with port 0 and not bundled.
        rids: The layers that it would send (RFC 8853), in its order.
        rtcp_rsize: RTCP of reduced size (RFC 5506) is welcome.
    """

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str
    rejected: bool = False
    direction: str = "sendrecv"
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    codecs: tuple[Codec, ...] = ()
    extensions: tuple[Extension, ...] = ()
    ssrcs: tuple[int, ...] = ()
    groups: tuple[SsrcGroup, ...] = ()
    rids: tuple[str, ...] = ()

    @property
    def sends(self) -> bool:
        """Whether the publisher would send on it."""
        return self.direction in ("sendonly", "sendrecv") and not self.rejected

    @property
    def receives(self) -> bool:
        """Whether the player would receive on it."""
        return self.direction in ("recvonly", "sendrecv") and not self.rejected

    def goes(self, *, plays: bool) -> bool:
        """Whether it is of use to somebody who plays, or else to somebody who publishes."""
        return self.receives if plays else self.sends


@dataclass(frozen=True, slots=True)
class Offer:
    """A whole offer, with the one transport of its bundle.

    Attributes:
        fingerprints: (hash name, hex digits with colons, upper case) of the publisher's certificate.
        setup: `actpass`, `active` or `passive`.
        complete: Whether end-of-candidates was told.
        maker: First word of the o= line; some programs put their name there (`FFmpeg`), most a dash.
    """

    sections: tuple[Section, ...]
    bundle: tuple[str, ...]
    credentials: Credentials
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[Candidate, ...] = ()
    complete: bool = False
    ice_lite: bool = False
    mixed_extensions: bool = False
    maker: str = "-"


def read_offer(text: str, *, plays: bool = False) -> Offer:
    """The offer in `text`.

    Args:
        text: SDP.
        plays: It is a player's: what counts is what it would receive.

    Raises:
        Invalid: subject `sdp`; it is malformed, or lacks what every WHIP offer must have (RFC 9725 4.4).
    """
    session, media = read_parts(text)
    if not text.startswith("v=0"):
        raise Invalid("sdp", "the SDP does not begin with v=0")
    if not media:
        raise Invalid("sdp", "the SDP has no media section")
    direction = _direction(session, "sendrecv")
    sections = tuple(_section(part, str(place), direction) for place, part in enumerate(media))
    bundle = _bundle(session)
    _check_bundle([section for section in sections if section.goes(plays=plays)], bundle, plays=plays)
    if len({section.mid for section in sections}) < len(sections):
        raise Invalid("sdp", "the SDP has two media sections of one a=mid")
    tagged = _tagged(media, sections, bundle, plays=plays)
    return Offer(
        sections,
        bundle,
        _credentials(session, tagged),
        _fingerprints(session, tagged),
        _setup(session, tagged),
        read_candidates(value for part in (session, *media) for value in part.all("candidate")),
        complete=any(part.has("end-of-candidates") for part in (session, *media)),
        ice_lite=session.has("ice-lite"),
        mixed_extensions=session.has("extmap-allow-mixed") or tagged.has("extmap-allow-mixed"),
        maker=session.origin.partition(" ")[0],
    )


def _bundle(session: Part) -> tuple[str, ...]:
    groups = (value.split() for value in session.all("group"))
    return next((tuple(words[1:]) for words in groups if words and words[0] == "BUNDLE"), ())


def _check_bundle(going: Iterable[Section], bundle: tuple[str, ...], *, plays: bool) -> None:
    media = [section for section in going if section.kind in ("audio", "video")]
    if not media:
        raise Invalid("sdp", f"the SDP offers no audio or video to {'receive' if plays else 'send'}")
    if len(media) > 1 and not {section.mid for section in media} <= set(bundle):
        raise Invalid("sdp", "audio and video must go over one transport: a=group:BUNDLE must name both")
    if not all(section.rtcp_mux for section in media):
        raise Invalid("sdp", "a=rtcp-mux is missing: RTP and RTCP must share one port")


def _tagged(media: tuple[Part, ...], sections: tuple[Section, ...], bundle: tuple[str, ...], *, plays: bool) -> Part:
    """The part whose transport all use (RFC 8843 7.1): the first of the bundle, else the first that is of use."""
    for mid in bundle:
        for part, section in zip(media, sections, strict=True):
            if section.mid == mid and not section.rejected:
                return part
    return next(part for part, section in zip(media, sections, strict=True) if section.goes(plays=plays))


def _credentials(session: Part, tagged: Part) -> Credentials:
    part = tagged if tagged.has("ice-ufrag") else session
    return read_credentials(part.first("ice-ufrag"), part.first("ice-pwd"))


def _fingerprints(session: Part, tagged: Part) -> tuple[tuple[str, str], ...]:
    values = tagged.all("fingerprint") or session.all("fingerprint")
    found = tuple(pair for value in values if (pair := _fingerprint(value)))
    if not found:
        raise Invalid("sdp", "the SDP has no a=fingerprint with sha-256, sha-384 or sha-512")
    return found


def _fingerprint(value: str) -> tuple[str, str] | None:
    name, _, digits = value.partition(" ")
    size = _HASHES.get(name.lower())
    if size is None:
        return None
    if not re.fullmatch(rf"[0-9A-Fa-f]{{2}}(:[0-9A-Fa-f]{{2}}){{{size - 1}}}", digits):
        raise Invalid("sdp", "an a=fingerprint is not that hash's number of hexadecimal pairs")
    return name.lower(), digits.upper()


def _setup(session: Part, tagged: Part) -> str:
    setup = tagged.first("setup") or session.first("setup") or ""
    if setup not in ("actpass", "active", "passive"):
        raise Invalid("sdp", "a=setup must be actpass, active or passive")
    return setup


def _direction(part: Part, default: str) -> str:
    return next((name for name, _ in part.attributes if name in _DIRECTIONS), default)


def _section(part: Part, default_mid: str, default_direction: str) -> Section:
    words = part.media.split()
    if len(words) < 4 or not words[1].partition("/")[0].isdecimal():
        raise Invalid("sdp", "an m= line is not of the form kind port protocol formats")
    kind, port, protocol, *formats = words
    mid = part.first("mid") or default_mid
    if not re.fullmatch(r"[!#-'*+.0-9A-Z^-~_-]{1,64}", mid):
        raise Invalid("sdp", "an a=mid is not a token of at most 64 characters")
    rtp = kind in ("audio", "video") and "RTP/" in protocol
    return Section(
        kind,
        protocol,
        tuple(formats),
        mid,
        rejected=port == "0" and not part.has("bundle-only"),
        direction=_direction(part, default_direction) if rtp else "inactive",
        rtcp_mux=part.has("rtcp-mux", "rtcp-mux-only"),
        rtcp_rsize=part.has("rtcp-rsize"),
        codecs=_codecs(part, formats) if rtp else (),
        extensions=tuple(_each(part, "extmap", _extension)) if rtp else (),
        ssrcs=_ssrcs(part) if rtp else (),
        groups=tuple(_each(part, "ssrc-group", _group)) if rtp else (),
        rids=_rids(part) if rtp else (),
    )


def _each(part: Part, name: str, read: Callable[[str], T]) -> list[T]:
    try:
        return [read(value) for value in part.all(name)]
    except ValueError:
        raise Invalid("sdp", f"an a={name} cannot be read") from None


def _codecs(part: Part, formats: list[str]) -> tuple[Codec, ...]:
    """The codecs in the order of the m= line: the publisher's order of preference (RFC 8866 5.14)."""
    if len(formats) > MAX_CODECS:
        raise Invalid("sdp", f"a media section has more than {MAX_CODECS} payload types")
    known = {codec.payload_type: codec for codec in _each(part, "rtpmap", lambda value: _codec(part, value))}
    by_text = {str(number): codec for number, codec in known.items()}
    return tuple(by_text[text] for text in dict.fromkeys(formats) if text in by_text)


def _codec(part: Part, value: str) -> Codec:
    match = _RTPMAP.fullmatch(value)
    if not match or not int(match[1]) < 128 or int(match[3]) == 0:
        raise ValueError(value)
    return Codec(
        int(match[1]),
        match[2].lower(),
        int(match[3]),
        int(match[4] or 1),
        _parameters(_of_type(part, "fmtp", match[1])),
        frozenset(_of_type(part, "rtcp-fb", match[1]) + _of_type(part, "rtcp-fb", "*")),
    )


def _of_type(part: Part, name: str, payload_type: str) -> list[str]:
    split = (value.partition(" ") for value in part.all(name))
    return [rest.strip() for number, _, rest in split if number == payload_type]


def _parameters(values: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = (item.strip().partition("=") for value in values for item in value.split(";") if item.strip())
    return tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)


def _extension(value: str) -> Extension:
    match = _EXTMAP.fullmatch(value)
    if not match or not 0 < int(match[1]) < 256:
        raise ValueError(value)
    return Extension(int(match[1]), match[2])


def _ssrcs(part: Part) -> tuple[int, ...]:
    found = tuple(dict.fromkeys(_each(part, "ssrc", lambda value: _number(value.split(" ")[0]))))
    return found[:MAX_SSRCS]


def _group(value: str) -> SsrcGroup:
    semantics, *ssrcs = value.split() or [""]
    return SsrcGroup(semantics, tuple(_number(text) for text in ssrcs[:MAX_SSRCS]))


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 10 or not int(text) < 1 << 32:
        raise ValueError(text)
    return int(text)


def _rids(part: Part) -> tuple[str, ...]:
    """The layers named by `a=simulcast:send a;b;c` (alternatives `a,b`: the first), each with its `a=rid`."""
    sent = {match[1] for value in part.all("rid") if (match := _RID.fullmatch(value)) and match[2] == "send"}
    words = (part.first("simulcast") or "").split()
    if "send" not in words[:-1]:
        return ()
    names = words[words.index("send") + 1].split(";")
    return tuple(rid for name in names if (rid := name.split(",")[0].lstrip("~")) in sent)
