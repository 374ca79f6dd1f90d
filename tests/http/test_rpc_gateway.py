"""The steps before an operation: transport, format, action, authentication, in their order (wire.md 1, 2, 5, 8.2, 9).

Each refusal is asked for in JSON and in XML.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from openmpu.errors import Limited
from openmpu.http.rpc import RpcOptions
from tests.http.house import LIVE, RTC, RpcHouse, open_house
from tests.http.signing import FORM, RpcClient, Signer, query_of, stamp

NAMED = {"AppId": "app", "TaskId": "t1"}
JSON_TYPE, XML_TYPE = "application/json;charset=utf-8", "text/xml;charset=utf-8"
MINUTE = 60 * 10**9


def told(response: httpx.Response) -> tuple[int, str]:
    """Status and code, out of a body that must be whole and in the shape of wire.md 8.1."""
    if response.headers["content-type"] == JSON_TYPE:
        body = response.json()
        assert list(body) == ["RequestId", "HostId", "Code", "Message"]
        assert body["HostId"] == "rtc.example.test"
        code, request_id = body["Code"], body["RequestId"]
    else:
        assert response.headers["content-type"] == XML_TYPE
        match = re.fullmatch(
            r'<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><RequestId>(.*)</RequestId><HostId>rtc.example.test</HostId>'
            r"<Code>(.*)</Code><Message>(.*)</Message></Error>",
            response.text,
            re.DOTALL,
        )
        assert match, response.text
        request_id, code = match[1], match[2]
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", request_id)
    assert response.headers["x-acs-request-id"] == request_id
    return response.status_code, code


@pytest.fixture(params=["JSON", "XML"])
def format_(request: pytest.FixtureRequest) -> str:
    """Which format a call asks for; the answer must have it."""
    return str(request.param)


def has_format(response: httpx.Response, format_: str) -> bool:
    return bool(response.headers["content-type"] == (JSON_TYPE if format_ == "JSON" else XML_TYPE))


V1_REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"Action": None}, 400, "MissingAction"),
    ({"Action": ""}, 400, "MissingAction"),
    ({"Version": None}, 400, "MissingVersion"),
    ({"Version": "2014-05-26"}, 400, "InvalidVersion"),
    ({"Action": "StartStreamingOut"}, 404, "InvalidAction.NotFound"),
    ({"AccessKeyId": None}, 400, "MissingAccessKeyId"),
    ({"Timestamp": None}, 400, "MissingTimestamp"),
    ({"SignatureNonce": None}, 400, "MissingSignatureNonce"),
    ({"SignatureMethod": None}, 400, "MissingSignatureMethod"),
    ({"SignatureVersion": None}, 400, "MissingSignatureVersion"),
    ({"SignatureMethod": "HMAC-SHA256"}, 400, "InvalidSignatureMethod"),
    ({"SignatureVersion": "2.0"}, 400, "InvalidSignatureVersion"),
    ({"SignatureType": "BEARERTOKEN"}, 400, "IncompleteSignature"),
    ({"SignatureType": "PRIVATEKEY"}, 400, "InvalidSignatureType"),
    ({"SignatureNonce": "x" * 129}, 400, "InvalidSignatureNonce"),
    ({"AccessKeyId": "nobody"}, 404, "InvalidAccessKeyId.NotFound"),
    ({"AccessKeyId": "idle"}, 400, "InvalidAccessKeyId.Inactive"),
    ({"SecurityToken": "sts"}, 400, "InvalidSecurityToken.MismatchWithAccessKey"),
    ({"Timestamp": "2024-01-02 03:04:05"}, 400, "InvalidTimeStamp.Format"),
    ({"Timestamp": "2024-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
    ({"Timestamp": "2044-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
]


@pytest.mark.parametrize(("changes", "status", "code"), V1_REFUSALS, ids=[f"{row[2]}-{row[0]}" for row in V1_REFUSALS])
async def test_v1_refusals(house: RpcHouse, format_: str, changes: dict[str, Any], status: int, code: str) -> None:
    """Each code of wire.md 8.2 that a V1 request can earn, in the format that it asks for."""
    response = await house.client.v1("StopMPUTask", RTC, NAMED, Format=format_, **changes)
    assert told(response) == (status, code)
    assert has_format(response, format_)


V3_REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"x_acs_action": None}, 400, "MissingAction"),
    ({"x_acs_version": None}, 400, "MissingVersion"),
    ({"x_acs_action": "Nothing"}, 404, "InvalidAction.NotFound"),
    ({"x_acs_date": None}, 400, "MissingTimestamp"),
    ({"x_acs_signature_nonce": None}, 400, "MissingSignatureNonce"),
    ({"x_acs_content_sha256": None}, 400, "IncompleteSignature"),
    ({"x_acs_content_sha256": hashlib.sha256(b"other").hexdigest()}, 400, "SignatureDoesNotMatch"),
    ({"x_acs_date": "yesterday"}, 400, "InvalidTimeStamp.Format"),
    ({"x_acs_date": "2024-01-02T03:04:05Z"}, 400, "InvalidTimeStamp.Expired"),
    ({"x_acs_security_token": "sts"}, 400, "InvalidSecurityToken.MismatchWithAccessKey"),
]


@pytest.mark.parametrize(("changes", "status", "code"), V3_REFUSALS, ids=[f"{row[2]}-{row[0]}" for row in V3_REFUSALS])
async def test_v3_refusals(house: RpcHouse, format_: str, changes: dict[str, Any], status: int, code: str) -> None:
    """The same for V3; without a Format its answers are JSON."""
    accept = "application/json" if format_ == "JSON" else "text/xml"
    response = await house.client.v3("StopMPUTask", RTC, NAMED, accept=accept, **changes)
    assert told(response) == (status, code)
    assert has_format(response, format_)


async def test_an_unsigned_request_misses_a_signature(house: RpcHouse, format_: str) -> None:
    """wire.md 2.3: V1 style; XML unless JSON is asked for."""
    query = query_of({"Action": "StopMPUTask", "Version": RTC, **NAMED, "Format": format_, "AccessKeyId": "testid"})
    response = await house.http.get(f"/?{query}")
    assert told(response) == (400, "MissingSignature")
    assert has_format(response, format_)


async def test_another_algorithm_of_the_v3_family(house: RpcHouse) -> None:
    """wire.md 4."""
    headers = house.client.signer.v3("GET", "StopMPUTask", RTC, NAMED)
    headers["Authorization"] = headers["Authorization"].replace("HMAC-SHA256", "HMAC-SM3")
    response = await house.http.get(f"/?{query_of(NAMED)}", headers=headers)
    assert told(response) == (400, "InvalidSignatureMethod")


async def test_a_header_added_on_the_way_must_be_signed(house: RpcHouse) -> None:
    """wire.md 4: every x-acs header of the request."""
    headers = {**house.client.signer.v3("GET", "StopMPUTask", RTC, NAMED), "x-acs-extra": "1"}
    response = await house.http.get(f"/?{query_of(NAMED)}", headers=headers)
    assert told(response) == (400, "IncompleteSignature")


async def test_a_wrong_secret_is_told_the_string_to_sign(house: RpcHouse) -> None:
    """wire.md 8.3: one colon, then the string, then nothing: as the Python core SDK splits it."""
    client = RpcClient(house.http, Signer(secret="wrong", now=house.clock.now()))
    response = await client.v1("StopMPUTask", RTC, NAMED)
    assert told(response) == (400, "SignatureDoesNotMatch")
    words, text = response.json()["Message"].split(":")
    assert words.endswith("server string to sign is")
    assert text.startswith("GET&%2F&AccessKeyId%3Dtestid%26Action%3DStopMPUTask%26AppId%3Dapp%26Format%3DJSON")
    message = (await client.v3("StopMPUTask", RTC, NAMED)).json()["Message"]
    assert re.fullmatch(r"[^:]*:ACS3-HMAC-SHA256\n[0-9a-f]{64}", message)


async def test_fifteen_minutes_either_way_are_fine(house: RpcHouse) -> None:
    """wire.md 8.2."""
    for skew, status in ((15, 404), (-15, 404), (15.1, 400), (-15.1, 400)):
        at = stamp(house.clock.now() + round(skew * MINUTE))
        assert (await house.client.v1("StopMPUTask", RTC, NAMED, Timestamp=at)).status_code == status


async def test_a_nonce_counts_once_per_key_and_only_after_the_signature(house: RpcHouse) -> None:
    """wire.md 8.3: a request that failed its signature check does not consume its nonce."""
    bad = RpcClient(house.http, Signer(secret="wrong", now=house.clock.now()))
    other = RpcClient(house.http, Signer("otherid", "othersecret", house.clock.now()))
    assert told(await bad.v1("StopMPUTask", RTC, NAMED, SignatureNonce="n"))[1] == "SignatureDoesNotMatch"
    assert (await house.client.v1("StopMPUTask", RTC, NAMED, SignatureNonce="n")).status_code == 404
    assert told(await house.client.v1("StopMPUTask", RTC, NAMED, SignatureNonce="n"))[1] == "SignatureNonceUsed"
    assert told(await house.client.v3("StopMPUTask", RTC, NAMED, x_acs_signature_nonce="n"))[1] == "SignatureNonceUsed"
    assert told(await other.v1("StopMPUTask", RTC, NAMED, SignatureNonce="n"))[1] == "InvalidAppId"


async def test_signature_method_in_any_case(house: RpcHouse) -> None:
    """One page prints `Hmac-SHA1`."""
    assert (await house.client.v1("StopMPUTask", RTC, NAMED, SignatureMethod="Hmac-SHA1")).status_code == 404


async def test_an_empty_signature_type_is_signed_like_any_parameter(house: RpcHouse) -> None:
    """The Python core sends `SignatureType=`."""
    assert (await house.client.v1("StopMPUTask", RTC, NAMED, SignatureType="")).status_code == 404


async def test_action_and_version_of_a_v3_request_may_be_parameters(house: RpcHouse) -> None:
    """wire.md 2.2, of hand-made requests."""
    parameters = {**NAMED, "Action": "StopMPUTask", "Version": RTC}
    response = await house.client.v3("", "", parameters, x_acs_action=None, x_acs_version=None)
    assert told(response) == (404, "InvalidTask.NotFound")


ODD = "a b+c*~'(&%值😀"


@pytest.mark.parametrize("way", ["v1", "v1_form", "v3", "v3_form"])
async def test_odd_characters_survive_every_way_of_sending(house: RpcHouse, way: str) -> None:
    """wire.md 11.2."""
    call = getattr(house.client, way)
    panes = [{"PaneId": 0, "Texts": [{"Text": ODD}]}]
    start = {**NAMED, "ChannelId": "room", "StreamURL": "rtmp://a/b/c?k=1&d=%20", "UserPanes": panes}
    assert (await call("StartMPUTask", RTC, start)).status_code == 200
    (record,) = house.tasks.unfinished()
    assert record.spec.mix.panes[0].texts[0].text == ODD
    assert record.spec.targets[0].secret == "rtmp://a/b/c?k=1&d=%20"


async def test_v1_may_split_its_parameters(house: RpcHouse) -> None:
    """Common ones in the query, the operation's in the body (old Tea Java and PHP)."""
    every = house.client.signer.v1("POST", {"Action": "StopMPUTask", "Version": RTC, "Format": "JSON", **NAMED})
    query = {name: value for name, value in every.items() if name not in NAMED}
    response = await house.http.post(f"/?{query_of(query)}", content=query_of(NAMED), headers={"content-type": FORM})
    assert told(response) == (404, "InvalidTask.NotFound")


FORMATS = [
    ({"Format": "json"}, None, JSON_TYPE),
    ({"Format": "Xml"}, "application/json", XML_TYPE),
    ({"Format": None}, None, XML_TYPE),
    ({"Format": None}, "*/*", XML_TYPE),
    ({"Format": None}, "application/json", JSON_TYPE),
    ({"Format": None}, "application/xml", XML_TYPE),
    ({"Format": ""}, "application/json, */*", JSON_TYPE),
]


@pytest.mark.parametrize(("changes", "accept", "content_type"), FORMATS)
async def test_the_format_of_an_answer(
    house: RpcHouse, changes: dict[str, Any], accept: str | None, content_type: str
) -> None:
    """wire.md 5: the parameter, then Accept, then XML for V1; the content types letter by letter."""
    house.http.headers = httpx.Headers({"accept": accept} if accept else {})
    response = await house.client.v1("StopMPUTask", RTC, NAMED, **changes)
    assert response.headers["content-type"] == content_type
    assert response.status_code == 404


async def test_v3_without_format_and_accept_is_json(house: RpcHouse) -> None:
    """Every V3 SDK parses JSON only."""
    house.http.headers = httpx.Headers({})
    assert (await house.client.v3("StopMPUTask", RTC, NAMED)).headers["content-type"] == JSON_TYPE


async def test_an_unknown_format_is_refused_in_xml(house: RpcHouse) -> None:
    """wire.md 5."""
    response = await house.client.v1("StopMPUTask", RTC, NAMED, Format="bogus")
    assert told(response) == (400, "InvalidParameter.Format")
    assert response.headers["content-type"] == XML_TYPE


async def test_an_accept_that_allows_nothing_is_refused(house: RpcHouse) -> None:
    """wire.md 8.2 InvalidParameter.Accept; never an HTML page."""
    house.http.headers = httpx.Headers({"accept": "text/html"})
    response = await house.client.v1("StopMPUTask", RTC, NAMED, Format=None)
    assert told(response) == (400, "InvalidParameter.Accept")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
async def test_other_methods(house: RpcHouse, format_: str, method: str) -> None:
    """wire.md 1: 400 UnsupportedHTTPMethod."""
    response = await house.http.request(method, f"/?Format={format_}")
    assert told(response) == (400, "UnsupportedHTTPMethod")
    assert has_format(response, format_)


async def test_a_head_request_has_no_body(house: RpcHouse) -> None:
    """HTTP wants that; the headers tell."""
    response = await house.http.head("/")
    assert (response.status_code, response.content) == (400, b"")
    assert response.headers["content-type"] == XML_TYPE


@pytest.mark.parametrize("path", ["/index.html", "/v1/tasks", "/favicon.ico", "/%2F"])
async def test_other_paths(house: RpcHouse, path: str) -> None:
    """wire.md 1: 404 InvalidAction.NotFound, in XML where nothing is asked for."""
    response = await house.http.get(path)
    assert told(response) == (404, "InvalidAction.NotFound")


async def test_a_request_line_of_thirty_kilobytes_passes_and_more_than_sixty_does_not(house: RpcHouse) -> None:
    """wire.md 1."""
    assert told(await house.client.v1("StopMPUTask", RTC, {**NAMED, "Foo": "x" * 58_000}))[0] == 404
    response = await house.client.v1("StopMPUTask", RTC, {**NAMED, "Foo": "x" * 60_000})
    assert told(response) == (413, "RequestEntityTooLarge")


async def test_a_body_of_a_megabyte_passes_and_more_does_not(house: RpcHouse, format_: str) -> None:
    """wire.md 1, told by its length or found while reading."""

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(size):
            yield b"x" * 1024

    assert told(await house.client.v1_form("StopMPUTask", RTC, {**NAMED, "Foo": "x" * 1_048_000}))[0] == 404
    headers = {"content-type": FORM}
    url = f"/?Format={format_}"
    for content in (b"x" * (1 << 20) + b"y", pieces(1025)):
        response = await house.http.post(url, content=content, headers=headers)
        assert told(response) == (413, "RequestEntityTooLarge")
        assert has_format(response, format_)


async def test_a_post_without_a_body_may_say_any_content_type(house: RpcHouse) -> None:
    """wire.md 1: the asynchronous Python Tea client says octet-stream."""
    response = await house.client.v3("StopMPUTask", RTC, NAMED, content_type="application/octet-stream")
    assert told(response) == (404, "InvalidTask.NotFound")


async def test_a_json_body_is_refused(house: RpcHouse, format_: str) -> None:
    """wire.md 1: InvalidParameter.ContentType."""
    response = await house.http.post(f"/?Format={format_}", json={"Action": "StopMPUTask"})
    assert told(response) == (400, "InvalidParameter.ContentType")


@pytest.mark.parametrize("query", ["Action=A&Action=StopMPUTask", "AppId=app&AppId=app"])
async def test_doubled_parameters_are_refused(house: RpcHouse, format_: str, query: str) -> None:
    """security.md S9."""
    response = await house.http.get(f"/?{query}&Format={format_}")
    assert told(response) == (400, "InvalidParameter.Duplicate")
    assert has_format(response, format_)


async def test_text_that_is_not_utf8_is_refused(house: RpcHouse) -> None:
    """UTF-8 everywhere."""
    assert told(await house.http.get("/?A=%FF")) == (400, "InvalidParameter.Encoding")


async def test_the_order_of_the_steps(house: RpcHouse) -> None:
    """wire.md 9: a request with everything wrong is refused by the first step, mended step by step by the next."""
    wrong = {"Format": "bogus", "Action": "Nope", "Version": "1", "AccessKeyId": "nobody", "Timestamp": "x"}
    seen = []
    for name, right in (
        ("Format", "JSON"),
        ("Version", RTC),
        ("Action", "StopMPUTask"),
        ("AccessKeyId", "testid"),
        ("Timestamp", stamp(house.clock.now())),
    ):
        seen.append(told(await house.client.v1("", "", {"AppId": "bad id"}, **wrong))[1])
        wrong = {**wrong, name: right}
    client = RpcClient(house.http, Signer(secret="wrong", now=house.clock.now()))
    seen.append(told(await client.v1("StopMPUTask", RTC, {"AppId": "bad id"}))[1])
    seen.append(told(await house.client.v1("StopMPUTask", RTC, {"AppId": "bad id"}))[1])
    seen.append(told(await house.client.v1("StopMPUTask", RTC, {"AppId": "bad id", "TaskId": "t"}))[1])
    assert seen == [
        *("InvalidParameter.Format", "InvalidVersion", "InvalidAction.NotFound", "InvalidAccessKeyId.NotFound"),
        *("InvalidTimeStamp.Format", "SignatureDoesNotMatch", "MissingTaskId", "InvalidAppId"),
    ]


class OneCall:
    """A limiter that is always full."""

    def check(self, account_name: str, version: str, action: str) -> None:
        assert (account_name, version, action) == ("demo", LIVE, "GetMPUTaskStatus")
        raise Limited("rate", "more than 10 per 1 second", 0.75)


async def test_throttling_tells_how_long_to_wait(format_: str) -> None:
    """wire.md 8.2: milliseconds in x-acs-retry-after."""
    async with open_house(rates=OneCall()) as house:
        response = await house.client.v1("GetMPUTaskStatus", LIVE, NAMED, Format=format_)
    assert told(response) == (400, "Throttling.User")
    assert response.headers["x-acs-retry-after"] == "750"


async def test_a_bug_is_an_internal_error_without_detail(house: RpcHouse, format_: str) -> None:
    """wire.md 8.1: never HTML, never a trace."""

    async def break_down(*_: Any) -> None:
        raise RuntimeError("secret detail")

    house.tasks.stop = break_down  # type: ignore[method-assign]
    response = await house.client.v1("StopMPUTask", RTC, NAMED, Format=format_)
    assert told(response) == (500, "InternalError")
    assert "secret" not in response.text
    assert has_format(response, format_)


async def test_without_authentication_whoever_names_an_app_may_use_it() -> None:
    """wire.md 2.3."""
    async with open_house(options=RpcOptions(auth=False)) as house:
        query = query_of({"Action": "GetMPUTaskStatus", "Version": RTC, "AppId": "foreign", "TaskId": "t"})
        assert told(await house.http.get(f"/?{query}")) == (404, "InvalidTask.NotFound")
        assert told(await house.http.get(f"/?{query.replace('foreign', 'nowhere')}")) == (400, "InvalidAppId")


async def test_a_server_that_insists_on_tls(format_: str) -> None:
    """wire.md 8.2 InvalidProtocol.NeedSsl."""
    async with open_house(options=RpcOptions(require_tls=True)) as house:
        assert told(await house.http.get(f"/?Format={format_}")) == (400, "InvalidProtocol.NeedSsl")


async def test_a_help_link_where_one_is_configured() -> None:
    """wire.md 8.1 Recommend."""
    async with open_house(options=RpcOptions(recommend_url="https://help.example/q")) as house:
        body = (await house.client.v1("Nope", RTC, {})).json()
    assert body["Recommend"] == f"https://help.example/q?q=InvalidAction.NotFound&requestId={body['RequestId']}"


async def test_nothing_secret_is_logged(house: RpcHouse, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    """security.md S8: no signature, no secret, no stream key, also when the signature fails."""
    start = {**NAMED, "ChannelId": "room", "StreamURL": "rtmp://a/b/c?auth_key=PLANTED"}
    wrong = RpcClient(house.http, Signer(secret="WRONGSECRET", now=house.clock.now()))
    for client in (house.client, wrong):
        for call in (client.v1, client.v3, client.v1_form):
            await call("StartMPUTask", RTC, start)
    printed = "".join(capsys.readouterr()) + caplog.text
    assert "signature does not match" in printed
    for planted in ("PLANTED", "WRONGSECRET", "testsecret", "Signature="):
        assert planted not in printed
