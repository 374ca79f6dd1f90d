"""What the code reads of each operation: its parameters, also inside lists and objects, and what bounds them."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from openmpu.http.rpc_actions.table import HANDLERS
from openmpu.wire.rpc.requests.live import SingleSubParams, TranscodeParams
from openmpu.wire.rpc.rows import Row, rows_of

RAW: Mapping[str, type[Any]] = {"SingleSubParams": SingleSubParams, "TranscodeParams": TranscodeParams}
"""Objects that are kept unread at first."""


def request_of(name: str) -> type[Any]:
    """The table of parameters that an operation's handler reads."""
    handler: Any = HANDLERS[name]
    used = (handler.__globals__.get(word) for word in handler.__code__.co_names)
    (kind,) = {value for value in used if isinstance(value, type) and _is_table(value)}
    return kind


def _is_table(kind: type[Any]) -> bool:
    return dataclasses.is_dataclass(kind) and all("row" in field.metadata for field in dataclasses.fields(kind))


def known(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, Row]]:
    """Name and row of every parameter, also of those inside lists and objects."""
    for _, info in rows_of(kind):
        yield prefix + info.name, info
        inner = RAW.get(prefix + info.name) or _inner(info.read)
        if inner:
            yield from known(inner, f"{prefix}{info.name}.")


def held(reader: Any) -> Iterator[tuple[str, Any]]:
    """What a reader was made with, and what the readers inside it were: `most`, `allowed`, `kind`."""
    code = getattr(reader, "__code__", None)
    for name, cell in zip(code.co_freevars if code else (), reader.__closure__ or () if code else (), strict=True):
        yield name, cell.cell_contents
        yield from held(cell.cell_contents)


def _inner(reader: Any) -> type[Any] | None:
    return next((value for _, value in held(reader) if isinstance(value, type) and _is_table(value)), None)
