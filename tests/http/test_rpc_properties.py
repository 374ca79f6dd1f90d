"""Whatever is sent: a changed request is refused, and no request gets a 500 or a page (security.md S9, S17)."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.http.rpc import RpcApp, RpcOptions
from openmpu.wire.rpc.actions import OPERATIONS
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.replies import Reply
from tests.http.house import LIVE, RTC, RpcHouse, open_house
from tests.http.nonsense import NAMES, random_flat
from tests.http.signing import FORM, Signer, query_of
from tests.services.doubles import START, user

SIGNER = Signer(now=START)
PAGE = {"PageNum": "1", "PageSize": "2", "Extra": "a b+c*~%值"}


def v1_query() -> Incoming:
    """A signed GET that is answered with 200."""
    every = SIGNER.v1("GET", {"Action": "DescribeSystemLayoutList", "Version": RTC, "Format": "JSON", **PAGE})
    return Incoming("GET", "/", query_of(every).encode(), (("host", SIGNER.host),))


def v1_form() -> Incoming:
    """The same as a POST with everything in the body."""
    every = SIGNER.v1("POST", {"Action": "DescribeSystemLayoutList", "Version": RTC, "Format": "JSON", **PAGE})
    return Incoming("POST", "/", b"", (("content-type", FORM),), query_of(every).encode())


def v3_query() -> Incoming:
    """The same by V3, parameters in the query."""
    headers = SIGNER.v3("POST", "DescribeSystemLayoutList", RTC, PAGE)
    named = tuple((name.lower(), value) for name, value in headers.items())
    return Incoming("POST", "/", query_of(PAGE).encode(), named)


def v3_form() -> Incoming:
    """The same by V3, parameters in the body."""
    body = query_of(PAGE).encode()
    headers = SIGNER.v3("POST", "DescribeSystemLayoutList", RTC, {}, body)
    return Incoming("POST", "/", b"", tuple((name.lower(), value) for name, value in headers.items()), body)


WAYS = [v1_query, v1_form, v3_query, v3_form]


def parts_of(incoming: Incoming) -> dict[str, bytes]:
    """Everything that the signature covers, as bytes that can be changed."""
    parts = {"method": incoming.method.encode(), "path": incoming.path.encode()}
    parts |= {"query": incoming.query, "body": incoming.body}
    if any(name == "authorization" for name, _ in incoming.headers):
        parts |= {f"header {name}": value.encode() for name, value in incoming.headers}
    return {name: value for name, value in parts.items() if value}


def put_back(incoming: Incoming, part: str, value: bytes) -> Incoming:
    """The request with one part changed."""
    text = value.decode("latin-1")
    headers = tuple((name, text.strip() if part == f"header {name}" else old) for name, old in incoming.headers)
    return Incoming(
        text if part == "method" else incoming.method,
        text if part == "path" else incoming.path,
        value if part == "query" else incoming.query,
        headers,
        value if part == "body" else incoming.body,
    )


def says_the_same(part: str, old: bytes, new: bytes) -> bool:
    """Another spelling of the same parameters (`%2F`, `%2f`), or another blank around the same header."""
    if part in {"query", "body"}:
        return unquote_to_bytes(old.replace(b"+", b" ")) == unquote_to_bytes(new.replace(b"+", b" "))
    return old.strip() == new.strip()


async def answered(house: RpcHouse, incoming: Incoming) -> Reply:
    return await RpcApp(house.door).answer(incoming)


@pytest.mark.parametrize("make", WAYS)
async def test_any_change_of_one_byte_is_refused(house: RpcHouse, make: Callable[[], Incoming]) -> None:
    """Every byte that is signed, each turned into three others; the untouched request then still passes."""
    incoming = make()
    chance = random.Random(1)
    for part, value in parts_of(incoming).items():
        for place in range(len(value)):
            for changed in {value[place] ^ 1, value[place] ^ 32, chance.randrange(256)} - {value[place]}:
                new = value[:place] + bytes([changed]) + value[place + 1 :]
                if not says_the_same(part, value, new):
                    reply = await answered(house, put_back(incoming, part, new))
                    assert 400 <= reply.status < 500, (part, place, new)
    assert (await answered(house, incoming)).status == 200


@pytest.mark.parametrize("make", [v1_query, v1_form])
async def test_order_does_not_matter_but_double_encoding_and_additions_do(
    house: RpcHouse, make: Callable[[], Incoming]
) -> None:
    """security.md S9."""
    incoming = make()
    part = "query" if incoming.query else "body"
    raw = incoming.query or incoming.body
    pairs = raw.split(b"&")
    for wrong in (
        raw.replace(b"%20", b"%2520"),
        raw + b"&New=1",
        raw + b"&New=",
        b"&".join(pair for pair in pairs if not pair.startswith(b"PageSize")),
        raw.replace(b"PageNum", b"pageNum"),
    ):
        reply = await answered(house, put_back(incoming, part, wrong))
        assert reply.status == 400, wrong
    again = put_back(incoming, part, b"&".join(reversed(pairs)))
    assert (await answered(house, again)).status == 200
    assert (await answered(house, incoming)).status == 400


async def test_a_method_in_small_letters_is_another_method(house: RpcHouse) -> None:
    """HTTP methods are case-sensitive, and so is what is signed."""
    for make in WAYS:
        incoming = make()
        reply = await answered(house, put_back(incoming, "method", incoming.method.lower().encode()))
        assert (reply.status, b"UnsupportedHTTPMethod" in reply.body) == (400, True)


def random_request(chance: random.Random) -> Incoming:
    """A call of some operation, now and then broken further down."""
    action = chance.choice([*OPERATIONS, "Nothing"])
    version = chance.choice([RTC, LIVE])
    if action in OPERATIONS and chance.random() < 0.9:
        version = chance.choice(list(OPERATIONS[action].rates))
    flat = {
        "Action": action,
        "Version": version,
        "Format": chance.choice(["JSON", "XML", "xml", ""]),
        **random_flat(chance),
    }
    raw = query_of(flat).encode()
    if chance.random() < 0.1:
        place = chance.randrange(len(raw))
        raw = raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :]
    accept = chance.choice(["*/*", "application/json", "text/html", "", "\xff"])
    headers = (("host", chance.choice(["h", "h:80", "[::1]:80", ""])), ("accept", accept), ("content-type", FORM))
    if chance.random() < 0.5:
        return Incoming("GET", "/", raw, headers)
    return Incoming("POST", "/", b"", headers, raw)


def assert_whole(reply: Reply) -> None:
    """JSON or XML that can be parsed, with a status that is not ours to blush for."""
    kind = dict(reply.headers)["content-type"]
    assert reply.status < 500, reply.body
    if kind.startswith("application/json"):
        assert "RequestId" in json.loads(reply.body)
    else:
        assert kind == "text/xml;charset=utf-8"
        assert ET.fromstring(reply.body.decode()).find("RequestId") is not None


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Ten thousand lines of log are not what is tested here."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(wrapper_class=before)


@pytest.mark.usefixtures("_quiet")
async def test_ten_thousand_random_calls_are_all_answered_and_leave_nothing_behind() -> None:
    """No 500, no page, no growth: bookkeeping of the first calls is there before the counting begins."""
    chance = random.Random(7)
    async with open_house(options=RpcOptions(auth=False)) as house:
        await house.people(user("ann"), user("bob"))
        app = RpcApp(house.door)
        seen: set[int] = set()
        before = 0
        for number in range(10_000):
            if number == 4000:
                before = objects()
            reply = await app.answer(random_request(chance))
            assert_whole(reply)
            seen.add(reply.status)
        grown = objects() - before
    assert seen == {200, 400, 403, 404}
    assert grown < 6000, f"{grown} objects more after 6000 calls"


def objects() -> int:
    """How many objects live that could hold others."""
    gc.collect()
    return len(gc.get_objects())


@pytest.fixture(scope="module")
def open_app() -> Iterator[tuple[asyncio.AbstractEventLoop, RpcApp]]:
    """One door without authentication for many examples, in a loop of its own."""
    loop = asyncio.new_event_loop()
    context = open_house(options=RpcOptions(auth=False))
    house = loop.run_until_complete(context.__aenter__())
    yield loop, RpcApp(house.door)
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


TEXTS = st.text(max_size=30)
HEADERS = st.lists(
    st.tuples(st.sampled_from(["authorization", "accept", "content-type", "host", "x-acs-date", "x-acs-action"]), TEXTS)
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT", "get"]), st.binary(max_size=60), HEADERS, st.binary(max_size=60))
def test_any_bytes_get_an_answer(
    open_app: Any, method: str, query: bytes, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Not even a parameter among them."""
    loop, app = open_app
    assert_whole(loop.run_until_complete(app.answer(Incoming(method, "/", query, tuple(headers), body))))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(OPERATIONS)), st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=8), TEXTS)
def test_any_values_get_an_answer(open_app: Any, action: str, values: dict[str, str], tail: str) -> None:
    """Every operation, any text under any of its names."""
    loop, app = open_app
    version = next(iter(OPERATIONS[action].rates))
    flat = {**{f"{name}{tail}" if "Pane" in name else name: text for name, text in values.items()}}
    flat |= {"Action": action, "Version": version}
    raw = query_of({name: text for name, text in flat.items() if "\x00" not in name + text}).encode()
    assert_whole(loop.run_until_complete(app.answer(Incoming("GET", "/", raw, ()))))
