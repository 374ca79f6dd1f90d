"""What we take of an offer, and the answer that says so."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription

from openmpu.errors import Invalid
from openmpu.wire.whip.answers import Here, write_answer
from openmpu.wire.whip.candidates import Candidate, Credentials
from openmpu.wire.whip.deals import settle
from openmpu.wire.whip.offers import read_offer
from tests.wire.whip_forms import FORMS
from tests.wire.whip_offers import FINGERPRINT, OFFER, SIMULCAST, VIDEO, spoiled

HERE = Here(
    Credentials("ufrg", "p" * 24),
    (Candidate("1", 2_130_706_431, "203.0.113.5", 40_001), Candidate("2", 2_130_706_175, "2001:db8::5", 40_002)),
    (("sha-256", FINGERPRINT),),
    1234,
)


def answer(text=OFFER):
    """Our answer to an offer."""
    offer = read_offer(text)
    return write_answer(offer, settle(offer), HERE)


def codecs(text=OFFER, section=1):
    """Payload types taken of a section."""
    return [codec.payload_type for codec in settle(read_offer(text))[section].codecs]


def test_decodable_codecs_are_taken():
    """VP8, H.264 of 4:2:0 with modes 0 and 1, and AV1 main are taken; 4:4:4, interleaved and 10 bit are not."""
    assert codecs() == [96, 98, 45]


def test_opus_alone_of_the_sounds():
    """Of the sounds Opus is taken, with its redundant coding."""
    (opus,) = settle(read_offer(OFFER))[0].codecs
    assert (opus.payload_type, opus.red) == (111, 63)


def test_repairs_go_with_their_codec():
    """Each codec keeps its RTX payload type."""
    assert [codec.rtx for codec in settle(read_offer(OFFER))[1].codecs] == [97, 99, None]


@pytest.mark.parametrize("profile", ["42001f", "42e01f", "4d001f", "4d401f", "64001f", "640c1f"])
def test_usable_h264_profiles(profile):
    """Baseline, Main and High in all their constrained forms are taken."""
    assert 98 in codecs(
        spoiled(("profile-level-id=42e01f\r\na=rtpmap:99", f"profile-level-id={profile}\r\na=rtpmap:99"))
    )


@pytest.mark.parametrize("profile", ["6e001f", "7a001f", "f4001f", "42e0", "zzzzzz"])
def test_unusable_h264_profiles(profile):
    """More than 8 bits or 4:2:0, and malformed ones, are not."""
    changed = spoiled(("profile-level-id=42e01f\r\na=rtpmap:99", f"profile-level-id={profile}\r\na=rtpmap:99"))
    assert 98 not in codecs(changed)


def test_h264_without_parameters():
    """H.264 without fmtp is mode 0, constrained baseline (RFC 6184 8.1): taken."""
    line = "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
    text = spoiled((line, ""))
    assert 98 in codecs(text)
    assert "a=fmtp:98 packetization-mode=0;profile-level-id=42e01f" in answer(text)


def test_h264_level_is_raised_where_it_may_be():
    """With level asymmetry we say how much we can take; the publisher then may send more than 720p."""
    assert "a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e033" in answer()


def test_answer_is_read_by_aiortc():
    """A peer reads from the answer what we meant."""
    description = SessionDescription.parse(answer())
    audio, video = description.media
    assert [one.direction for one in (audio, video)] == ["recvonly", "recvonly"]
    assert (audio.ice.usernameFragment, audio.dtls.role) == ("ufrg", "server")
    assert [one.ip for one in audio.ice_candidates] == ["203.0.113.5", "2001:db8::5"]
    assert audio.ice_candidates_complete
    assert [codec.name for codec in video.rtp.codecs] == ["VP8", "rtx", "H264", "rtx", "AV1"]


def test_feedback_and_extensions_that_we_know():
    """Known feedback and extensions are answered with the publisher's ids, unknown ones are not."""
    text = answer()
    assert "a=rtcp-fb:96 transport-cc" in text
    assert "a=extmap:13 urn:3gpp:video-orientation" in text
    assert "playout-delay" not in text


def test_reduced_rtcp_only_where_offered():
    """RTCP of reduced size is answered to those who offer it (RFC 5506 5)."""
    assert answer().count("a=rtcp-rsize") == 2
    assert "a=rtcp-rsize" not in answer(FORMS["obs"])


def test_simulcast_is_answered():
    """Layers are taken when the packets can tell which they are."""
    text = answer(SIMULCAST)
    assert "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n" in text
    assert "simulcast" not in answer(
        SIMULCAST.replace("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n", "")
    )


def test_a_second_video_is_refused():
    """One audio and one video for each session (RFC 9725 4.4.2): the second video has port 0, and is not bundled."""
    second = VIDEO.replace("\n", "\r\n").replace("a=mid:1", "a=mid:2")
    text = answer(OFFER.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + second)
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96" in text
    assert "a=group:BUNDLE 0 1\r\n" in text


def test_data_channels_are_refused():
    """A section that is not media has port 0."""
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n"
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel" in answer(OFFER + data)


def test_passive_publisher_gets_an_active_answer():
    """Who can only wait is called."""
    assert "a=setup:active" in answer(spoiled(("a=setup:actpass", "a=setup:passive")))


def test_nothing_in_common():
    """An offer without a codec of ours is refused with their names."""
    text = OFFER.replace("opus/48000/2", "speex/48000/2")
    for name in ("VP8/90000", "H264/90000", "AV1/90000", "VP9/90000"):
        text = text.replace(name, "theora/90000")
    with pytest.raises(Invalid, match=r"H\.264"):
        settle(read_offer(text))


def test_half_in_common():
    """Sound is taken even when the picture cannot be."""
    text = OFFER
    for name in ("VP8/90000", "H264/90000", "AV1/90000", "VP9/90000"):
        text = text.replace(name, "theora/90000")
    assert "m=video 0 " in answer(text)
    assert "m=audio 9 " in answer(text)


@pytest.mark.parametrize(
    ("maker", "taken"),
    [
        ("obs", [("opus", None), ("h264", None)]),
        ("firefox", [("opus", None), ("vp8", 124), ("vp9", 125), ("h264", 127), ("h264", 98)]),
        ("firefox_153", [("vp8", 124), ("vp9", 125), ("av1", 100), ("opus", None)]),
        ("safari", [("opus", None), ("h264", 97), ("h264", 99), ("vp8", 101), ("h265", 105)]),
    ],
)
def test_other_makers(maker, taken):
    """Offers of OBS, Firefox and Safari are taken whole, and aiortc reads the answer."""
    text = FORMS[maker].replace("\r", "").replace("\n", "\r\n")
    codecs = [codec for deal in settle(read_offer(text)) for codec in deal.codecs]
    assert [(codec.name, codec.rtx) for codec in codecs] == taken
    description = SessionDescription.parse(answer(text))
    assert [media.port for media in description.media][:2] == [9, 9]
    assert description.media[0].dtls.role == "server"
    assert all(media.direction == "recvonly" for media in description.media[:2])


def test_direction_of_the_session():
    """A section without a direction has the session's (RFC 8866 6.7)."""
    text = FORMS["firefox"].replace("a=sendonly\n", "").replace("a=sendrecv\n", "a=sendonly\n", 1)
    assert [section.direction for section in read_offer(text).sections] == ["sendonly", "sendonly"]
    with pytest.raises(Invalid, match="to send"):
        read_offer(text.replace("a=sendonly", "a=recvonly"))
