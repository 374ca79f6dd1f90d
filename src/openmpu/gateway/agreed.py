"""What was agreed on with a publisher, from WHIP's words into those of the receive path (wire/rtp/parameters.py)."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp.extensions import URIS, Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.whip.deals import TRANSPORT_CC, Deal, Taken


def peer_parameters(deals: tuple[Deal, ...]) -> PeerParameters:
    """The deals that stand, as one peer; each section becomes a track with an id of its own."""
    taken = [deal for deal in deals if deal.codecs]
    feedback = {name for deal in taken for codec in deal.codecs for name in codec.feedback}
    uris = {extension.uri for deal in taken for extension in deal.extensions}
    return PeerParameters(
        ssrc=secrets.randbelow((1 << 32) - 1) + 1,
        cname=secrets.token_urlsafe(12),
        tracks=tuple(_track(deal) for deal in taken),
        extensions=tuple(_extensions(taken)),
        transport_cc="transport-cc" in feedback and TRANSPORT_CC in uris,
        remb="goog-remb" in feedback,
        reduced_size=all(deal.section.rtcp_rsize for deal in taken),
    )


def _extensions(deals: list[Deal]) -> Iterator[tuple[int, Extension]]:
    numbers = {extension.id: extension.uri for deal in deals for extension in deal.extensions}
    yield from ((number, URIS[uri]) for number, uri in numbers.items() if uri in URIS)


def _track(deal: Deal) -> TrackParameters:
    section = deal.section
    feedback = {name for codec in deal.codecs for name in codec.feedback}
    pairs = [group.ssrcs for group in section.groups if group.semantics == "FID" and len(group.ssrcs) == 2]
    repairs = {pair[1] for pair in pairs}
    return TrackParameters(
        TrackId(secrets.token_urlsafe(9)),
        Kind(section.kind),
        tuple(_codecs(deal)),
        mid=section.mid,
        ssrcs=tuple(ssrc for ssrc in section.ssrcs if ssrc not in repairs),
        rtx=tuple((pair[0], pair[1]) for pair in pairs),
        rids=deal.rids,
        nack="nack" in feedback,
        pli="nack pli" in feedback,
    )


def _codecs(deal: Deal) -> Iterator[CodecParameters]:
    for codec in deal.codecs:
        channels = codec.channels if deal.section.kind == "audio" else 0
        number, rate = codec.payload_type, codec.clock_rate
        yield CodecParameters(number, codec.name, rate, channels, parameter_sets=parameter_sets(codec))
        if codec.rtx is not None:
            yield CodecParameters(codec.rtx, "rtx", rate, apt=number)
        if codec.red is not None:
            yield CodecParameters(codec.red, "red", rate, channels, apt=number)


def parameter_sets(codec: Taken) -> tuple[bytes, ...]:
    """SPS, PPS and VPS that the offer carries (RFC 6184 8.2.1, RFC 7798 7.1); one that is no Base64 is left out."""
    values = [codec.offered.parameter(name) for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")]
    return tuple(unit for value in values for text in value.split(",") if (unit := _unit(text)))


def _unit(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
