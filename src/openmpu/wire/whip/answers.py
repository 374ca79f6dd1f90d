"""The SDP answer to a settled offer (RFC 3264 6, 8829 5.3, 8843 7.3, 9725 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from openmpu.wire.whip.candidates import Candidate, Credentials
from openmpu.wire.whip.deals import Deal, Sent, Taken
from openmpu.wire.whip.offers import Offer


@dataclass(frozen=True, slots=True)
class Here:
    """Our end of the transport.

    Attributes:
        fingerprints: (hash name, hex pairs) of our certificate.
        session: Number of the session, for the o= line; anything but 0.
    """

    credentials: Credentials
    candidates: tuple[Candidate, ...]
    fingerprints: tuple[tuple[str, str], ...]
    session: int


def dtls_setup(offer: Offer) -> str:
    """Our DTLS role as `a=setup` says it: passive wherever we may (RFC 8842 5.3), so that the publisher begins."""
    return "active" if offer.setup == "passive" else "passive"


def write_answer(offer: Offer, deals: tuple[Deal, ...], here: Here) -> str:
    """The answer; refused sections have port 0."""
    taken = [deal.section.mid for deal in deals if deal.codecs]
    lines = ["v=0", f"o=- {here.session} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(taken)}"]
    if offer.mixed_extensions:
        lines.append("a=extmap-allow-mixed")
    for deal in deals:
        lines += _taken(offer, deal, here, deal.section.mid == taken[0]) if deal.codecs else _refused(deal)
    return "\r\n".join([*lines, ""])


def transport_lines(here: Here) -> list[str]:
    """Credentials and candidates; all are known at once, so their end is told too."""
    lines = [f"a=ice-ufrag:{here.credentials.ufrag}", f"a=ice-pwd:{here.credentials.password}"]
    return [*lines, *(f"a=candidate:{candidate}" for candidate in here.candidates), "a=end-of-candidates"]


def _refused(deal: Deal) -> list[str]:
    section = deal.section
    return [
        f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=inactive",
    ]


def _taken(offer: Offer, deal: Deal, here: Here, first: bool) -> list[str]:
    """Of bundled sections only the first tells candidates (RFC 8843 7.3); the rest is told by all."""
    transport = transport_lines(here)
    return [
        f"m={deal.section.kind} 9 {deal.section.protocol} {' '.join(_formats(deal))}",
        "c=IN IP4 0.0.0.0",
        *(transport if first else transport[:2]),
        *(f"a=fingerprint:{name} {digits}" for name, digits in here.fingerprints),
        f"a=setup:{dtls_setup(offer)}",
        f"a=mid:{deal.section.mid}",
        *(f"a=extmap:{extension.id} {extension.uri}" for extension in deal.extensions),
        *(_sent_lines(deal.section.kind, deal.sent) if deal.sent else ["a=recvonly"]),
        "a=rtcp-mux",
        *(["a=rtcp-rsize"] if deal.section.rtcp_rsize else []),
        *(line for codec in deal.codecs for line in _codec_lines(codec)),
        *(f"a=rid:{rid} recv" for rid in deal.rids),
        *([f"a=simulcast:recv {';'.join(deal.rids)}"] if deal.rids else []),
    ]


def _sent_lines(kind: str, sent: Sent) -> list[str]:
    """Sound and picture are of one stream, so that browsers play them together."""
    repairs = [f"a=ssrc-group:FID {sent.ssrc} {sent.rtx}"] if sent.rtx is not None else []
    ssrcs = [ssrc for ssrc in (sent.ssrc, sent.rtx) if ssrc is not None]
    lines = ["a=sendonly", f"a=msid:{sent.cname} {kind}", *repairs]
    return [*lines, *(f"a=ssrc:{ssrc} cname:{sent.cname}" for ssrc in ssrcs)]


def _formats(deal: Deal) -> Iterator[str]:
    """Redundant coding comes first: then browsers use it, and sound outlives the loss of single packets."""
    for codec in deal.codecs:
        yield from (str(number) for number in (codec.red, codec.payload_type, codec.rtx) if number is not None)


def _codec_lines(codec: Taken) -> Iterator[str]:
    number = codec.payload_type
    names = {"h264": "H264", "vp8": "VP8", "vp9": "VP9", "av1": "AV1", "h265": "H265"}
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    yield f"a=rtpmap:{number} {names.get(codec.name, codec.name)}/{codec.clock_rate}{channels}"
    yield from (f"a=rtcp-fb:{number} {feedback}" for feedback in codec.feedback)
    if codec.fmtp:
        yield f"a=fmtp:{number} {codec.fmtp}"
    if codec.rtx is not None:
        yield f"a=rtpmap:{codec.rtx} rtx/{codec.clock_rate}"
        yield f"a=fmtp:{codec.rtx} apt={number}"
    if codec.red is not None:
        yield f"a=rtpmap:{codec.red} red/{codec.clock_rate}{channels}"
        yield f"a=fmtp:{codec.red} {number}/{number}"
