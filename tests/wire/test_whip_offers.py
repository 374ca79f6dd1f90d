"""Reading offers: what is in them, and one clear sentence for each way to be malformed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.errors import Invalid
from openmpu.wire.whip.lines import MAX_LENGTH
from openmpu.wire.whip.offers import Extension, SsrcGroup, read_offer
from tests.wire.whip_offers import AUDIO, OFFER, SESSION, SIMULCAST, spoiled


def test_sections_in_order():
    """Sections come with kind, mid and direction, in the offer's order."""
    offer = read_offer(OFFER)
    assert [(one.kind, one.mid, one.direction) for one in offer.sections] == [
        ("audio", "0", "sendonly"),
        ("video", "1", "sendonly"),
    ]


def test_transport_of_the_bundle():
    """Credentials, fingerprint and role are those of the bundle's first section."""
    offer = read_offer(OFFER)
    assert (offer.credentials.ufrag, offer.setup, offer.fingerprints[0][0]) == ("abcd", "actpass", "sha-256")


def test_password_is_not_shown():
    """The ICE password stays out of logs."""
    assert "0123456789" not in repr(read_offer(OFFER))


def test_only_reachable_candidates():
    """TCP candidates and mDNS names are left out cleanly."""
    assert [(one.address, one.port) for one in read_offer(OFFER).candidates] == [("192.0.2.7", 50_000)]


def test_codecs_keep_the_publishers_order():
    """Codecs come in the order of the m= line, with their parameters and feedback."""
    video = read_offer(OFFER).sections[1]
    assert [codec.payload_type for codec in video.codecs] == [96, 97, 98, 99, 100, 101, 102, 103, 45]
    assert video.codecs[0].feedback == {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}
    assert video.codecs[2].parameter("profile-level-id") == "42e01f"


def test_sources_and_extensions():
    """SSRCs, their groups and header extensions are read."""
    video = read_offer(OFFER).sections[1]
    assert (video.ssrcs, video.groups) == ((2001, 2002), (SsrcGroup("FID", (2001, 2002)),))
    assert video.extensions[0] == Extension(13, "urn:3gpp:video-orientation")


def test_layers_of_simulcast():
    """The layers are those that a=simulcast sends and a=rid describes."""
    assert read_offer(SIMULCAST).sections[1].rids == ("q", "h", "f")


def test_credentials_at_session_level():
    """Fingerprint, role and credentials may stand in the session part."""
    lines = ["a=ice-ufrag:abcd", "a=ice-pwd:0123456789abcdefghijklmn", "a=setup:actpass"]
    text = OFFER
    for line in lines:
        text = text.replace(line + "\r\n", "")
    text = text.replace("t=0 0\r\n", "t=0 0\r\n" + "\r\n".join(lines) + "\r\n")
    assert read_offer(text).credentials.ufrag == "abcd"


def test_bare_line_feeds():
    """Lines may end without a carriage return (RFC 8866 5)."""
    assert read_offer(OFFER.replace("\r\n", "\n")) == read_offer(OFFER)


def test_audio_alone_needs_no_bundle():
    """One section needs no group."""
    assert len(read_offer(SESSION.replace("a=group:BUNDLE 0 1\n", "") + AUDIO).sections) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1"),
        ("hello", "line 1"),
        (SESSION, "no media section"),
        (OFFER.replace("v=0", "v=1"), "begin with v=0"),
        (OFFER + "x" * MAX_LENGTH, "longer than"),
        (OFFER + "a=x\r\n" * 2500, "more than 2000 lines"),
        (SESSION + "m=audio 9 UDP/TLS/RTP/SAVPF 0\n" * 17, "more than 16"),
        (OFFER + "\0\r\n", "not of the form"),
        (spoiled(("a=ice-ufrag:abcd\r\n", "")), "ice-ufrag"),
        (spoiled(("a=ice-ufrag:abcd", "a=ice-ufrag:a b")), "ice-ufrag"),
        (spoiled(("a=ice-pwd:0123456789abcdefghijklmn", "a=ice-pwd:short")), "ice-pwd"),
        (spoiled(("a=setup:actpass", "a=setup:holdconn")), "a=setup"),
        (spoiled(("a=fingerprint:sha-256", "a=fingerprint:md5")), "a=fingerprint"),
        (spoiled(("AB:AB:AB:", "AB:AB:")), "hexadecimal pairs"),
        (spoiled(("a=group:BUNDLE 0 1", "a=group:LS 0 1")), "BUNDLE"),
        (spoiled(("a=group:BUNDLE 0 1", "a=group:BUNDLE 0")), "BUNDLE"),
        (spoiled(("a=mid:1", "a=mid:0")), "one a=mid"),
        (spoiled(("a=mid:1", "a=mid:a b")), "a=mid"),
        (spoiled(("a=rtcp-mux\r\n", "")), "rtcp-mux"),
        (spoiled(("a=sendonly", "a=recvonly")), "no audio or video to send"),
        (spoiled(("m=video 9", "m=video nine")), "m= line"),
        (spoiled(("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 102 103 45", "m=video")), "m= line"),
        (spoiled(("VP8/90000", "VP8/ninety")), "a=rtpmap"),
        (spoiled(("a=rtpmap:96 ", "a=rtpmap:196 ")), "a=rtpmap"),
        (spoiled(("a=extmap:13 ", "a=extmap:0 ")), "a=extmap"),
        (spoiled(("a=ssrc:2001 ", "a=ssrc:99999999999 ")), "a=ssrc"),
        (spoiled(("FID 2001 2002", "FID one two")), "a=ssrc-group"),
        (spoiled(("192.0.2.7 50000 typ host", "192.0.2.7 typ")), "a=candidate"),
        (spoiled(("192.0.2.7 50000", "192.0.2.7 70000")), "out of range"),
        (spoiled(("192.0.2.7 50000", "192.0.2.7 many")), "malformed number"),
    ],
)
def test_malformed(text, sentence):
    """Each malformed offer is refused with a sentence that names the place."""
    with pytest.raises(Invalid, match=sentence) as caught:
        read_offer(text)
    assert caught.value.subject == "sdp"


@given(st.text(max_size=400))
def test_any_text(text):
    """Any text is an offer or refused as ours."""
    with contextlib.suppress(Invalid):
        read_offer(text)


@given(st.data())
def test_any_cut_and_swap(data):
    """An offer with lines dropped, doubled or cut is an offer or refused as ours."""
    lines = OFFER.split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.integers(0, 2)):
            case 0:
                lines[at] = lines[at][: data.draw(st.integers(0, 30))]
            case 1:
                lines.insert(at, lines[data.draw(st.integers(0, len(lines) - 1))])
            case _:
                lines[at] = lines[at] + data.draw(st.text(max_size=10))
    with contextlib.suppress(Invalid):
        read_offer("\r\n".join(lines))
