"""Scalars as clients spell them (operations.md 1.1, 1.2, 1.4). Each reader is `(text, path) -> value`.

`path` is the full wire name (`UserPanes.1.PaneId`): it stands in the message, its first part in the error's subject.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from openmpu.errors import Invalid
from openmpu.model.colours import MAX_API_COLOUR, Colour
from openmpu.model.ids import is_name, is_task_id
from openmpu.model.urls import MAX_URL_LENGTH, IngestUrl
from openmpu.wire.rpc.nodes import parse_json
from openmpu.wire.rpc.stamps import read_stamp

T = TypeVar("T")
Scalar = Callable[[str, str], T]

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_MAX_FLOAT_LENGTH = 64
_MAX_LONG = (1 << 63) - 1
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")


def top(path: str) -> str:
    """The top-level parameter of a full name: what an error code is made of."""
    return path.partition(".")[0]


def refuse(path: str, why: str, text: str | None = None) -> NoReturn:
    """Say that a value cannot be; `text` is shown (cut short) where it cannot be a secret.

    Raises:
        Invalid: Always.
    """
    shown = "" if text is None else f" = {text if len(text) <= 60 else text[:59] + '…'}"
    raise Invalid(top(path), f"{path}{shown}: {why}")


def string(text: str, path: str) -> str:  # noqa: ARG001 - a reader like the others
    """As sent, no trimming."""
    return text


def string_up_to(most: int, *, octets: bool = False) -> Scalar[str]:
    """A text of at most that many characters, or bytes of UTF-8."""

    def read(text: str, path: str) -> str:
        if len(text.encode() if octets else text) > most:
            refuse(path, f"longer than {most} {'bytes' if octets else 'characters'}")
        return text

    return read


def integer(least: int = -_MAX_LONG - 1, most: int = _MAX_LONG) -> Scalar[int]:
    """A whole number within a range; never more than a signed 64-bit one."""

    def read(text: str, path: str) -> int:
        if not _INTEGER.fullmatch(text):
            refuse(path, "not an integer", text)
        value = int(text)
        if not least <= value <= most:
            refuse(path, f"out of range {least} to {most}", text)
        return value

    return read


def decimal(least: float, most: float, *, above: bool = False) -> Scalar[float]:
    """A finite number within a range; `above`: the lower end itself does not count."""

    def read(text: str, path: str) -> float:
        if len(text) > _MAX_FLOAT_LENGTH or not _FLOAT.fullmatch(text) or not math.isfinite(value := float(text)):
            refuse(path, "not a number", text)
        if not least <= value <= most or (above and value == least):
            refuse(path, f"out of range {'above ' if above else ''}{least:g} to {most:g}", text)
        return value

    return read


def boolean(text: str, path: str) -> bool:
    """`true`/`false` in any case, `1`/`0`."""
    value = _BOOLEANS.get(text.lower())
    if value is None:
        refuse(path, "neither true nor false", text)
    return value


def one_of(*allowed: str) -> Scalar[str]:
    """One of some words."""

    def read(text: str, path: str) -> str:
        if text not in allowed:
            refuse(path, f"must be one of {', '.join(allowed)}", text)
        return text

    return read


_colour_value = integer(0, MAX_API_COLOUR)


def colour(text: str, path: str) -> Colour:
    """R + G * 256 + B * 65536 (operations.md 1.4)."""
    return Colour.from_api(_colour_value(text, path))


def name(text: str, path: str) -> str:
    """An AppId, ChannelId or UserId (operations.md 1.2)."""
    if not is_name(text):
        refuse(path, "must be 1 to 64 of A-Z a-z 0-9 _ -", text)
    return text


def task_id(text: str, path: str) -> str:
    """A TaskId (operations.md 1.2)."""
    if not is_task_id(text):
        refuse(path, "must be 1 to 55 of A-Z a-z 0-9 _ -", text)
    return text


def ingest_url(text: str, path: str) -> IngestUrl:
    """An RTMP target (operations.md 2.4); the message never repeats it."""
    try:
        return IngestUrl.parse(text)
    except Invalid as error:
        refuse(path, error.message)


def web_url(text: str, path: str) -> str:
    """An http or https URL of a picture."""
    if len(text) > MAX_URL_LENGTH:
        refuse(path, f"longer than {MAX_URL_LENGTH} characters")
    return any_web_url(text, path)


def any_web_url(text: str, path: str) -> str:
    """An http or https URL; not repeated in the message, its query may hold a key."""
    if _UNPRINTABLE.search(text):
        refuse(path, "has blanks or control characters")
    if not _is_web_url(text):
        refuse(path, "must be an http or https URL")
    return text


def json_text(most: int) -> Scalar[str]:
    """Any JSON of at most so many characters, kept as it is written."""

    def read(text: str, path: str) -> str:
        if len(text) > most:
            refuse(path, f"longer than {most} characters")
        try:
            parse_json(text)
        except ValueError as error:
            refuse(path, f"is not JSON: {error}"[:200])
        return text

    return read


def moment(text: str, path: str) -> int:
    """`yyyy-MM-ddTHH:mm:ssZ` as nanoseconds of Unix time."""
    seconds = read_stamp(text)
    if seconds is None:
        refuse(path, "must be yyyy-MM-ddTHH:mm:ssZ", text)
    return seconds * 10**9


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
