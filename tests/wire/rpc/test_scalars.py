"""Scalars in every accepted spelling, and what is refused (operations.md 1.1, 1.2, 1.4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.errors import Invalid
from openmpu.model.colours import Colour
from openmpu.wire.rpc import scalars

PATH = "UserPanes.1.Texts.2.X"


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("+7", 7), ("-3", -3), ("007", 7), ("9223372036854775807", (1 << 63) - 1)]
)
def test_integers(text: str, value: int) -> None:
    """Sign and leading zeros are fine, up to signed 64 bit."""
    assert scalars.integer()(text, PATH) == value


@pytest.mark.parametrize(
    "text", ["1.0", "1e3", " 1", "1 ", "0x10", "١", "1_000", "", "+", "9223372036854775808", "9" * 5000]
)
def test_other_integers_are_refused(text: str) -> None:
    """Also digits of other scripts, blanks, and what no 64 bits hold."""
    with pytest.raises(Invalid) as refused:
        scalars.integer()(text, PATH)
    assert refused.value.subject == "UserPanes"
    assert PATH in refused.value.message
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), ("1.0", 1.0), ("0.757600", 0.7576), (".5", 0.5), ("1.", 1.0), ("5e-1", 0.5)]
)
def test_floats(text: str, value: float) -> None:
    """Decimal or exponent notation."""
    assert scalars.decimal(0, 1)(text, PATH) == value


@pytest.mark.parametrize("text", ["nan", "inf", "1e999", "0,5", "1.2.3", "", "-0.1", "1.0001", "0x1p-1", "1" * 100])
def test_other_floats_are_refused(text: str) -> None:
    """Finite numbers within the range only."""
    with pytest.raises(Invalid):
        scalars.decimal(0, 1)(text, PATH)


def test_an_open_lower_end() -> None:
    """Width and Height are above 0."""
    assert scalars.decimal(0, 1, above=True)("0.0001", PATH) == 0.0001
    with pytest.raises(Invalid, match="above 0 to 1"):
        scalars.decimal(0, 1, above=True)("0.0", PATH)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True), ("1", True), ("false", False), ("False", False), ("0", False)],
)
def test_booleans(text: str, value: bool) -> None:
    """The SDKs' two spellings and 1/0."""
    assert scalars.boolean(text, PATH) is value


@pytest.mark.parametrize("text", ["yes", "2", "tru", "on", " true"])
def test_other_booleans_are_refused(text: str) -> None:
    """Nothing else."""
    with pytest.raises(Invalid):
        scalars.boolean(text, PATH)


@pytest.mark.parametrize(
    ("text", "colour"),
    [("255", Colour(255, 0, 0)), ("16711680", Colour(0, 0, 255)), ("65280", Colour(0, 255, 0)), ("0", Colour(0, 0, 0))],
)
def test_colours_have_red_in_the_low_byte(text: str, colour: Colour) -> None:
    """operations.md 1.4: the opposite of 0xRRGGBB."""
    assert scalars.colour(text, "BackgroundColor") == colour


@pytest.mark.parametrize("text", ["-1", "16777216", "#ff0000", "0xff"])
def test_other_colours_are_refused(text: str) -> None:
    """0 to 16777215."""
    with pytest.raises(Invalid):
        scalars.colour(text, "BackgroundColor")


@pytest.mark.parametrize("text", ["a", "A-b_9", "x" * 55])
def test_task_ids(text: str) -> None:
    """Letters, digits, underscore, hyphen, up to 55."""
    assert scalars.task_id(text, "TaskId") == text


@pytest.mark.parametrize("text", ["x" * 56, "a b", "../x", "任务", "a.b", "a/b", "a\n", "ａ"])
def test_other_task_ids_are_refused(text: str) -> None:
    """security.md S18: no paths, no look-alikes, no line ends."""
    with pytest.raises(Invalid):
        scalars.task_id(text, "TaskId")


def test_a_refused_ingest_url_is_never_repeated() -> None:
    """Its query usually holds a key."""
    with pytest.raises(Invalid) as refused:
        scalars.ingest_url("http://x/live/s?auth_key=SECRET", "StreamURL")
    assert "SECRET" not in refused.value.message
    assert refused.value.subject == "StreamURL"


@pytest.mark.parametrize("text", ["http://a/b.png", "HTTPS://a.b/c?x=1&y=2", "http://[::1]:8080/x"])
def test_web_urls(text: str) -> None:
    """Http and https."""
    assert scalars.web_url(text, PATH) == text


BAD_URLS: list[Any] = ["ftp://a/b", "file:///etc/passwd", "//a/b", "http://", "http:///x", "http://a b/", "http://a\n/"]


@pytest.mark.parametrize("text", [*BAD_URLS, "http://a:99999/", "http://[x/", "data:,x", "http://a/" + "x" * 2048])
def test_other_web_urls_are_refused(text: str) -> None:
    """Other schemes, no host, blanks, bad ports, too long."""
    with pytest.raises(Invalid):
        scalars.web_url(text, PATH)


@pytest.mark.parametrize("text", ['{"k": "v"}', "[1, 2]", '"x"', "5", "[" * 50 + "]" * 50])
def test_json_texts(text: str) -> None:
    """Any JSON, kept as it is written."""
    assert scalars.json_text(4096)(text, "CustomSei") == text


@pytest.mark.parametrize("text", ["{", "NaN", "x", '"' + "a" * 4096 + '"', "[" * 3000])
def test_other_json_texts_are_refused(text: str) -> None:
    """Not JSON, or too long."""
    with pytest.raises(Invalid):
        scalars.json_text(4096)(text, "CustomSei")


def test_moments() -> None:
    """One spelling, to the second."""
    assert scalars.moment("2024-01-02T03:04:05Z", "StartTime") == 1_704_164_645 * 10**9
    for text in ("2024-01-02 03:04:05", "2024-13-02T03:04:05Z", "2024-01-02T03:04:05+00:00", "2024-1-2T3:4:5Z", "0"):
        with pytest.raises(Invalid):
            scalars.moment(text, "StartTime")


READERS = [
    scalars.string,
    scalars.string_up_to(8),
    scalars.integer(-5, 5),
    scalars.decimal(0, 1),
    scalars.boolean,
    scalars.colour,
    scalars.name,
    scalars.task_id,
    scalars.ingest_url,
    scalars.web_url,
    scalars.json_text(64),
    scalars.moment,
]


@given(st.sampled_from(READERS), st.text(min_size=1))
def test_any_text_is_a_value_or_invalid(reader: scalars.Scalar[Any], text: str) -> None:
    """No other error, whatever is sent."""
    try:
        reader(text, PATH)
        subject = "UserPanes"
    except Invalid as error:
        subject = error.subject
    assert subject == "UserPanes"
