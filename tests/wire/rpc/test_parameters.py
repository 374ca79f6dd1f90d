"""Query and body into flat parameters (wire.md 1, security.md S9, S17)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.errors import Invalid, Limited
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import MAX_PARAMETERS, collect, decode_form, peek
from openmpu.wire.rpc.signatures.encoding import canonical_query

FORM = (("content-type", "application/x-www-form-urlencoded; charset=UTF-8"),)


def test_plus_and_percent_twenty_are_blanks_both() -> None:
    """The Python Tea client writes `+`, all others `%20`."""
    assert decode_form(b"A=a+b%20c&B=1%2B1&C=") == {"A": "a b c", "B": "1+1", "C": ""}


@pytest.mark.parametrize("raw", [b"A=%E5%80%BC", "A=值".encode()])
def test_utf8_may_be_escaped_or_plain(raw: bytes) -> None:
    """UTF-8 everywhere."""
    assert decode_form(raw) == {"A": "值"}


@pytest.mark.parametrize("raw", [b"A=%FF", b"A=\xff", b"A=%C0%80", b"A=%00", b"A=\x00", b"A=%ED%A0%80"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    """Broken UTF-8, half surrogates and NUL never get past the door."""
    with pytest.raises(Invalid) as refused:
        decode_form(raw)
    assert refused.value.subject == "Parameter.Encoding"


@pytest.mark.parametrize("raw", [b"Action=A&Action=B", b"A=1&B=2&A=1", b"A=&%41="])
def test_a_name_twice_in_one_place_is_refused(raw: bytes) -> None:
    """security.md S9: also where both say the same, also under another spelling."""
    with pytest.raises(Invalid) as refused:
        decode_form(raw)
    assert refused.value.subject == "Parameter.Duplicate"


def test_the_body_wins_over_the_query() -> None:
    """That is what the V1 signers sign."""
    parameters = collect(Incoming("POST", "/", b"A=1&B=2", FORM, b"A=3&C="))
    assert parameters.merged == {"A": "3", "B": "2", "C": ""}
    assert [parameters.get(name) for name in "ABCD"] == ["3", "2", "", ""]


def test_two_different_signatures_are_refused() -> None:
    """security.md S9: signature in body and query."""
    with pytest.raises(Invalid):
        collect(Incoming("POST", "/", b"Signature=a", FORM, b"Signature=b"))
    collect(Incoming("POST", "/", b"Signature=a", FORM, b"Signature=a"))


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_another_body_is_refused_unless_it_is_empty(kind: str) -> None:
    """wire.md 1: a POST without body may say any content type."""
    headers = (("content-type", kind),) if kind else ()
    assert collect(Incoming("POST", "/", b"A=1", headers)).merged == {"A": "1"}
    with pytest.raises(Invalid) as refused:
        collect(Incoming("POST", "/", b"A=1", headers, b"x"))
    assert refused.value.subject == "Parameter.ContentType"


def test_too_many_parameters_are_refused_before_they_are_read() -> None:
    """security.md S17."""
    with pytest.raises(Limited):
        decode_form(b"&".join(b"a" for _ in range(MAX_PARAMETERS + 1)))


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=20))
def test_what_a_signer_encodes_is_read_back(parameters: dict[str, str]) -> None:
    """Any text survives the way there and back, but for NUL."""
    if any("\x00" in text for pair in parameters.items() for text in pair):
        return
    assert decode_form(canonical_query(parameters.items()).encode()) == parameters


def test_a_broken_request_still_shows_its_format() -> None:
    """So that its error is in the format it asked for."""
    assert peek(Incoming("GET", "/", b"A=1&A=1&Format=JSON", ()), "Format") == "JSON"
    assert peek(Incoming("POST", "/", b"", FORM, b"A=%FF&Format=xml"), "Format") == "xml"
    assert peek(Incoming("GET", "/", b"Format=%4A", ()), "Format") == ""
