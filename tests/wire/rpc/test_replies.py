"""Answers and errors as bytes (wire.md 5, 7, 8.1)."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rpc.faults import Fault
from openmpu.wire.rpc.formats import Format
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.replies import fault_reply, success_reply, to_json, to_xml

ID = "760BAD53-2764-31C4-99E3-0DC36F6B26BE"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def test_the_plainest_success() -> None:
    """operations.md 3.9, byte for byte."""
    xml = success_reply({}, "StartMPUTaskResponse", Format.XML, ID, "trace")
    assert xml.body.decode() == f"{HEAD}<StartMPUTaskResponse><RequestId>{ID}</RequestId></StartMPUTaskResponse>"
    reply = success_reply({"Status": 0}, "GetMPUTaskStatusResponse", Format.JSON, ID, "trace")
    assert json.loads(reply.body) == {"RequestId": ID, "Status": 0}
    assert dict(reply.headers) == {
        "content-type": "application/json;charset=utf-8",
        "x-acs-request-id": ID,
        "x-acs-trace-id": "trace",
    }


SHAPES: list[tuple[dict[str, Any], str]] = [
    (
        {"Layouts": {"Layout": [{"A": 1}, {"A": 2}]}},
        "<Layouts><Layout><A>1</A></Layout><Layout><A>2</A></Layout></Layouts>",
    ),
    ({"UserList": ["a", "b"]}, "<UserList>a</UserList><UserList>b</UserList>"),
    ({"Layouts": {"Layout": []}}, "<Layouts></Layouts>"),
    ({"UserList": []}, ""),
    ({"A": {"B": {"C": True, "D": False}}}, "<A><B><C>true</C><D>false</D></B></A>"),
    ({"X": 1.5, "Y": 0.0}, "<X>1.5</X><Y>0.0</Y>"),
    ({"T": "&<>\"'"}, "<T>&amp;&lt;&gt;&quot;&apos;</T>"),
    ({"T": "a\x00b\x1fc\ud7ff\ufffe"}, "<T>a\ufffdb\ufffdc\ud7ff\ufffd</T>"),
]


@pytest.mark.parametrize(("body", "xml"), SHAPES)
def test_shapes_in_xml(body: dict[str, Any], xml: str) -> None:
    """wire.md 7; what XML cannot hold is replaced."""
    assert to_xml("R", body) == f"{HEAD}<R>{xml}</R>"


@given(st.text(), st.text())
def test_any_text_makes_good_xml_and_json(one: str, other: str) -> None:
    """Whatever a caller wrote comes back inside a document that can be parsed."""
    body = {"Message": one, "List": [other]}
    assert ET.fromstring(to_xml("R", body).encode("utf-8", "replace")).tag == "R"
    assert json.loads(to_json(body)) == body


FAULT = Fault(400, "Throttling.User", "slow down", 750)


def test_an_error_in_both_forms() -> None:
    """wire.md 8.1, field by field."""
    reply = fault_reply(FAULT, "Error", Format.JSON, ID, "t", "rtc.example.test")
    fields = {"RequestId": ID, "HostId": "rtc.example.test", "Code": "Throttling.User", "Message": "slow down"}
    assert (reply.status, json.loads(reply.body)) == (400, fields)
    assert dict(reply.headers)["x-acs-retry-after"] == "750"
    xml = fault_reply(FAULT, "Error", Format.XML, ID, "t", "h").body.decode()
    inner = f"<RequestId>{ID}</RequestId><HostId>h</HostId><Code>Throttling.User</Code><Message>slow down</Message>"
    assert xml == f"{HEAD}<Error>{inner}</Error>"
    assert (
        dict(fault_reply(FAULT, "Error", Format.XML, ID, "t", "h").headers)["content-type"] == "text/xml;charset=utf-8"
    )


@pytest.mark.parametrize(
    ("header", "host"),
    [
        *(("rtc.example.test", "rtc.example.test"), ("127.0.0.1:18080", "127.0.0.1"), ("[::1]:80", "[::1]")),
        *(("[::1]", "[::1]"), ("", ""), ("a:b", "a:b")),
    ],
)
def test_the_host_that_an_error_names(header: str, host: str) -> None:
    """The Host header without port."""
    assert Incoming("GET", "/", b"", (("host", header),)).host == host
