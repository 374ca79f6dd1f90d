"""Parameters out of query and form body: decoding, the union, what is refused (wire.md 1, security.md S9)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from openmpu.errors import Invalid, Limited
from openmpu.wire.rpc.incoming import Incoming

MAX_PARAMETERS = 10_000
"""The largest request that makes sense (16 panes with 16 pictures and 16 texts each) has some 6 000."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Flat parameters, decoded. `merged` is what counts: the body wins (wire.md 1)."""

    query: dict[str, str]
    form: dict[str, str]

    @property
    def merged(self) -> dict[str, str]:
        """Query and body together."""
        return self.query | self.form if self.form else self.query

    def get(self, name: str) -> str:
        """The value that counts; empty when absent (empty and absent are the same, operations.md 1.1)."""
        return self.form[name] if name in self.form else self.query.get(name, "")


def collect(incoming: Incoming) -> Parameters:
    """The parameters of a request.

    Raises:
        Invalid: A name twice in one place, two different signatures, text that is not UTF-8, or a body that is no form.
        Limited: More parameters than any sensible request has.
    """
    if incoming.body and not incoming.is_form:
        raise Invalid("Parameter.ContentType", "a body must be application/x-www-form-urlencoded")
    query, form = decode_form(incoming.query), decode_form(incoming.body)
    if form.get("Signature", "") != query.get("Signature", "") and "Signature" in form and "Signature" in query:
        raise Invalid("Parameter.Duplicate", "Signature stands in the query and in the body")
    return Parameters(query, form)


def decode_form(raw: bytes) -> dict[str, str]:
    """Names and values of a query or a form body; `+` and `%20` are blanks both (wire.md 4).

    Example: `b"A=1&Text=a+b%20c&E="` is `{"A": "1", "Text": "a b c", "E": ""}`.

    Raises:
        Invalid: A name twice, or text that is not UTF-8.
        Limited: More than `MAX_PARAMETERS`.
    """
    pairs = _pairs(raw)
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        raise Invalid("Parameter.Duplicate", f"{_first_double(pairs):.100} is given twice")
    return decoded


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise Limited("request", f"more than {MAX_PARAMETERS} parameters")
    try:
        pairs = [_pair(part) for part in raw.decode().split("&") if part]
    except UnicodeDecodeError:
        raise Invalid("Parameter.Encoding", "parameters must be UTF-8") from None
    if b"%00" in raw or b"\x00" in raw:
        raise Invalid("Parameter.Encoding", "parameters must not hold NUL")
    return pairs


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    if "%" in part or "+" in part:  # nine of ten are plain
        return _decoded(name), _decoded(value)
    return name, value


def _decoded(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote_to_bytes(text).decode() if "%" in text else text


def _first_double(pairs: list[tuple[str, str]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return name


def peek(incoming: Incoming, name: str) -> str:
    """A parameter of a request that could not be collected, as far as it can be seen; empty otherwise."""
    for raw in (incoming.body if incoming.is_form else b"", incoming.query):
        for part in raw.split(b"&"):
            key, _, value = part.partition(b"=")
            if key == name.encode() and value.isalnum():
                return value.decode()
    return ""
