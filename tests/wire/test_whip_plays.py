"""Players' offers and what they are answered: Chromium's form, Firefox's, GStreamer's, and who cannot be served."""

import pytest

from openmpu.errors import Invalid, Unsupported
from openmpu.wire.whip.answers import Here, write_answer
from openmpu.wire.whip.candidates import Candidate, Credentials
from openmpu.wire.whip.deals import Sent
from openmpu.wire.whip.offers import read_offer
from openmpu.wire.whip.plays import settle_play
from tests.wire import whip_forms, whip_offers

MIX = {"video": "h264", "audio": "opus"}
SENT = {"video": Sent(1, 2, "stream"), "audio": Sent(3, None, "stream")}
HERE = Here(
    Credentials("abcd", "p" * 24), (Candidate("1", 1, "192.0.2.1", 5000),), (("sha-256", "AB:" * 31 + "AB"),), 1
)
# As Chromium offers to receive: every profile, Baseline with mode 1 first
CHROMIUM = whip_offers.OFFER.replace("a=sendonly", "a=recvonly")
FIREFOX = whip_forms.FIREFOX_PLAYS
HIGH = "a=rtpmap:104 H264/90000\na=fmtp:104 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\n"


def answered(text, codecs=MIX):
    """The answer's lines."""
    offer = read_offer(text, plays=True)
    return write_answer(offer, settle_play(offer, codecs, SENT), HERE).splitlines()


@pytest.mark.parametrize("text", [CHROMIUM, FIREFOX], ids=["chromium", "firefox"])
def test_both_sections_are_sent_one_codec_each(text):
    """Direction, sources tied together, and nothing about bandwidth."""
    lines = answered(text)

    assert sorted(line.split()[0] for line in lines if line.startswith("m=")) == ["m=audio", "m=video"]
    assert lines.count("a=sendonly") == 2
    assert "a=recvonly" not in lines
    assert sum(" cname:stream" in line for line in lines) >= 3
    assert {"a=msid:stream video", "a=msid:stream audio"} <= set(lines)
    assert not any("transport-cc" in line or "goog-remb" in line for line in lines)


def test_firefox_keeps_its_numbers_and_gets_retransmission():
    """H.264 with mode 1 is 126, its RTX 127, Opus 109."""
    lines = answered(FIREFOX)

    assert "m=video 9 UDP/TLS/RTP/SAVPF 126 127" in lines
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 109" in lines
    assert "a=fmtp:126 level-asymmetry-allowed=1;profile-level-id=42e01f;packetization-mode=1" in lines
    assert "a=ssrc-group:FID 1 2" in lines


def test_high_profile_is_preferred_where_it_is_offered():
    """It is what our encoder makes."""
    text = CHROMIUM.replace("101 102 103 45", "101 102 103 45 104") + HIGH
    lines = answered(text)

    assert any(line.startswith("a=fmtp:104 ") and "64001f" in line for line in lines)
    assert sum(line.startswith("a=rtpmap:") and "H264" in line for line in lines) == 1


def test_no_retransmission_without_rtx_in_the_offer():
    """Then only the media's own source is told."""
    lines = answered("\n".join(line for line in FIREFOX.splitlines() if "rtx/" not in line) + "\n")

    assert not any("FID" in line for line in lines)
    assert "a=ssrc:2 cname:stream" not in lines


def test_who_does_not_take_the_codec_is_told_which_it_is():
    """VP8 only: nothing can be sent, and nothing is encoded for one player."""
    only_vp8 = "\n".join(line for line in FIREFOX.splitlines() if "H264" not in line) + "\n"

    with pytest.raises(Unsupported, match=r"H\.264") as refused:
        answered(only_vp8)
    assert refused.value.subject == "codec"


def test_packetisation_mode_0_cannot_carry_our_pictures():
    """A slice is longer than a packet."""
    with pytest.raises(Unsupported, match="packetization-mode=1"):
        answered(FIREFOX.replace(";packetization-mode=1", ""))


def test_h265_goes_to_whoever_takes_it():
    """Safari does; Firefox does not."""
    text = whip_forms.SAFARI.replace("a=sendrecv", "a=recvonly")
    lines = answered(text, MIX | {"video": "h265"})

    assert any("H265/90000" in line for line in lines)
    with pytest.raises(Unsupported, match=r"H\.265"):
        answered(FIREFOX, MIX | {"video": "h265"})


def test_sound_alone_may_be_played():
    """A section that does not receive is refused, the other one is sent."""
    lines = answered(FIREFOX.replace("a=recvonly", "a=inactive", 1))

    assert lines.count("a=sendonly") == 1
    assert any(line.startswith("m=video 0 ") for line in lines)


def test_an_offer_that_only_sends_is_none_of_a_player():
    """It belongs at /whip."""
    with pytest.raises(Invalid, match="to receive"):
        read_offer(whip_forms.FIREFOX, plays=True)
