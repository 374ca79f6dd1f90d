"""What was agreed on, in the words of the receive path."""

from __future__ import annotations

from openmpu.gateway.agreed import peer_parameters
from openmpu.model.roster import Kind
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters
from openmpu.wire.whip.deals import settle
from openmpu.wire.whip.offers import read_offer
from tests.wire.whip_forms import OBS
from tests.wire.whip_offers import OFFER, SIMULCAST


def agreed(text=OFFER):
    """The parameters for an offer."""
    return peer_parameters(settle(read_offer(text)))


def test_tracks_of_a_browser():
    """Sections become tracks with their own ids, codecs, repairs and SSRCs."""
    sound, picture = agreed().tracks
    assert (sound.kind, picture.kind) == (Kind.AUDIO, Kind.VIDEO)
    assert sound.track_id != picture.track_id
    assert (picture.mid, picture.ssrcs, picture.rtx) == ("1", (2001,), ((2001, 2002),))
    assert CodecParameters(97, "rtx", apt=96) in picture.codecs
    assert CodecParameters(63, "red", 48_000, 2, apt=111) in sound.codecs


def test_feedback_of_a_browser():
    """Transport-wide feedback needs both the extension and the feedback message."""
    assert agreed().transport_cc
    assert not agreed(OFFER.replace("transport-wide-cc", "other")).transport_cc
    assert (3, Extension.TRANSPORT_SEQUENCE) in agreed().extensions


def test_feedback_of_obs():
    """Who offers less gets less: no transport-wide feedback, no RTCP of reduced size, but REMB."""
    parameters = agreed(OBS)
    assert (parameters.transport_cc, parameters.reduced_size, parameters.remb) == (False, False, True)


def test_layers():
    """The layers of simulcast are known by name."""
    assert agreed(SIMULCAST).tracks[1].rids == ("q", "h", "f")


def test_parameter_sets():
    """SPS and PPS of the offer are handed on; what is no Base64 is left out."""
    told = "profile-level-id=42e01f;sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==,?"
    text = OFFER.replace("profile-level-id=42e01f\r\na=rtpmap:99", told + "\r\na=rtpmap:99")
    codec = next(one for one in agreed(text).tracks[1].codecs if one.payload_type == 98)
    assert [unit[0] & 31 for unit in codec.parameter_sets] == [7, 8]


def test_names_differ_each_time():
    """Nothing that names a peer is the same twice."""
    first, second = agreed(), agreed()
    assert first.ssrc != second.ssrc
    assert first.cname != second.cname
