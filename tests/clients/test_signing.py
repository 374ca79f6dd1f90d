"""The clients' own signer, against the specification's vectors and against the server's checks."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.clients.signing import Keys, Once, sign_v1, sign_v3
from openmpu.errors import Denied
from openmpu.wire.rpc.authentication import check_signature, read_claim
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import collect

KEYS = Keys("testid", "testsecret")
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
EXAMPLE = {
    "Action": "StartMPUTask",
    "AppId": "yourAppId",
    "BackgroundColor": "0",
    "ChannelId": "yourChannelId",
    "Format": "JSON",
    "LayoutIds.1": "2",
    "MediaEncode": "20",
    "RegionId": "cn-hangzhou",
    "StreamURL": "rtmp://example.com/live/stream?auth_key=1-0-0-abc",
    "TaskId": "yourTaskId",
    "UserPanes.1.PaneId": "0",
    "UserPanes.1.SourceType": "camera",
    "UserPanes.1.Texts.1.Text": "Host A & co. ~*'(1+1)",
    "UserPanes.1.UserId": "TestId",
    "Version": "2016-11-01",
}


@pytest.mark.parametrize(
    ("method", "signature"), [("GET", "Wva4hhih%2BopaU7EwwVmzfZqQbq4%3D"), ("POST", "IWdXIVTPQU9Z1PFUr3qZmGzF3lw%3D")]
)
def test_v1_gives_the_signatures_of_the_specification(method, signature):
    """The worked example, wire.md 3.1."""
    request = sign_v1(method, "/", EXAMPLE, KEYS, Once(MOMENT, "15215528852396"), "rtc.example.test")
    sent = request.query if method == "GET" else request.body.decode()
    assert f"&Signature={signature}&" in sent


def test_v3_gives_the_signature_of_the_specification():
    """The short vector, wire.md 4.2."""
    request = sign_v3(
        "GET",
        "/",
        {"AppId": "yourAppId", "TaskId": "yourTaskId"},
        KEYS,
        Once(MOMENT, "0123456789abcdef0123456789abcdef"),
        "live.example.test",
        ("StopMPUTask", "2016-11-01"),
    )
    expected = "51590577485268d411f8b33186a06de21793ec97e4a49d7944b4fb7f4aff8251"
    assert request.headers["authorization"].endswith(f"Signature={expected}")


def incoming(request, path="/"):
    """The request as the server gets it."""
    return Incoming(request.method, path, request.query.encode(), tuple(request.headers.items()), request.body)


def check(request, secret, path="/"):
    """The server's verdict."""
    got = incoming(request, path)
    check_signature(read_claim(got, collect(got)), secret)


VALUES = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,20}", fullmatch=True).filter(lambda name: name not in EXAMPLE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    max_size=5,
).filter(
    lambda values: not any(name.startswith(("Signature", "AccessKeyId", "Timestamp", "Security")) for name in values)
)


@given(VALUES, st.sampled_from(["GET", "POST"]))
def test_the_server_agrees_with_v1(values, method):
    """Any text in values; and it notices another secret."""
    request = sign_v1(method, "/", {**EXAMPLE, **values}, KEYS, Once(MOMENT, "n"), "host:8080")
    check(request, "testsecret")
    with pytest.raises(Denied):
        check(request, "another")


@given(VALUES, st.sampled_from(["GET", "POST"]))
def test_the_server_agrees_with_v3(values, method):
    """Any text in values; and it notices another secret."""
    request = sign_v3(method, "/", values, KEYS, Once(MOMENT, "n"), "host:8080", ("StartMPUTask", "2018-01-11"))
    check(request, "testsecret")
    with pytest.raises(Denied):
        check(request, "another")


def test_our_own_doors_are_signed_with_their_path():
    """`/api/tasks/…`: a signature for one is none for another."""
    request = sign_v1("GET", "/api/tasks/a/b", {}, KEYS, Once(MOMENT, "n"), "host")
    check(request, "testsecret", path="/api/tasks/a/b")
    with pytest.raises(Denied):
        check(request, "testsecret", path="/api/tasks/a/c")


def test_secrets_do_not_show():
    """In no repr."""
    assert "testsecret" not in repr(KEYS)
    request = sign_v1("GET", "/", {}, KEYS, Once(MOMENT, "n"), "host")
    assert "authorization" not in repr(request)
