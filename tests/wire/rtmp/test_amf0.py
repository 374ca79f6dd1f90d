"""AMF0: what goes in comes out, and nothing that comes in breaks anything."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.malformed import Malformed

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=5))
def test_round_trip(values):
    """Every value that we can write is read back as it was."""
    assert amf0.decode(amf0.encode(*values)) == values


@given(st.binary(max_size=300))
def test_any_bytes_are_values_or_malformed(data):
    """Random bytes give values or Malformed, never anything else."""
    with suppress(Malformed):
        amf0.decode(data)


def test_bytes_of_an_object():
    """An object stands on the wire as AMF0 2.5 says."""
    assert amf0.encode({"app": "live"}) == b"\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"


def test_bytes_of_an_ecma_array():
    """An ECMA array has its count before, and the same end."""
    raw = amf0.encode(amf0.EcmaArray({"width": 2}))
    assert raw == b"\x08\x00\x00\x00\x01\x00\x05width\x00" + struct.pack(">d", 2) + b"\x00\x00\x09"
    assert amf0.decode(raw) == [{"width": 2.0}]


def test_long_string():
    """A string past 64 KiB takes the long form."""
    text = "x" * 70_000
    assert amf0.encode(text)[0] == 0x0C
    assert amf0.decode(amf0.encode(text)) == [text]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x06", None),
        (b"\x0d", None),
        (b"\x0b" + struct.pack(">d", 1000) + b"\x00\x00", 1000.0),
        (b"\x10\x00\x01C\x00\x01a\x05\x00\x00\x09", {"a": None}),
        (b"\x0f\x00\x00\x00\x04<a/>", "<a/>"),
        (b"\x02\x00\x01\xff", "\ufffd"),
    ],
)
def test_rare_values(data, value):
    """Undefined, unsupported, dates, typed objects, XML and text that is no UTF-8 are read as plain values."""
    assert amf0.decode(data) == [value]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00",
        b"\x02\x00\x05abc",
        b"\x03\x00\x01a",
        b"\x0a\xff\xff\xff\xff\x05",
        b"\x07\x00\x01",
        b"\x11",
        b"\x03\x00\x01a" * 40,
        b"\x0a\x00\x00\x20\x00" + b"\x05" * 0x2000,
    ],
    ids=["cut number", "cut text", "open object", "huge array", "reference", "amf3", "too deep", "too many"],
)
def test_refused(data):
    """Cut, huge, deep and foreign notations are refused."""
    with pytest.raises(Malformed):
        amf0.decode(data)
