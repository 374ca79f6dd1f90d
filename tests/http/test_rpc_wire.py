"""The door over TCP, byte by byte: what only a real HTTP server in front of it can show (wire.md 1)."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.http.house import RTC
from tests.http.serving import serving
from tests.http.signing import FORM, Signer, query_of

pytestmark = pytest.mark.e2e

NAMED = {"AppId": "app", "TaskId": "t1"}


async def exchange(endpoint: str, *pieces: bytes) -> bytes:
    """Send the pieces one after the other, and read until the server closes."""
    host, _, port = endpoint.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def head(request_line: str, *headers: str) -> bytes:
    lines = (request_line, "Host: rtc.example.test:8080", "Connection: close", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def v1(method: str, **parameters: str) -> str:
    common = {"Action": "GetMPUTaskStatus", "Version": RTC, "Format": "JSON", **NAMED, **parameters}
    return query_of(Signer(now=time.time_ns()).v1(method, common))


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


async def test_a_chunked_form_body() -> None:
    """Node clients send so; cut anywhere."""
    async with serving() as endpoint:
        body = v1("POST").encode()
        start = head("POST / HTTP/1.1", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
        answer = await exchange(endpoint, start, chunked(body, 7))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"Code":"InvalidTask.NotFound"' in answer
    assert b'"HostId":"rtc.example.test"' in answer


@pytest.mark.parametrize("size", [30_000, 58_000])
async def test_a_long_request_line(size: int) -> None:
    """Up to 60 000 bytes."""
    async with serving() as endpoint:
        answer = await exchange(endpoint, head(f"GET /?{v1('GET', Foo='x' * size)} HTTP/1.1"))
    assert b'"Code":"InvalidTask.NotFound"' in answer


@pytest.mark.parametrize("size", [60_000, 100_000])
async def test_a_request_line_that_is_too_long_gets_our_own_answer(size: int) -> None:
    """413, not a page of the HTTP server."""
    async with serving() as endpoint:
        answer = await exchange(endpoint, head(f"GET /?{v1('GET', Foo='x' * size)} HTTP/1.1"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"Code":"RequestEntityTooLarge"' in answer


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes() -> None:
    """Nothing of it need be sent."""
    async with serving() as endpoint:
        start = head("POST /?Format=JSON HTTP/1.1", f"Content-Type: {FORM}", "Content-Length: 100000000")
        answer = await exchange(endpoint, start)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        ("GET // HTTP/1.1", 404, "InvalidAction.NotFound"),
        ("GET /index.php HTTP/1.1", 404, "InvalidAction.NotFound"),
        ("get / HTTP/1.1", 400, "UnsupportedHTTPMethod"),
        ("PURGE / HTTP/1.1", 400, "UnsupportedHTTPMethod"),
        ("NONSENSE / HTTP/1.1", 400, "UnsupportedHTTPMethod"),
        ("GET / HTTP/9.9", 400, "InvalidParameter.Encoding"),
        ("GET /%ff?Action=%zz HTTP/1.1", 404, "InvalidAction.NotFound"),
        ("GET / HTTP/1.0", 400, "MissingAction"),
    ],
)
async def test_odd_request_lines(line: str, status: int, code: str) -> None:
    """Every one of them gets an XML error."""
    async with serving() as endpoint:
        answer = await exchange(endpoint, head(line))
    assert answer.split(b" ")[1] == str(status).encode()
    assert b"content-type: text/xml;charset=utf-8" in answer
    assert f"<Code>{code}</Code>".encode() in answer


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\nhello\r\n\r\n", b"GET / SIP/2.0\r\n\r\n"]
)
async def test_what_is_no_http_gets_an_xml_error_too(noise: bytes) -> None:
    """TLS at the plain port, chatter, another protocol: never a page, and the connection ends."""
    async with serving() as endpoint:
        answer = await exchange(endpoint, noise)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: text/xml;charset=utf-8" in answer
    assert b"<Error><RequestId>" in answer


async def test_garbage_behind_a_request_takes_no_answer_from_it() -> None:
    """The request is answered as if it were alone, and the connection is closed behind that answer."""
    async with serving() as endpoint:
        whole = head(f"GET /?{v1('GET')} HTTP/1.1").replace(b"Connection: close\r\n", b"")
        answer = await exchange(endpoint, whole + b"\x00\x01\r\n\r\n" * 3)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.count(b"HTTP/1.1 4") == 1
    assert b'"Code":"InvalidTask.NotFound"' in answer


async def test_a_body_that_breaks_off_into_garbage_is_refused_once() -> None:
    """Chunks that are none: one answer, and nothing of it in the log of faults."""
    async with serving() as endpoint:
        start = head("POST / HTTP/1.1", f"Content-Type: {FORM}", "Transfer-Encoding: chunked")
        answer = await exchange(endpoint, start, b"5\r\nhello\r\n", b"no size\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 4") == 1


async def test_a_header_without_end_is_refused_when_it_grows_too_long() -> None:
    """Long before its time is over."""
    async with serving() as endpoint:
        answer = await exchange(
            endpoint, b"GET / HTTP/1.1\r\n", *(b"X-Long: %s\r\n" % (b"x" * 50_000) for _ in range(12))
        )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"<Code>RequestEntityTooLarge</Code>" in answer


async def test_an_offered_upgrade_changes_nothing() -> None:
    """Java's client offers HTTP/2 with each request: the body is read, and the next request on the connection too."""
    async with serving() as endpoint:
        body = v1("POST").encode()
        lines = ("POST / HTTP/1.1", "Host: rtc.example.test", f"Content-Type: {FORM}", f"Content-Length: {len(body)}")
        offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
        first = ("\r\n".join((*lines, *offer)) + "\r\n\r\n").encode() + body
        host, _, port = endpoint.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for request in (first, head(f"GET /?{v1('GET')} HTTP/1.1")):
            writer.write(request)
            answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
            assert b'"Code":"InvalidTask.NotFound"' in answer
        writer.close()


async def test_an_empty_path_is_the_root() -> None:
    """The seeds print `?Action` without a slash."""
    async with serving() as endpoint:
        answer = await exchange(endpoint, head(f"GET ?{v1('GET')} HTTP/1.1"))
    assert b'"Code":"InvalidTask.NotFound"' in answer
