"""Both signatures, on every vector of wire.md 3 and 4."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.errors import Denied, Invalid
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import decode_form
from openmpu.wire.rpc.signatures import v1, v3
from openmpu.wire.rpc.signatures.encoding import percent_encode

CANONICAL = (
    "AccessKeyId=testid&Action=StartMPUTask&AppId=yourAppId&BackgroundColor=0&ChannelId=yourChannelId&Format=JSON"
    "&LayoutIds.1=2&MediaEncode=20&RegionId=cn-hangzhou&SignatureMethod=HMAC-SHA1&SignatureNonce=15215528852396"
    "&SignatureVersion=1.0&StreamURL=rtmp%3A%2F%2Fexample.com%2Flive%2Fstream%3Fauth_key%3D1-0-0-abc&TaskId=yourTaskId"
    "&Timestamp=2024-01-02T03%3A04%3A05Z&UserPanes.1.PaneId=0&UserPanes.1.SourceType=camera"
    "&UserPanes.1.Texts.1.Text=Host%20A%20%26%20co.%20~%2A%27%281%2B1%29&UserPanes.1.UserId=TestId&Version=2016-11-01"
)
STOP = (
    "AccessKeyId=testid&Action=StopMPUTask&AppId=yourAppId&Format=JSON&SignatureMethod=HMAC-SHA1"
    "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0&TaskId=yourTaskId"
    "&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2018-01-11"
)
REGIONS = (
    "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1"
    "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0&Timestamp=2016-02-23T12%3A46%3A24Z"
    "&Version=2014-05-26"
)
V1_VECTORS = [
    ("GET", CANONICAL, "Wva4hhih+opaU7EwwVmzfZqQbq4="),
    ("POST", CANONICAL, "IWdXIVTPQU9Z1PFUr3qZmGzF3lw="),
    ("GET", CANONICAL + "&SignatureType=", "Zki/yPS9TwbEhaOQck3u1J8l/Kw="),
    ("POST", CANONICAL + "&SignatureType=", "CfDTpk8mdWxXYhISqVdo6bvgnEw="),
    ("GET", STOP, "ymOrNnTihmW30vUDJ31gfJjOp7g="),
    ("POST", STOP, "yH9FcapB2rq05/UcpbSnwsJ8mLk="),
    ("GET", REGIONS, "OLeaidS1JvxuMvnyHOwuJ+uX5qY="),
]


@pytest.mark.parametrize(("method", "query", "signature"), V1_VECTORS)
def test_v1_vectors(method: str, query: str, signature: str) -> None:
    """wire.md 3.1 and 3.2."""
    parameters = decode_form(query.encode())
    assert v1.sign("testsecret", v1.string_to_sign(method, {**parameters, "Signature": "x"})) == signature


def test_the_v1_string_to_sign_is_the_printed_one() -> None:
    """wire.md 3.1: encoded twice, with the method and the path before it."""
    text = v1.string_to_sign("GET", decode_form(CANONICAL.encode()))
    assert text.startswith("GET&%2F&AccessKeyId%3Dtestid%26Action%3DStartMPUTask%26AppId%3DyourAppId%26Backgr")
    assert "Text%3DHost%2520A%2520%2526%2520co.%2520~%252A%2527%25281%252B1%2529%26" in text
    assert ":" not in text


def test_unreserved_characters_stay_and_all_others_are_encoded() -> None:
    """RFC 3986: `~` stays, blank is %20, `*` is %2A, capitals in the escapes."""
    assert percent_encode("aZ09-_.~") == "aZ09-_.~"
    assert percent_encode(" *+/值") == "%20%2A%2B%2F%E5%80%BC"


EXAMPLE = Incoming(
    "POST",
    "/",
    b"AppId=yourAppId&BackgroundColor=0&ChannelId=yourChannelId&LayoutIds.1=2&MediaEncode=20"
    b"&StreamURL=rtmp%3A%2F%2Fexample.com%2Flive%2Fstream%3Fauth_key%3D1-0-0-abc&TaskId=yourTaskId"
    b"&UserPanes.1.PaneId=0&UserPanes.1.SourceType=camera"
    b"&UserPanes.1.Texts.1.Text=Host+A+%26+co.+~%2A%27%281%2B1%29&UserPanes.1.UserId=TestId",
    (
        ("host", "rtc.example.test"),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("user-agent", "spec-example/1.0"),
        ("x-acs-action", "StartMPUTask"),
        ("x-acs-content-sha256", "bf5389e4467b5b1c768ede53a9739d98e94922668d2e15e1689681fac01cf34a"),
        ("x-acs-credentials-provider", "static_ak"),
        ("x-acs-date", "2024-01-02T03:04:05Z"),
        ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
        ("x-acs-version", "2018-01-11"),
    ),
    b"EnhancedParam.EnablePortraitSegmentation=True",
)
ALL_SIGNED = tuple(sorted(name for name, _ in EXAMPLE.headers))


def signed(incoming: Incoming, names: tuple[str, ...], secret: str = "testsecret") -> tuple[str, str]:
    """Hash of the canonical request and signature."""
    payload = incoming.header("x-acs-content-sha256") or ""
    text = v3.string_to_sign(v3.canonical_request(incoming, decode_form(incoming.query), names, payload))
    return text.rpartition("\n")[2], v3.sign(secret, text)


def test_v3_worked_example_with_a_body() -> None:
    """wire.md 4.1, the query sent with `+` for blanks."""
    assert signed(EXAMPLE, ALL_SIGNED) == (
        "fab2baec4cd123e7cd6c34ebbf07d3cdd9cc49ecbb04e4206217dc92c915826b",
        "8ec849b44da38022c76b8e9a8cb54f550cf65fa886654d76560349c9e15ccb3a",
    )


def test_v3_signed_the_node_way() -> None:
    """The same without accept and user-agent."""
    names = tuple(name for name in ALL_SIGNED if name not in {"accept", "user-agent"})
    assert signed(EXAMPLE, names)[1] == "6b0c8d7140bd22319502b4ef009721818443251f6a197e7cc8324eaab5045fed"


SHORT = ("host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version")


def short(method: str, query: bytes, *values: str) -> Incoming:
    host, action, date, nonce, version = values
    named = dict(zip(SHORT, (host, action, v3.EMPTY_HASH, date, nonce, version), strict=True))
    return Incoming(method, "/", query, tuple(named.items()))


def test_v3_short_vector() -> None:
    """wire.md 4.2, StopMPUTask."""
    nonce = "0123456789abcdef0123456789abcdef"
    values = ("live.example.test", "StopMPUTask", "2024-01-02T03:04:05Z", nonce, "2016-11-01")
    assert signed(short("GET", b"AppId=yourAppId&TaskId=yourTaskId", *values), SHORT) == (
        "0d743f71ab35f68bb008e3a100488c1acc6b85803b934ab289c56e2520f428ca",
        "51590577485268d411f8b33186a06de21793ec97e4a49d7944b4fb7f4aff8251",
    )


def test_v3_published_vector() -> None:
    """wire.md 4.2, the vendor's own."""
    query = b"ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    values = ("ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2023-10-26T10:22:32Z")
    incoming = short("POST", query, *values, "3156853299f313e23d1673dc12e1703d", "2014-05-26")
    assert signed(incoming, SHORT, "YourAccessKeySecret") == (
        "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
        "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    )


def test_a_repeated_header_is_sorted_and_joined() -> None:
    """wire.md 4: values cut, sorted, joined with a comma."""
    incoming = Incoming("GET", "/", b"", (("host", "h"), ("x-acs-b", " 2 "), ("x-acs-b", "1")))
    assert "x-acs-b:1,2\n" in v3.canonical_request(incoming, {}, ("host", "x-acs-b"), "hash")


@pytest.mark.parametrize("gap", [",", ", ", ",  "])
def test_blanks_after_the_commas_of_authorization_do_not_matter(gap: str) -> None:
    """wire.md 4."""
    read = v3.read_authorization(gap.join(("ACS3-HMAC-SHA256 Credential=id", "SignedHeaders=a;b", "Signature=ff")))
    assert read == v3.Authorization("id", ("a", "b"), "ff")


@pytest.mark.parametrize("algorithm", ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "ACS3-"])
def test_other_algorithms_of_the_family_are_refused(algorithm: str) -> None:
    """wire.md 4: InvalidSignatureMethod."""
    with pytest.raises(Invalid) as refused:
        v3.read_authorization(f"{algorithm} Credential=a,SignedHeaders=b,Signature=c")
    assert refused.value.subject == "SignatureMethod"


MALFORMED: list[Any] = [
    "ACS3-HMAC-SHA256",
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b",
    "ACS3-HMAC-SHA256 Credential=,SignedHeaders=b,Signature=c",
    "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=c,Signature=d",
    "ACS3-HMAC-SHA256 a,b,c",
]


@pytest.mark.parametrize("header", MALFORMED)
def test_an_unreadable_authorization_is_incomplete(header: str) -> None:
    """wire.md 8.2 IncompleteSignature."""
    with pytest.raises(Denied) as refused:
        v3.read_authorization(header)
    assert refused.value.subject == "authorization"


def test_what_must_be_signed_is_asked_for() -> None:
    """wire.md 4: host and every x-acs header."""
    incoming = Incoming("GET", "/", b"", (("host", "h"), ("x-acs-a", "1"), ("x-other", "2")))
    v3.check_coverage(incoming, ("host", "x-acs-a"))
    for names in (("host",), ("x-acs-a",), ("host", "x-acs-a", "host")):
        with pytest.raises(Denied):
            v3.check_coverage(incoming, names)
