"""What is sent to somebody who plays (WHEP): the one codec of each kind that a task makes, as the offer names it.

Nothing is encoded for one player, so there is no choice of codecs: who cannot take what there is is told so.
"""

from __future__ import annotations

from openmpu.errors import Unsupported
from openmpu.wire.whip.deals import Deal, Sent, Taken, h264_profile, rtx_of
from openmpu.wire.whip.offers import Codec, Offer, Section

FEEDBACK = frozenset({"nack", "nack pli", "ccm fir"})
"""Nothing about bandwidth: what is encoded once for everybody cannot follow one player's path."""
_RATES = {"opus": 48_000, "h264": 90_000, "h265": 90_000}
_NAMES = {"h264": "H.264 with packetization-mode=1", "h265": "H.265", "opus": "Opus"}
_PROFILES = (0x64, 0x4D, 0x42)
"""High as our encoder makes it, else what browsers decode it under: some offer Baseline and take everything."""


def settle_play(offer: Offer, codecs: dict[str, str], sent: dict[str, Sent]) -> tuple[Deal, ...]:
    """A deal for each section of the offer: one audio and one video at most.

    Args:
        offer: The player's.
        codecs: What the task makes: `{"video": "h264", "audio": "opus"}`.
        sent: Sources to send each kind from.

    Raises:
        Unsupported: subject `codec`: the offer would receive a kind, but not in the codec that there is.
    """
    deals: list[Deal] = []
    for section in offer.sections:
        again = any(deal.codecs and deal.section.kind == section.kind for deal in deals)
        wanted = section.receives and section.kind in codecs and not again
        deals.append(_deal(section, codecs[section.kind], sent[section.kind]) if wanted else Deal(section))
    return tuple(deals)


def _deal(section: Section, codec: str, sent: Sent) -> Deal:
    fitting = [offered for offered in section.codecs if _fits(offered, codec)]
    if not fitting:
        raise Unsupported("codec", f"the {section.kind} is {_NAMES[codec]}, which the offer does not take")
    taken = _take(min(fitting, key=_rank), section)
    rtx = sent.rtx if taken.rtx is not None else None
    return Deal(section, (taken,), sent=Sent(sent.ssrc, rtx, sent.cname))


def _fits(offered: Codec, codec: str) -> bool:
    if (offered.name, offered.clock_rate) != (codec, _RATES[codec]):
        return False
    return codec != "h264" or (
        offered.parameter("packetization-mode", "0") == "1" and h264_profile(offered) in _PROFILES
    )


def _rank(offered: Codec) -> int:
    """The best fitting profile first; among equals the player's order stays."""
    return _PROFILES.index(h264_profile(offered)) if offered.name == "h264" else 0


def _take(offered: Codec, section: Section) -> Taken:
    feedback = tuple(sorted(offered.feedback & FEEDBACK)) if section.kind == "video" else ()
    rtx = rtx_of(offered, section) if "nack" in feedback else None
    return Taken(offered, _fmtp(offered), feedback, rtx)


def _fmtp(offered: Codec) -> str:
    """The answer keeps the profile and level of the offer (RFC 6184 8.2.2): it says what the player may get."""
    match offered.name:
        case "opus":
            return "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1"
        case "h264":
            parts = [f"profile-level-id={offered.parameter('profile-level-id', '42e01f')}", "packetization-mode=1"]
            asymmetric = offered.parameter("level-asymmetry-allowed") == "1"
            return ";".join([*(["level-asymmetry-allowed=1"] if asymmetric else []), *parts])
        case _:
            return ";".join(f"{name}={value}" for name, value in offered.fmtp)
