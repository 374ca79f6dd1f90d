"""Trickle ICE fragments and the HTTP rules of WHIP."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.errors import Busy, Denied, InternalError, Invalid, Limited, NotFound, OpenMpuError
from openmpu.wire.whip.answers import Here
from openmpu.wire.whip.candidates import MAX_CANDIDATES, Candidate, Credentials
from openmpu.wire.whip.fragments import read_fragment, write_fragment
from openmpu.wire.whip.http import (
    FRAGMENT,
    IceServer,
    IfMatch,
    cors_headers,
    is_type,
    link_headers,
    quote_etag,
    read_if_match,
    refusal,
)

# RFC 8840 9, as RFC 9725 4.3.2 shows it
TRICKLE = """a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
m=audio 9 UDP/TLS/RTP/SAVPF 0
a=mid:0
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2
a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1
a=end-of-candidates
""".replace("\n", "\r\n")


def test_trickle():
    """Candidates, their end and the session that they belong to."""
    fragment = read_fragment(TRICKLE)
    assert [one.port for one in fragment.candidates] == [61764, 61765]
    assert fragment.complete
    assert fragment.credentials == Credentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")


def test_end_alone():
    """The end of candidates may come by itself, without credentials."""
    fragment = read_fragment("a=end-of-candidates\r\n")
    assert (fragment.complete, fragment.candidates, fragment.credentials) == (True, (), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n",
        "a=ice-ufrag:EsAw\r\n",
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
        "a=ice-ufrag:E\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
        "a=candidate:1 1 udp\r\n",
        "a=candidate:1 1 udp x 192.0.2.1 61764 typ host\r\n",
        "".join(f"a=candidate:{n} 1 udp 1 192.0.2.1 {n + 1} typ host\r\n" for n in range(MAX_CANDIDATES + 1)),
    ],
)
def test_malformed(text):
    """Each malformed fragment is refused as ours."""
    with pytest.raises(Invalid) as caught:
        read_fragment(text)
    assert caught.value.subject == "sdp"


@given(st.text(max_size=200))
def test_any_text(text):
    """Any text is a fragment or refused as ours."""
    with contextlib.suppress(Invalid):
        read_fragment(text)


def test_restart_answer_reads_back():
    """What answers a restart is a fragment itself."""
    here = Here(Credentials("abcd", "p" * 24), (Candidate("1", 77, "203.0.113.5", 40_001),), (), 1)
    fragment = read_fragment(write_fragment(here, "audio", "0"))
    assert (fragment.credentials, fragment.candidates, fragment.complete) == (here.credentials, here.candidates, True)


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        ("1 1 udp 1 192.0.2.1 5 typ host", True),
        ("1 1 UDP 1 2001:db8::1 5 typ srflx raddr 10.0.0.1 rport 9", True),
        ("1 1 udp 1 fe80::1%eth0 5 typ host", True),
        ("1 2 udp 1 192.0.2.1 5 typ host", False),
        ("1 1 tcp 1 192.0.2.1 9 typ host tcptype passive", False),
        ("1 1 udp 1 192.0.2.1 0 typ host", False),
        ("1 1 udp 1 0.0.0.0 9 typ host", False),
        ("1 1 udp 1 224.0.0.1 9 typ host", False),
        ("1 1 udp 1 2f9b.local 9 typ host", False),
        ("1 1 udp 1 192.0.2.1 9 typ strange", False),
    ],
)
def test_usable_candidates(value, usable):
    """Only candidates that UDP can reach count; the rest is no error."""
    fragment = read_fragment(f"a=candidate:{value}\r\n")
    assert bool(fragment.candidates) is usable


def test_content_types():
    """Parameters and case of a content type do not matter, its name does."""
    assert is_type("Application/Trickle-ICE-SDPFrag; charset=utf-8", FRAGMENT)
    assert not is_type("application/sdp", FRAGMENT)
    assert not is_type(None, FRAGMENT)


def test_if_match():
    """One strong tag, or any; none at all is told apart."""
    assert read_if_match(quote_etag("x1")) == IfMatch("x1")
    assert read_if_match(" * ") == IfMatch(None, any=True)
    assert read_if_match('"*"') == IfMatch(None, any=True)  # as RFC 9725 4.3.3 has it in its example
    assert read_if_match(None) is read_if_match("") is None


@pytest.mark.parametrize("header", ["x1", 'W/"x1"', '"a", "b"', '""', '"'])
def test_bad_if_match(header):
    """Weak tags and lists are no session's."""
    with pytest.raises(Invalid, match="If-Match"):
        read_if_match(header)


def test_links_of_ice_servers():
    """STUN and TURN servers are told as RFC 9725 4.6 writes them; a credential is not shown in a log."""
    turn = IceServer("turn:turn.example.net?transport=udp", 'us"er', "secret")
    assert link_headers([IceServer("stun:stun.example.net"), turn]) == [
        '<stun:stun.example.net>; rel="ice-server"',
        (
            '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="us\\"er"; credential="secret"; '
            'credential-type="password"'
        ),
    ]
    assert "secret" not in repr(turn)


def test_cors_lets_a_page_publish():
    """A page of any origin may send and read what WHIP needs."""
    headers = cors_headers()
    assert "PATCH" in headers["Access-Control-Allow-Methods"]
    assert "If-Match" in headers["Access-Control-Allow-Headers"]
    assert "Location" in headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (Invalid("sdp", "x"), 400, "sdp"),
        (Invalid("etag", "x"), 412, "etag"),
        (NotFound("publication", "x"), 404, "publication"),
        (Denied("token", "x"), 401, "token"),
        (Limited("rate", "x"), 429, "rate"),
        (Busy("gateway", "x"), 503, "gateway"),
        (InternalError("bug", "secret"), 500, "internal"),
        (OpenMpuError("other", "secret"), 500, "internal"),
    ],
)
def test_refusals(error, status, word):
    """Each kind of error has its status and one word; a bug's own words stay inside."""
    got, body = refusal(error)
    assert (got, body["error"]) == (status, word)
    assert "secret" not in body["message"]
